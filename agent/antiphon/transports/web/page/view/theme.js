// Dark or light: as the system says, until the visitor says otherwise.

const KEY = "antiphon-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** @param {HTMLButtonElement} button @param {() => void} changed */
export function theme(button, changed) {
  let chosen = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    // Nothing is kept.
  }
  const show = () => {
    const dark = chosen ? chosen === "dark" : system.matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    button.setAttribute("aria-pressed", dark);
    changed();
  };
  system.addEventListener("change", show);
  button.addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // Nothing is kept.
    }
    show();
  });
  show();
}
