// Files on their way up, by tus: two at once, each with its bar; what breaks off goes on where it was.

const AT_ONCE = 2; // as many as the platform lets one person write
const PIECE = 4 * 1024 * 1024;
const DELAYS = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000, 30_000, 30_000];
const SHOWN_DONE = 20;
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu; // signs that nobody sees, or that turn the order of reading
const FINAL = new Set(["done", "skipped"]);
const items = [];
let place, endpoint, xsrf, renew, always = null, lastShown = 0;

/** Take files from the buttons and from what is dropped anywhere on the page. */
export function startUploads(section, renewList) {
  place = section;
  endpoint = section.dataset.endpoint;
  xsrf = section.querySelector("input[name=_xsrf]").value;
  renew = renewList;
  section.querySelector("[data-drop-words]").textContent = "or drop files and folders anywhere on this page";
  section.querySelector("[data-folder]").hidden = false;
  for (const input of section.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => {
      add([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
      input.value = "";
    });
  }
  listenToDrops();
  addEventListener("online", () => items.filter((item) => item.state === "broken").forEach(queue));
  addEventListener("beforeunload", (event) => { if (items.some((item) => item.state === "sending")) event.preventDefault(); });
}

function listenToDrops() {
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    place.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) place.classList.remove("over"); });
  document.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    place.classList.remove("over");
    // Entries are to be taken before the first wait: afterwards the browser has forgotten them.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    for (const entry of entries) add(await filesBelow(entry, ""));
  });
}

async function filesBelow(entry, above) {
  const path = above + entry.name;
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    return file ? [{ file, path }] : [];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // A reader tells a hundred at a time, and nothing at its end.
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!some.length) return found;
    for (const each of some) found.push(...await filesBelow(each, `${path}/`));
  }
}

function add(files) {
  const here = place.dataset.here;
  for (const { file, path } of files) {
    if (path.split("/").some((part) => part.startsWith("."))) continue; // hidden files stay where they are
    items.push({ file, path: here ? `${here}/${path}` : path, name: path.replace(UNSEEN, "\uFFFD"), state: "waiting", sent: 0 });
  }
  next();
}

function next() {
  const sending = items.filter((item) => item.state === "sending").length;
  for (const item of items.filter((each) => each.state === "waiting").slice(0, AT_ONCE - sending)) begin(item);
  tell();
}

async function begin(item) {
  item.state = "sending";
  item.row ??= row(item);
  show(item);
  const upload = new globalThis.tus.Upload(item.file, {
    endpoint,
    chunkSize: PIECE,
    retryDelays: DELAYS,
    headers: { "X-XSRFToken": xsrf },
    metadata: { path: item.path, modified: String(item.file.lastModified), taken: item.taken ?? always ?? "refuse" },
    removeFingerprintOnSuccess: true,
    fingerprint: async (file) => ["gavip", document.body.dataset.user, item.path, file.size, file.lastModified].join(" "),
    onShouldRetry: (error) => mayHelp(error),
    onProgress: (sent) => { item.sent = sent; showSoon(item); },
    onSuccess: () => finish(item, "done"),
    onError: (error) => fail(item, error),
  });
  item.upload = upload;
  const [earlier] = await upload.findPreviousUploads();
  if (item.state !== "sending") return;
  if (earlier) upload.resumeFromPreviousUpload(earlier);
  upload.start();
}

function answerOf(error) {
  const answer = error.originalResponse;
  let body = {};
  try { body = JSON.parse(answer?.getBody() || "{}"); } catch { /* not ours */ }
  return { status: answer?.getStatus() ?? 0, ...body };
}

/** Whether asking again may help: lines break, and others may write the same file for a moment. */
function mayHelp(error) {
  const { status, error: code } = answerOf(error);
  if (code === "taken" || code === "too_many_begun" || status === 507) return false;
  return status === 0 || status === 409 || status === 423 || status === 429 || status >= 500;
}

function fail(item, error) {
  const { status, error: code, message } = answerOf(error);
  item.problem = message || (status ? `The platform answered ${status}.` : "The connection broke off.");
  item.state = code === "taken" ? "taken" : status ? "refused" : "broken";
  if (item.state === "taken" && always === "skip") return finish(item, "skipped");
  show(item);
  if (code === "too_many_begun") renew(); // which shows them
  next();
}

