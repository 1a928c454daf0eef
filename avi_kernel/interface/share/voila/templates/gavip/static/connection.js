// Whether the page's program still hears: if not, the page says so and offers no control that nobody would answer.
"use strict";

const QUIET_MS = 3000;
const ASK_EVERY_MS = 3000;
// A stopped server's address leads to the Hub, which answers one of these or sends the browser elsewhere.
const GONE = [403, 404, 410, 424];

/** Follow a kernel's connection for as long as the page is open. */
gavip.watchConnection = (kernel) => {
  let losing = 0;
  let known = false;

  const asked = () => {
    const { baseUrl, kernelId } = JSON.parse(document.getElementById("jupyter-config-data").textContent);
    return fetch(`${baseUrl}api/kernels/${kernelId}`, { redirect: "manual", cache: "no-store" }).catch(() => null);
  };

  const connected = () => kernel.connectionStatus === "connected";

  const look = async () => {
    losing = 0;
    if (connected()) return;
    gavip.say("lost", "Not connected; trying again.");
    const answer = await asked();
    if (connected()) return; // it came back meanwhile
    if (answer?.type === "opaqueredirect" || GONE.includes(answer?.status)) return gavip.ended();
    // The kernel's own attempts come ever more rarely, and end. Its first one is left alone: widgets wait for it.
    if (known && answer?.ok) kernel.reconnect().catch(() => {});
    losing ||= setTimeout(look, ASK_EVERY_MS);
  };

  const follow = () => {
    if (connected()) {
      clearTimeout(losing);
      losing = 0;
      known = true;
      gavip.unsay("lost");
    } else {
      losing ||= setTimeout(look, QUIET_MS);
    }
  };

  kernel.connectionStatusChanged.connect(follow);
  follow();
};
