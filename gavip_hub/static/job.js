// A job as it runs: progress from events, the log in pieces.

const LOG_EVERY_MS = 1500;
const LONGEST_LOG = 400_000;
const COLOURS = /\x1b\[[0-?]*[ -/]*[@-~]/g;

/** Show a progress report; false when the page does not show this job as running. */
export function showProgress(id, data) {
  let shown = false;
  for (const part of document.querySelectorAll(`[data-job="${CSS.escape(id)}"]`)) {
    const bar = part.querySelector("[data-fraction]");
    if (!bar) continue;
    shown = true;
    bar.value = data.fraction ?? bar.value;
    write(part, "[data-percent]", `${Math.min(99, Math.floor(bar.value * 100))} %`);
    // A notebook without headings has no messages: its steps and its share are news too.
    const steps = part.querySelector("[data-step]");
    write(part, "[data-message]", data.message || (steps ? "" : data.step) || "");
    if (data.step) write(part, "[data-step]", data.step);
  }
  return shown;
}

function write(part, selector, text) {
  const place = part.querySelector(selector);
  if (place && place.textContent !== text) place.textContent = text;
}

/** Follow a job's log until its end. */
export async function followLog(pane) {
  let offset = Number(pane.dataset.offset);
  pane.scrollTop = pane.scrollHeight;
  let ended = "ended" in pane.dataset;
  while (!ended) {
    await new Promise((resolve) => setTimeout(resolve, LOG_EVERY_MS));
    if (document.hidden) continue;
    const answer = await fetch(`${pane.dataset.log}?offset=${offset}`).catch(() => null);
    // A job that starts anew has a new log, shorter than what was read of the old one.
    if (answer?.status === 400) [offset, pane.textContent] = [0, ""];
    if (!answer?.ok) continue;
    const part = await answer.json();
    append(pane, part.text);
    [offset, ended] = [part.next_offset, part.ended];
  }
  pane.dataset.ended = "";
  const state = document.querySelector("[data-log-state]");
  if (state) state.textContent = "Complete";
}

function append(pane, text) {
  if (!text) return;
  const atEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 40;
  const whole = pane.textContent + text.replace(COLOURS, "");
  pane.textContent = whole.length > LONGEST_LOG ? whole.slice(-LONGEST_LOG) : whole;
  if (atEnd) pane.scrollTop = pane.scrollHeight;
}
