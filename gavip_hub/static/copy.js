// "Copy": what a button names, or a link to the page with the values that are in a form. Without script the link is a link.

const SHOWN_MS = 2000;
const RESERVED = new Set(["again", "memory_mb", "q", "start", "token", "version"]);

/** Prepare the buttons inside an element. */
export function prepareCopying(part) {
  if (!navigator.clipboard) return;
  for (const button of part.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button, textOf(button)));
  }
  for (const link of part.querySelectorAll("[data-copy-form], [data-copy-link]")) {
    link.setAttribute("role", "button");
    link.lastChild.textContent = link.lastChild.textContent.replace("Link to", "Copy link to");
    link.addEventListener("click", (event) => {
      event.preventDefault();
      copy(link, link.hasAttribute("data-copy-form") ? addressOf(link) : link.href);
    });
    link.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      link.click();
    });
  }
}

function textOf(button) {
  return document.getElementById(button.dataset.copy).textContent.trim();
}

// What is as its author proposed is left out: the link follows the author.
function addressOf(link) {
  const values = new URLSearchParams();
  for (const field of link.closest("form").querySelectorAll("[data-proposed]")) {
    const now = field.type === "checkbox" ? String(field.checked) : field.value;
    const name = field.name.slice(2);
    if (now !== field.dataset.proposed) values.set(RESERVED.has(name) ? field.name : name, now);
  }
  return [link.href, String(values)].filter(Boolean).join("?");
}

async function copy(button, text) {
  const label = button.lastChild;
  const before = label.textContent;
  if (button.dataset.copied) return;
  button.dataset.copied = "yes";
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
    say("Copied.");
  } catch {
    label.textContent = "Not copied";
    say("The browser did not allow it.");
  }
  setTimeout(() => { label.textContent = before; delete button.dataset.copied; }, SHOWN_MS);
}

function say(words) {
  const place = document.querySelector("[data-said]");
  if (place) place.textContent = words;
}
