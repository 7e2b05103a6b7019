// Looks for a newer page, unless someone is busy with this one.
"use strict";
(() => {
  const state = document.querySelector(".state");
  const every = 1000 * Number(state.dataset.every);
  const pause = element("button", { type: "button", "aria-pressed": "false" }, "Pause");
  let busy = 0;
  for (const kind of ["pointerdown", "pointermove", "keydown", "input"]) {
    addEventListener(kind, () => { busy = Date.now(); }, { passive: true });
  }
  pause.addEventListener("click", () => {
    const paused = pause.getAttribute("aria-pressed") === "false";
    pause.setAttribute("aria-pressed", paused);
    pause.textContent = paused ? "Paused" : "Pause";
  });
  state.append(pause);
  setInterval(() => {
    const paused = pause.getAttribute("aria-pressed") === "true";
    if (!paused && Date.now() - busy >= every) location.reload();
  }, every);
})();
