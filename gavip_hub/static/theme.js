// A classic script, so that a chosen theme holds before the first paint.
(() => {
  const root = document.documentElement;
  const read = () => { try { return localStorage.getItem("gavip-theme"); } catch { return null; } };
  const keep = (theme) => {
    try {
      if (theme) localStorage.setItem("gavip-theme", theme); else localStorage.removeItem("gavip-theme");
    } catch { /* private window: for this page only */ }
  };
  const other = (theme) => (theme === "dark" ? "light" : "dark");
  const systems = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const words = () => ({ light: "light", dark: "dark" })[root.dataset.theme] ?? "as the system";
  const show = (theme) => { if (theme) root.dataset.theme = theme; else delete root.dataset.theme; };
  const chosen = read();
  if (chosen === "light" || chosen === "dark") show(chosen);

  // From "as the system" to the other, to the system's own for good, and back.
  const next = () => {
    if (!root.dataset.theme) return other(systems());
    return root.dataset.theme === systems() ? "" : systems();
  };
  const tell = (button) => {
    button.title = `Theme: ${words()}`;
    button.setAttribute("aria-label", button.title);
  };
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.hidden = false;
      tell(button);
      button.addEventListener("click", () => {
        const theme = next();
        show(theme);
        keep(theme);
        tell(button);
      });
    }
  });
})();
