// A grid of prices by keyboard: arrows and Enter move, a block from a spreadsheet can be pasted. Without it, Tab does.
(() => {
  "use strict";
  const cells = (row) => [...row.querySelectorAll("input.input")];

  function move(input, down, along) {
    const row = input.closest("tr");
    const rows = [...row.parentElement.rows].filter((each) => cells(each).length);
    const next = rows[rows.indexOf(row) + down];
    const target = next && cells(next)[cells(row).indexOf(input) + along];
    if (target) target.select();
    return Boolean(target);
  }

  document.querySelectorAll("[data-grid]").forEach((grid) => {
    grid.addEventListener("keydown", (event) => {
      const input = event.target.closest("input.input");
      if (!input || event.altKey || event.ctrlKey || event.metaKey) return;
      const whole = input.selectionStart === 0 && input.selectionEnd === input.value.length;
      const ltr = getComputedStyle(grid).direction === "ltr" ? 1 : -1;
      const steps = { ArrowDown: [1, 0], ArrowUp: [-1, 0], Enter: [event.shiftKey ? -1 : 1, 0] };
      if (whole) Object.assign(steps, { ArrowRight: [0, ltr], ArrowLeft: [0, -ltr] });
      const step = steps[event.key];
      if (step && (move(input, ...step) || event.key === "Enter")) event.preventDefault();
    });
    grid.addEventListener("paste", (event) => {
      const input = event.target.closest("input.input");
      const block = event.clipboardData.getData("text").replace(/\r/g, "").replace(/\n$/, "").split("\n").map((line) => line.split("\t"));
      if (!input || (block.length === 1 && block[0].length === 1)) return;
      event.preventDefault();
      const row = input.closest("tr");
      const rows = [...row.parentElement.rows].filter((each) => cells(each).length);
      const top = rows.indexOf(row), start = cells(row).indexOf(input);
      block.forEach((line, down) => line.forEach((text, along) => {
        const target = rows[top + down] && cells(rows[top + down])[start + along];
        if (target) target.value = text.trim();
      }));
    });
    grid.addEventListener("focusin", (event) => event.target.matches("input.input") && event.target.select());
  });
})();
