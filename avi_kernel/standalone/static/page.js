// The page follows its jobs: it is fetched again, and each part that the server now shows otherwise is replaced.

const SOON_MS = 1000;
const LATER_MS = 3000;
const parts = () => [...document.querySelectorAll("[data-live][id]")];
const known = new Map(parts().map((part) => [part.id, part.outerHTML]));
// What somebody typed and what is wrong with it stand there.
let touched = document.querySelector("form .notice") !== null;
// A form that was refused is shown where it was sent to; the page that follows is the first one.
const here = location.pathname.startsWith("/pipelines/") ? "/" : location.href;

addEventListener("input", () => { touched = true; });
addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});
toTheEnd(document);
next();

function next() {
  setTimeout(follow, document.querySelector("[data-moving]") ? SOON_MS : LATER_MS);
}

async function follow() {
  if (!document.hidden) {
    const answer = await fetch(here, { redirect: "error" }).catch(() => null);
    if (answer?.ok) replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
  }
  next();
}

function replace(page) {
  if (document.title !== page.title) document.title = page.title;
  for (const part of parts()) {
    const fresh = page.getElementById(part.id);
    if (!fresh || known.get(part.id) === fresh.outerHTML) continue;
    // A form that somebody fills in is left alone.
    if (part.dataset.live === "untouched" && touched) continue;
    known.set(part.id, fresh.outerHTML);
    swap(part, document.importNode(fresh, true));
  }
}

function swap(part, copy) {
  const log = part.querySelector(".log");
  const held = log && log.scrollTop + log.clientHeight < log.scrollHeight - 2 ? log.scrollTop : null;
  for (const details of part.querySelectorAll("details[id]")) {
    const same = copy.querySelector(`#${CSS.escape(details.id)}`);
    if (same) same.open = details.open;
  }
  const focused = part.contains(document.activeElement) ? address(document.activeElement) : null;
  part.replaceWith(copy);
  if (held === null) toTheEnd(copy);
  else copy.querySelector(".log").scrollTop = held;
  if (focused) [...copy.querySelectorAll("a, button")].find((item) => address(item) === focused)?.focus();
}

function toTheEnd(place) {
  for (const log of place.querySelectorAll(".log")) log.scrollTop = log.scrollHeight;
}

function address(element) {
  return element.href || element.form?.action || element.textContent;
}
