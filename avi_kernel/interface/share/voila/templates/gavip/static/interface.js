// The page's own few lines: progress while cells run, theme, and the end of a session told in words.
// Voilà's script calls window.voila_finish once its widgets manager is there.
"use strict";

const DRAWN_WITHIN_MS = 20000;

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
    // One cell has no parts to count: its bar tells only that something goes on.
    if (total < 2) return;
    const bar = document.getElementById("gavip-progress");
    bar.max = total;
    bar.value = done;
    const step = done < total ? `Preparing the interface: part ${done + 1} of ${total}` : "Drawing the interface…";
    document.getElementById("gavip-loading-text").textContent = step;
  },

  cellsDone() {
    window.cellLoaded = true;
    gavip.rememberViews();
    if (window.themeLoaded) gavip.show();
    else gavip.waiting = setTimeout(gavip.incomplete, DRAWN_WITHIN_MS);
  },

  // The cells are there, and the scripts that draw them are not: nothing else would tell, and the page waited for ever.
  incomplete() {
    clearTimeout(gavip.waiting);
    const loading = document.getElementById("gavip-loading");
    if (!loading || loading.querySelector("button")) return;
    document.getElementById("gavip-loading-text").textContent = "A part of this page has not arrived. It goes on by itself if it still comes.";
    const again = document.createElement("button");
    again.textContent = "Load it again";
    again.addEventListener("click", () => location.reload());
    loading.append(again);
  },

  show() {
    clearTimeout(gavip.waiting);
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
    gavip.watchConnection(kernel);
    if (document.querySelector(".gavip-header").dataset.avi) gavip.watchNotice();
    gavip.watchViews(window.jupyterapp.widgetManager);
  },

  ended() {
    if (gavip.closedFor) {
      document.getElementById("gavip-closing")?.remove();
      gavip.say("ended", gavip.closedFor, ...gavip.wayBack("/open", "Open it again"));
      return;
    }
    const again = document.createElement("button");
    again.textContent = "Start afresh";
    again.addEventListener("click", () => location.reload());
    gavip.say("ended", "This session has ended: its program was closed, stopped or ran out of memory.", again, ...gavip.wayBack());
  },

  wayBack(below = "", words = "To its page in the portal") {
    const { avi } = document.querySelector(".gavip-header").dataset;
    if (!avi) return [];
    const link = document.createElement("a");
    link.href = avi + below;
    link.textContent = words;
    return [link];
  },

  // One notice at a time; what has ended stays ended.
  say(state, words, ...ways) {
    const { dataset } = document.documentElement;
    if (dataset.state === state || dataset.state === "ended") return;
    gavip.unsay(dataset.state);
    dataset.state = state;
    const notice = document.createElement("div");
    notice.id = "gavip-notice";
    notice.className = "gavip-notice";
    notice.setAttribute("role", "alert");
    notice.append(Object.assign(document.createElement("p"), { textContent: words }), ...ways);
    document.querySelector(".gavip-header").after(notice);
    document.getElementById("rendered_cells").inert = true;
  },

  unsay(state) {
    const { dataset } = document.documentElement;
    if (!state || dataset.state !== state) return;
    delete dataset.state;
    document.getElementById("gavip-notice")?.remove();
    document.getElementById("rendered_cells").inert = false;
  },
};

window.voila_finish = () => gavip.show();
