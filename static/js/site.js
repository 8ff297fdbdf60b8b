// Niceties only: every page works without this file.
(() => {
  "use strict";

  // The server writes times in the reader's own zone once it knows which that is.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `tz=${zone}; path=/; max-age=31536000; samesite=lax`;

  // The running total of a custom amount, rounded up as the shop does. The next page shows the price that counts.
  const amount = document.querySelector("[data-per-coins]");
  if (amount) {
    const { currency, locale } = amount.dataset;
    const [priceMinor, perCoins, step, exponent, least, most] = ["priceMinor", "perCoins", "step", "exponent", "min", "max"]
      .map((name) => Number(amount.dataset[name]));
    const outputs = document.querySelectorAll("[data-total-of-amount]");
    const money = new Intl.NumberFormat(locale || undefined, {
      style: "currency",
      numberingSystem: "latn",
      currency,
      minimumFractionDigits: exponent,
      maximumFractionDigits: exponent,
    });
    const show = () => {
      const coins = Number(amount.value);
      const isInRange = Number.isInteger(coins) && coins >= least && coins <= most;
      const minor = Math.ceil((coins * priceMinor) / perCoins / step) * step;
      for (const output of outputs) {
        output.textContent = isInRange ? money.format(minor / 10 ** exponent) : output.dataset.otherwise;
      }
    };
    for (const output of outputs) output.dataset.otherwise = output.textContent;
    amount.addEventListener("input", show);
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
