// Others wait for what this interface holds: the page says when it closes, and any use of it cancels that.
"use strict";

const LOOK_EVERY_MS = 5000;
const SECOND_MS = 1000;

/** Ask the page's own server, for as long as the page is open, whether it is to close. */
gavip.watchNotice = () => {
  const { baseUrl } = JSON.parse(document.getElementById("jupyter-config-data").textContent);
  let shown = null;
  let closesAt = 0;

  const ask = async (options = {}) => {
    const answer = await fetch(`${baseUrl}api/notice`, { cache: "no-store", redirect: "manual", ...options }).catch(() => null);
    if (answer?.ok) tell(await answer.json());
  };

  const tell = ({ closes_in: seconds, words }) => {
    if (seconds === null) return hide();
    closesAt = Date.now() + seconds * SECOND_MS;
    if (!shown) show(words);
    // Once the time is over, an answer that fails is the end that was told.
    gavip.closedFor = "This interface was closed: others were waiting for what it held, and it was not used.";
    count();
  };

  const show = (words) => {
    shown = document.createElement("div");
    shown.id = "gavip-closing";
    shown.className = "gavip-notice";
    shown.setAttribute("role", "alert");
    const keep = Object.assign(document.createElement("button"), { textContent: "Keep it open" });
    keep.addEventListener("click", () => ask({ method: "POST" }));
    // Who hears the page is not told each second.
    const left = Object.assign(document.createElement("span"), { className: "left", ariaHidden: "true" });
    const text = document.createElement("p");
    text.append(`${words} It closes `, left, " unless you use it.");
    shown.append(text, keep);
    document.querySelector(".gavip-header").after(shown);
  };

  const hide = () => {
    shown?.remove();
    shown = null;
    gavip.closedFor = "";
  };

  const count = () => {
    if (shown) shown.querySelector(".left").textContent = `in ${Math.max(0, Math.round((closesAt - Date.now()) / SECOND_MS))} s`;
  };

  setInterval(count, SECOND_MS);
  setInterval(ask, LOOK_EVERY_MS);
  // A page in the background is told of little: it looks as soon as somebody looks at it.
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
};
