// A classic script, so that a chosen theme holds before the first paint.
(() => {
  const root = document.documentElement;
  const read = () => { try { return localStorage.getItem("gavip-theme"); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem("gavip-theme", theme); } catch { /* private window: for this page only */ } };
  const chosen = read();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
        const next = (root.dataset.theme || system) === "dark" ? "light" : "dark";
        root.dataset.theme = next;
        keep(next);
      });
    }
  });
})();
