// A developer's page follows the source: it loads itself again when that differs from what it was made of.
"use strict";

{
  const LOOK_EVERY_MS = 1000;
  const CHANGED_MEANWHILE = "gavip-changed-meanwhile";
  const WORDS =
    "Source files changed again while the cells ran. If it is the AVI that writes them, let it write elsewhere: " +
    "on a platform its folder is read-only. Otherwise load the page again.";

  const { revision, ask } = document.currentScript.dataset;
  let made = revision;
  let ran = false; // and what changed until then is known
  let changed = false; // while they ran
  let leaving = false;

  const now = async () => {
    const answer = await fetch(ask, { cache: "no-store", redirect: "manual" }).catch(() => null);
    return answer?.ok ? answer.text() : made;
  };

  const look = async () => {
    const loaded = document.readyState !== "loading";
    const found = await now();
    if (leaving) return;
    if (found !== made) follow(found);
    if (!loaded || ran) return;
    ran = true;
    if (!changed) sessionStorage.removeItem(CHANGED_MEANWHILE);
  };

  // What changes while the cells run may be written by the cells: one reload for that, and not for ever.
  const follow = (found) => {
    if (!ran) {
      changed = true;
      if (sessionStorage.getItem(CHANGED_MEANWHILE)) {
        made = found;
        return tell();
      }
      sessionStorage.setItem(CHANGED_MEANWHILE, "true");
    }
    leaving = true;
    location.reload();
  };

  const tell = () => {
    if (document.getElementById("gavip-changed")) return;
    const notice = Object.assign(document.createElement("div"), { id: "gavip-changed", className: "gavip-notice", role: "status" });
    const again = Object.assign(document.createElement("button"), { textContent: "Load it again" });
    again.addEventListener("click", () => location.reload());
    notice.append(Object.assign(document.createElement("p"), { textContent: WORDS }), again);
    document.body.prepend(notice);
  };

  const lookAndWait = async () => {
    if (!document.hidden) await look();
    setTimeout(lookAndWait, LOOK_EVERY_MS);
  };

  document.addEventListener("DOMContentLoaded", look);
  setTimeout(lookAndWait, LOOK_EVERY_MS);
}
