// What every page does: local times, forms, live parts.

import { prepareCopying } from "./copy.js";
import { listen } from "./events.js";
import { prepareForms } from "./forms.js";
import { followLog, showProgress } from "./job.js";
import { letGo } from "./pressed.js";
import { refresh, regions, remember } from "./regions.js";

const SLOW_MS = 20_000;
const SOON_MS = 2_000;

let format;

function localTimes(part) {
  // Making it takes as long as laying out a page: after the first paint, before which nobody points at a time.
  requestAnimationFrame(() => setTimeout(() => {
    format ??= new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
    for (const time of part.querySelectorAll("time[datetime]")) time.title = format.format(new Date(time.dateTime));
  }));
}

// Tables and texts are shown on pages of their own; here their first part is fetched in.
async function include(place) {
  const answer = await fetch(place.dataset.include).catch(() => null);
  if (!answer?.ok) return;
  const preview = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-preview]");
  await letGo();
  if (preview) place.replaceChildren(document.importNode(preview, true));
}

function enhance(part) {
  localTimes(part);
  prepareForms(part);
  prepareCopying(part);
  for (const place of part.querySelectorAll("[data-include]")) include(place);
}

function concerns(event) {
  const page = document.querySelector("#jobs");
  if (event.kind.startsWith("server.")) return true;
  if (/^(product|share)\./.test(event.kind)) return Boolean(document.querySelector("[data-products]"));
  return Boolean(page?.hasAttribute("data-newest") || document.querySelector(`[data-job="${CSS.escape(event.subject)}"]`));
}

function heard(event) {
  if (event.kind === "job.progress" && showProgress(event.subject, event.data)) return;
  if (concerns(event)) refresh();
}

function showLive(live) {
  const place = document.querySelector("[data-live-state]");
  if (place) place.textContent = live ? "" : "Live updates are interrupted; trying again.";
  // What happened while nothing was heard is fetched at once.
  if (live) refresh();
}

function start() {
  remember();
  enhance(document);
  document.addEventListener("gavip:fresh", (event) => enhance(event.target));
  document.querySelector("[data-focus], [aria-invalid=true]")?.focus();
  const log = document.querySelector("[data-log]");
  if (log) followLog(log);
  const { root, user } = document.body.dataset;
  if (!user || !regions().length) return;
  listen(root, user, heard, showLive);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  setInterval(() => { if (!document.hidden) refresh(); }, SLOW_MS);
  // What comes from elsewhere is no event: it is looked at, as long as it comes.
  setInterval(() => { if (!document.hidden && document.querySelector("[data-soon]")) refresh(); }, SOON_MS);
}

start();
