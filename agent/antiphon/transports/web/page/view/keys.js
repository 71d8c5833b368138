// The keyboard, and what is held.

const writing = (target) => target.matches?.("input:not([type=radio]):not([type=checkbox]), textarea, select");

/** Do something while an element is pressed by pointer or keyboard. */
export function whileHeld(element, { begin, end }) {
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    begin();
  });
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) element.addEventListener(kind, end);
  element.addEventListener("contextmenu", (event) => event.preventDefault());
}

/** @param {Object} does enabled, interrupt, mute, hold, write */
export function keys(does) {
  addEventListener("keydown", (event) => {
    if (!does.enabled() || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return does.interrupt();
    if (writing(event.target)) return;
    const action = { " ": does.hold.begin, m: does.mute, M: does.mute, "/": does.write }[event.key];
    if (!action) return;
    // Space on a button presses it, except on those that are held.
    if (event.key === " " && event.target.matches("button:not(#orb):not(#hold)")) return;
    if (event.key !== " ") event.preventDefault();
    action();
  });
  addEventListener("keyup", (event) => event.key === " " && does.hold.end());
  addEventListener("blur", () => does.hold.end());
}
