// The catalogue follows what is typed: the server makes the page anew, and its list takes the place of the one that is shown.

import { letGo } from "./pressed.js";

const REST_MS = 150;
let running = null;

function followSearch(form) {
  let timer = 0;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => show(addressOf(form)), REST_MS);
  };
  form.addEventListener("input", soon);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    show(addressOf(form));
  });
}

function addressOf(form) {
  const fields = [...new FormData(form)].filter(([, value]) => value.trim() !== "");
  const query = String(new URLSearchParams(fields));
  return form.action.split("?")[0] + (query ? `?${query}` : "");
}

async function show(address) {
  running?.abort();
  const turn = running = new AbortController();
  const list = document.querySelector("#found");
  list.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "error", signal: turn.signal });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    await letGo();
    if (turn.signal.aborted) return; // another was asked for meanwhile
    take(text);
    history.replaceState(null, "", address);
  } catch (error) {
    if (error.name === "AbortError") return;
    document.querySelector("[data-count]").textContent = "The catalogue did not answer. What is shown is older; type again to try again.";
    list.removeAttribute("aria-busy");
  }
}

function take(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const id of ["found", "narrow"]) {
    const copy = document.importNode(page.getElementById(id), true);
    document.getElementById(id).replaceWith(copy);
    copy.dispatchEvent(new CustomEvent("gavip:fresh", { bubbles: true }));
  }
  document.querySelector("[data-count]").textContent = page.querySelector("[data-count]").textContent;
  const [here, there] = [document, page].map((each) => each.querySelector("[data-find-more]"));
  here.replaceChildren(...[...there.childNodes].map((node) => document.importNode(node, true)));
}

// A star is set where it is, without the page being made anew; the form does the same without script.
function followFavourites() {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-favourite]");
    if (!form) return;
    event.preventDefault();
    const button = form.querySelector("button");
    const wanted = form.elements.wanted.value !== "no";
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" }).catch(() => null);
    if (answer?.type !== "opaqueredirect") return form.submit();
    button.setAttribute("aria-pressed", String(wanted));
    form.elements.wanted.value = wanted ? "no" : "yes";
    delete form.dataset.sent;
    button.removeAttribute("aria-disabled");
  });
}

followSearch(document.querySelector("[data-find]"));
followFavourites();
