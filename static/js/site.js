// Niceties only: every page works without this file.
(() => {
  "use strict";

  // The running total of a custom amount, by the server's own rule; the next page shows the price that counts.
  const amount = document.querySelector("[data-price-minor]");
  if (amount) {
    const { exponent, currency, locale, priceMinor, perCoins, step, min, max } = amount.dataset;
    const outputs = document.querySelectorAll("[data-total-of-amount]");
    const money = new Intl.NumberFormat(locale || undefined, {
      style: "currency",
      currency,
      minimumFractionDigits: Number(exponent),
      maximumFractionDigits: Number(exponent),
    });
    const show = () => {
      const coins = /^[0-9]{1,9}$/.test(amount.value.trim()) ? Number(amount.value) : NaN;
      const isInRange = coins >= Number(min) && coins <= Number(max);
      const minor = Math.ceil((coins * Number(priceMinor)) / (Number(perCoins) * Number(step))) * Number(step);
      for (const output of outputs) {
        output.textContent = isInRange ? money.format(minor / 10 ** Number(exponent)) : output.dataset.otherwise;
      }
    };
    for (const output of outputs) output.dataset.otherwise = output.textContent;
    amount.addEventListener("input", show);
    show();
  }

  // A poll that brings nothing new changes nothing: screen readers stay quiet and animations do not start over.
  const latest = new Map();
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { path, verb } = detail.requestConfig;
    if (verb !== "get") return;
    if (latest.get(path) === detail.serverResponse) detail.shouldSwap = false;
    latest.set(path, detail.serverResponse);
  });
})();
