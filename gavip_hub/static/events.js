// One EventSource a user, however many tabs are open: browsers allow only six connections to an origin.
// The tab that holds the lock listens; the others hear it through a channel.

const KINDS = ["job.state", "job.progress", "job.reason", "job.provenance", "server.state", "product.state", "share.made", "share.revoked"];
const AGAIN_AFTER_MS = 4000;

/** Call `heard(event)` for everything that happens to the user's jobs and servers, and `changed(live)` as the stream comes and goes. */
export function listen(root, user, heard, changed) {
  const name = `gavip-events-${user}`;
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => ("live" in data ? changed(data.live) : heard(data.event));
  const tell = (data) => {
    channel.postMessage(data);
    if ("live" in data) changed(data.live); else heard(data.event);
  };
  // Locks exist on secure origins only; elsewhere each tab listens for itself.
  if (navigator.locks) navigator.locks.request(name, () => new Promise(() => open(root, tell)));
  else open(root, tell);
}

function open(root, tell) {
  const source = new EventSource(`${root}api/events`);
  const pass = (message) => {
    try { tell({ event: JSON.parse(message.data) }); } catch { /* not an event of ours */ }
  };
  for (const kind of KINDS) source.addEventListener(kind, pass);
  source.onmessage = pass;
  source.onopen = () => tell({ live: true });
  source.onerror = () => {
    tell({ live: false });
    // The browser tries again by itself after a lost connection, but never after a refusal such as 502.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => open(root, tell), AGAIN_AFTER_MS);
  };
}
