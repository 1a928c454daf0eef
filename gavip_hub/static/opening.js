// The page between "Open interface" and the interface: it asks again while it waits for room, and goes on when all is ready.

import { refresh } from "./regions.js";

const LOOK_EVERY_MS = 1000;
const ASK_EVERY_MS = 5000;
const START_AGAIN_MS = 60_000;

/** Press the button of a page whose address asks for a start: once, or a start that the server does not know of yet would be made twice. */
function startOnce() {
  const form = document.querySelector("[data-opening=closed][data-start] [data-retry]");
  const key = `gavip-start ${location.pathname}`;
  if (!form || Date.now() - Number(sessionStorage.getItem(key) ?? 0) < START_AGAIN_MS) return;
  sessionStorage.setItem(key, String(Date.now()));
  form.requestSubmit();
}

async function followOpening() {
  startOnce();
  for (let asked = Date.now(); ; ) {
    const part = document.querySelector("[data-opening]");
    const state = part?.dataset.opening;
    if (state === "ready") return location.replace(part.dataset.url);
    if (state !== "waiting" && state !== "starting") return;
    const news = await Promise.race([freshPart(), new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))]);
    if (state === "waiting" && Date.now() - asked >= ASK_EVERY_MS) {
      asked = Date.now();
      await askAgain(part);
    }
    if (news) continue;
    await refresh();
  }
}

// An event of the server may have brought this part anew.
function freshPart() {
  return new Promise((resolve) => document.addEventListener("gavip:fresh", () => resolve(true), { once: true }));
}

// A start needs the token of the page's own session, so nobody but this page can make it.
async function askAgain(part) {
  const form = part.querySelector("[data-retry]");
  if (form) await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" }).catch(() => null);
}

followOpening();
