// Forms: the proposal of memory follows the parameters, nothing is sent twice, and what cannot be undone is asked about.

import { letGo } from "./pressed.js";

const REST_MS = 300;

/** Prepare the forms inside an element. */
export function prepareForms(part) {
  for (const form of part.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => onSubmit(event, form));
  }
  for (const form of part.querySelectorAll("[data-pipeline-form]")) proposeMemory(form);
}

function onSubmit(event, form) {
  if (event.submitter?.hasAttribute("data-stays")) return; // a download: the page stays, and may send again
  if (form.dataset.sent) return event.preventDefault();
  if (form.dataset.confirm && !form.dataset.confirmed) {
    event.preventDefault();
    return ask(form);
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
}

// A page that comes back from the browser's memory may be sent again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  }
});

function ask(form) {
  const dialog = document.createElement("dialog");
  const words = document.createElement("p");
  const row = document.createElement("form");
  const label = form.querySelector("button").textContent.trim();
  words.textContent = form.dataset.confirm;
  row.method = "dialog";
  row.className = "actions";
  row.append(choice("Keep it", "", ""), choice(label, "yes", "danger"));
  dialog.append(words, row);
  dialog.setAttribute("aria-label", label);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (dialog.returnValue !== "yes") return;
    // The part of the page that it stands in may have been replaced meanwhile.
    const there = form.isConnected ? form : document.querySelector(`form[action="${CSS.escape(form.getAttribute("action"))}"]`);
    if (!there) return;
    there.dataset.confirmed = "yes";
    there.requestSubmit();
  });
  document.body.append(dialog);
  dialog.showModal();
}

function choice(label, value, kind) {
  const button = document.createElement("button");
  button.className = `button ${kind}`;
  button.value = value;
  button.textContent = label;
  return button;
}

function proposeMemory(form) {
  const place = form.querySelector("[data-proposal]");
  const field = form.elements.memory_mb;
  let timer = 0;
  let asked = 0;
  const update = async () => {
    const mine = ++asked;
    const values = [...new FormData(form)].filter(([name]) => name.startsWith("p.") || name === "version");
    const answer = await fetch(`${form.action}/memory?${new URLSearchParams(values)}`).catch(() => null);
    const words = answer?.ok ? await answer.text() : "";
    await letGo(); // more lines move the button below them
    if (!words || mine !== asked) return; // one for values of before may come last
    place.textContent = words;
    field.placeholder = answer.headers.get("X-Proposed-MB") ?? "";
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(update, REST_MS);
  });
  if (place.dataset.proposal === "later") update();
}
