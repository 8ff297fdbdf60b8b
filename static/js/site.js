// Niceties only: every page works without this file.
(() => {
  "use strict";

  // The server writes times in the reader's own zone once it knows which that is.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `tz=${zone}; path=/; max-age=31536000; samesite=lax`;

  // A poll that brings nothing new changes nothing: screen readers stay quiet and animations do not start over.
  const latest = new Map();
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { path, verb } = detail.requestConfig;
    if (verb !== "get") return;
    if (latest.get(path) === detail.serverResponse) detail.shouldSwap = false;
    latest.set(path, detail.serverResponse);
  });
})();
