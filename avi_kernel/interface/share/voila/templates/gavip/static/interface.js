// The page's own few lines: progress while cells run, theme, and the end of a session told in words.
// Voilà's script calls window.voila_finish once its widgets manager is there.
"use strict";

const gavip = {
  theme() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const set = () => {
      document.body.dataset.jpThemeLight = String(!dark.matches);
      document.body.dataset.jpThemeName = dark.matches ? "JupyterLab Dark" : "JupyterLab Light";
    };
    dark.addEventListener("change", set);
    set();
  },

  progress(done, total) {
    const bar = document.getElementById("gavip-progress");
    bar.max = total;
    bar.value = done;
    const text = done < total ? `Running cell ${done + 1} of ${total}` : "Drawing the interface";
    document.getElementById("gavip-loading-text").textContent = text;
  },

  cellsDone() {
    window.cellLoaded = true;
    if (window.themeLoaded) gavip.show();
  },

  show() {
    document.getElementById("gavip-loading").remove();
    document.getElementById("rendered_cells").hidden = false;
    document.documentElement.dataset.ready = "true";
    gavip.watchKernel();
  },

  failed() {
    document.getElementById("gavip-loading").remove();
  },

  // The application stands on `window` a moment after its widgets are drawn.
  watchKernel() {
    const kernel = window.jupyterapp?.widgetManager?.kernel;
    if (!kernel) {
      setTimeout(gavip.watchKernel, 200);
      return;
    }
    kernel.statusChanged.connect((_, status) => {
      if (status === "dead") gavip.ended();
    });
  },

  ended() {
    if (document.getElementById("gavip-ended")) return;
    const notice = document.createElement("p");
    notice.id = "gavip-ended";
    notice.className = "gavip-notice";
    notice.setAttribute("role", "alert");
    notice.textContent = "This session has ended: its program stopped or ran out of memory. ";
    const again = document.createElement("button");
    again.textContent = "Start afresh";
    again.addEventListener("click", () => location.reload());
    notice.append(again);
    document.querySelector("main").before(notice);
    notice.scrollIntoView();
  },
};

window.voila_finish = () => gavip.show();
