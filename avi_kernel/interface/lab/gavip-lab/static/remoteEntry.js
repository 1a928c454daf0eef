/* JupyterLab's part of GAVIP: a command, and with it a button, that makes an AVI of the open notebook.
 *
 * This is the container that JupyterLab asks a prebuilt extension for (webpack's module federation: `init`, then `get`),
 * written by hand, so that nothing is built or brought along. It has no rights of its own: it saves the notebook and opens the
 * portal's page, on which the author decides. See docs/adr/0073-a-lab-extension-without-a-build.md.
 */
(() => {
  "use strict";

  const NAME = "gavip-lab";
  const COMMAND = "gavip:make-avi";
  const CAPTION = "Save this notebook, and make a project of it on the platform's page";
  const PORTAL = "services/gavip/";
  let offered = {};

  /** Return the one copy of a module that JupyterLab itself uses: its tokens are known by identity. */
  async function shared(name) {
    const versions = Object.values(offered[name] ?? {});
    const used = versions.find((version) => version.loaded) ?? versions[0];
    if (!used) {
      throw new Error(`${NAME}: this JupyterLab does not share ${name}`);
    }
    return (await used.get())();
  }

  /** Return the portal's page with this notebook chosen. */
  function portalPage(pageConfig, notebook) {
    const hub = pageConfig.getOption("hubPrefix") || "/hub/";
    const page = new URL(hub.replace(/hub\/$/, PORTAL), pageConfig.getOption("hubHost") || window.location.origin);
    page.pathname += "projects";
    page.searchParams.set("notebook", notebook);
    page.hash = "new-title";
    return page.href;
  }

  /** Save what was changed; return whether the file is now what is seen. */
  async function saved(context) {
    if (!context.model.dirty) {
      return true; // also one that may only be read
    }
    try {
      await context.save();
      return true;
    } catch (error) {
      console.warn(`${NAME}: the notebook was not saved`, error); // JupyterLab has said why, or asked and was told to cancel
      return false;
    }
  }

  /** Save a notebook, and open the portal's page for it; say why where that cannot be. */
  async function makeAvi(app, panel, { showErrorMessage }, { PageConfig }) {
    const { contents } = app.serviceManager;
    const { path } = panel.context;
    if (contents.driveName(path)) {
      await showErrorMessage(
        "This notebook is not in your space",
        "Copy it into a folder of the file browser on the left, open the copy, and try again."
      );
      return;
    }
    if (!(await saved(panel.context))) {
      return;
    }
    // The portal's pages cut the tie to whoever opened them (Cross-Origin-Opener-Policy). Without it here, too, as by
    // "noopener", nobody could tell a tab that the browser refused.
    const page = portalPage(PageConfig, contents.localPath(path));
    if (!window.open(page, "_blank")) {
      await showErrorMessage("The browser opened no new tab", `Allow new tabs for this site, or open ${page}`);
    }
  }

  async function plugin() {
    const [notebooks, apputils, coreutils] = await Promise.all(
      ["@jupyterlab/notebook", "@jupyterlab/apputils", "@jupyterlab/coreutils"].map(shared)
    );
    const tokens = [notebooks.INotebookTracker, apputils.ICommandPalette];
    if (tokens.includes(undefined)) {
      throw new Error(`${NAME}: this JupyterLab has no notebooks or no palette of commands as version 4 has them`);
    }
    return {
      id: `${NAME}:plugin`,
      description: "Makes an AVI of the open notebook.",
      autoStart: true,
      optional: tokens,
      activate: (app, tracker, palette) => {
        if (!tracker) {
          return; // a page of JupyterLab's without notebooks
        }
        app.commands.addCommand(COMMAND, {
          label: "Make an AVI",
          caption: CAPTION,
          describedBy: { args: { type: "object", properties: {} } },
          isEnabled: () => tracker.currentWidget !== null,
          execute: () => makeAvi(app, tracker.currentWidget, apputils, coreutils),
        });
        tracker.currentChanged.connect(() => app.commands.notifyCommandChanged(COMMAND));
        palette?.addItem({ command: COMMAND, category: "GAVIP" });
      },
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init: (scope) => {
      offered = scope;
    },
    get: async () => {
      try {
        const found = await plugin();
        return () => ({ __esModule: true, default: found });
      } catch (error) {
        // Another JupyterLab: it goes on without the button.
        console.warn(error);
        return () => ({ __esModule: true, default: [] });
      }
    },
  };
})();
