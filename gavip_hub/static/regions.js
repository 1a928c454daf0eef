// Parts of a page that follow the server: the page is fetched again and each part that changed is replaced.
// So there is one truth about how a page looks, the server's template.

import { letGo } from "./pressed.js";

const known = new Map();
let running = null;
let wanted = false;

/** The page's own address, which a page that answers a form has not in the window. */
export function here() {
  return document.querySelector("link[rel=canonical]")?.href ?? location.href;
}

export function regions() {
  return [...document.querySelectorAll("[data-live][id]")];
}

/** Remember what the server sent, before scripts touch it. */
export function remember() {
  for (const region of regions()) known.set(region.id, region.outerHTML);
}

/** Fetch the page and replace what changed; calls while one is under way are merged into one more. */
export function refresh() {
  wanted = true;
  running ??= work().finally(() => { running = null; });
  return running;
}

async function work() {
  while (wanted) {
    wanted = false;
    const answer = await fetch(here(), { headers: { Accept: "text/html" }, redirect: "error" }).catch(() => null);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    await letGo();
    replace(page);
  }
}

function replace(page) {
  if (document.title !== page.title) document.title = page.title;
  for (const region of regions()) {
    const fresh = page.getElementById(region.id);
    if (!fresh || known.get(region.id) === fresh.outerHTML) continue;
    known.set(region.id, fresh.outerHTML);
    swap(region, fresh);
  }
}

function swap(region, fresh) {
  const open = [...region.querySelectorAll("details")].map((details) => details.open);
  const focused = region.contains(document.activeElement) ? address(document.activeElement) : null;
  const copy = document.importNode(fresh, true);
  region.replaceWith(copy);
  copy.querySelectorAll("details").forEach((details, index) => { if (open[index]) details.open = true; });
  if (focused) [...copy.querySelectorAll("a, button")].find((item) => address(item) === focused)?.focus();
  copy.dispatchEvent(new CustomEvent("gavip:fresh", { bubbles: true }));
}

function address(element) {
  return element.href || element.form?.action || element.textContent;
}
