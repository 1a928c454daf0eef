// The page of files: what is chosen, menus, keys. All of it works without; this makes it quicker.

import { letGo } from "./pressed.js";
import { here } from "./regions.js";
import { startUploads } from "./uploads.js";

let last = null; // the box that was ticked last, for a range

function boxes() {
  return [...document.querySelectorAll("#listing input[type=checkbox][form=chosen]")];
}

/** Say how many are chosen, and offer what can be done with them. */
function count() {
  const all = boxes();
  const chosen = all.filter((box) => box.checked).length;
  for (const button of document.querySelectorAll("[data-of-chosen]")) button.disabled = !chosen;
  const label = document.querySelector("[data-all]");
  if (!label) return;
  const box = label.querySelector("input");
  label.hidden = !all.length;
  box.checked = chosen > 0 && chosen === all.length;
  box.indeterminate = chosen > 0 && chosen < all.length;
  label.querySelector("[data-count]").textContent = chosen ? `${chosen} chosen` : "Choose all";
}

function ticked(event) {
  const box = event.target;
  if (box.closest("[data-all]")) for (const each of boxes()) each.checked = box.checked;
  count();
}

function range(event) {
  const box = event.target.closest?.("input[type=checkbox][form=chosen]");
  if (!box) return;
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
  if (event.shiftKey && from >= 0) for (const each of all.slice(from, to + 1)) each.checked = box.checked;
  last = box;
  count();
}

function closeMenus(but) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== but) menu.open = false;
}

function keys(event) {
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  const row = event.target.closest?.("#listing tr");
  if (!row || event.target.matches("input:not([type=checkbox]), textarea") || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "F2") row.querySelector("[data-rename]")?.click();
  else if (event.key === "Delete") row.querySelector("[data-delete]")?.click();
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event, row);
}

/** Go to the same place of the next row, past those that only a script would need to reach. */
function step(event, row) {
  const next = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
  const place = [...row.cells].findIndex((cell) => cell.contains(event.target));
  const aim = next?.cells[place]?.querySelector("a, input, summary");
  if (!aim) return;
  event.preventDefault();
  aim.focus();
}

/** Fetch the page again and show what lies in the folder now. */
export async function renew() {
  const answer = await fetch(here(), { headers: { Accept: "text/html" }, redirect: "error" }).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  await letGo();
  for (const id of ["listing", "space", "unfinished"]) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (!old || !fresh) continue;
    const ticks = new Set(boxes().filter((box) => box.checked).map((box) => box.value));
    const copy = document.importNode(fresh, true);
    old.replaceWith(copy);
    for (const box of boxes()) box.checked = ticks.has(box.value);
    copy.dispatchEvent(new CustomEvent("gavip:fresh", { bubbles: true }));
  }
  count();
}

document.addEventListener("change", ticked);
document.addEventListener("click", (event) => {
  range(event);
  closeMenus(event.target.closest?.("details.menu"));
});
document.addEventListener("keydown", keys);
document.querySelector("#renaming input[name=name]")?.select();
count();
const place = document.querySelector("[data-upload]");
if (place) startUploads(place, renew);