function finish(item, state) {
  item.state = state;
  item.sent = item.file.size;
  show(item);
  const done = items.filter((each) => each.state === "done" && each.row);
  for (const old of done.slice(0, -SHOWN_DONE)) { old.row.remove(); old.row = null; }
  next();
  if (items.every((each) => each.state !== "sending" && each.state !== "waiting")) renew();
}

function queue(item) {
  item.state = "waiting";
  show(item);
  next();
}

async function pause(item) {
  item.state = "paused";
  await item.upload?.abort();
  show(item);
  next();
}

async function giveUp(item) {
  item.state = "skipped";
  await item.upload?.abort(true).catch(() => {});
  item.row.remove();
  item.row = null;
  next();
}

function answerTaken(item, taken) {
  if (item.row.querySelector("[data-same]")?.checked) {
    always = taken;
    for (const other of items.filter((each) => each.state === "taken" && each !== item)) act(other, taken);
  }
  act(item, taken);
}

function act(item, taken) {
  if (taken === "skip") return finish(item, "skipped");
  item.taken = taken;
  queue(item);
}

// What is shown

function row(item) {
  const line = document.createElement("li");
  const name = document.createElement("span");
  name.className = "data";
  name.textContent = item.name;
  const bar = document.createElement("progress");
  bar.className = "slim";
  bar.max = Math.max(1, item.file.size);
  bar.setAttribute("aria-label", item.name);
  const words = document.createElement("span");
  words.className = "small muted";
  const buttons = document.createElement("span");
  buttons.className = "upload-buttons";
  line.append(name, words, bar, buttons);
  place.querySelector("[data-uploads]").append(line);
  return line;
}

function showSoon(item) {
  const now = performance.now();
  if (now - lastShown < 100) return;
  lastShown = now;
  show(item);
}

function show(item) {
  const line = item.row;
  if (!line) return;
  const bar = line.querySelector("progress");
  bar.value = item.file.size ? item.sent : item.state === "done" ? 1 : 0;
  bar.classList.toggle("done", item.state === "done");
  bar.classList.toggle("failed", item.state === "refused");
  line.querySelector(".small").textContent = wordsOf(item);
  if (line.dataset.state === item.state) return; // its buttons stay, and the focus on them
  line.dataset.state = item.state;
  line.querySelector(".upload-buttons").replaceChildren(...buttonsOf(item));
}

function wordsOf(item) {
  const share = `${size(item.sent)} of ${size(item.file.size)}`;
  return {
    waiting: "waits",
    sending: share,
    paused: `paused at ${share}`,
    broken: `broke off at ${share}; it goes on once there is a connection`,
    taken: item.problem,
    refused: item.problem,
    done: `${size(item.file.size)}, done`,
    skipped: "left out",
  }[item.state];
}

function buttonsOf(item) {
  const drop = button("Give up", item, () => giveUp(item));
  switch (item.state) {
    case "sending": case "waiting": return [button("Pause", item, () => pause(item)), drop];
    case "paused": case "broken": case "refused": return [button("Go on", item, () => queue(item)), drop];
    case "taken": return takenButtons(item);
    default: return [];
  }
}

function takenButtons(item) {
  const label = document.createElement("label");
  label.className = "small check";
  const box = document.createElement("input");
  box.type = "checkbox";
  box.dataset.same = "";
  label.append(box, " the same for the rest");
  return [
    button("Replace", item, () => answerTaken(item, "replace")),
    button("Keep both", item, () => answerTaken(item, "keep-both")),
    button("Leave out", item, () => answerTaken(item, "skip")),
    label,
  ];
}

function button(words, item, act_) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "link";
  made.textContent = words;
  made.setAttribute("aria-label", `${words}: ${item.name}`);
  made.addEventListener("click", act_);
  return made;
}

function tell() {
  const many = items.length;
  const done = items.filter((item) => FINAL.has(item.state)).length;
  const asked = items.filter((item) => item.state === "taken").length;
  const words = many ? `${done} of ${many} ${many === 1 ? "file" : "files"} done` : "";
  place.querySelector("[data-upload-summary]").textContent = words + (asked ? `; ${asked} to be answered` : "");
}

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`;
}
