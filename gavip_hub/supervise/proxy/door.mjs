// Loaded before the proxy's own script (docs/adr/0035): what a script of one AVI sets for the whole domain, browsers
// send along to Hub, portal and every other AVI. Here it is kept from locking their user out.
import http from "node:http";

// Servers behind take a head of 64 KB; a browser may send 180 cookies of 4 KB.
const ROOM = 16384;
const MOST_COOKIES = 1000;
const LARGEST_OWN = 1024;
const OWN = /^(_xsrf$|jupyterhub-|service-)/;
// No address of the platform's pages is deeper, no host has more labels, and browsers know no longer ones.
const DEEPEST = 12;
const LONGEST_PATH = 1024;
const LONGEST_HOST = 253;
const SHADOWED = "_xsrf";
// Node gives a request five minutes to come whole; a file of 20 GB comes in half a day over a slow line.
const LONGEST_REQUEST = 12 * 3600 * 1000;

const nameOf = (cookie) => cookie.split("=", 1)[0].trim();

// Those that no other host can set come first, then the platform's others, then what there is room for.
function rank(cookie) {
  if (nameOf(cookie).startsWith("__Host-")) return 0;
  return OWN.test(nameOf(cookie)) && cookie.length <= LARGEST_OWN ? 1 : 2;
}

function cut(cookies) {
  let room = ROOM;
  const kept = new Set();
  for (const cookie of cookies.toSorted((one, other) => rank(one) - rank(other))) {
    room -= cookie.length + 1;
    if (room < 0) break;
    kept.add(cookie);
  }
  return cookies.filter((cookie) => kept.has(cookie));
}

// The shortest first: they count for the most pages.
function prefixes(path) {
  const parts = path.split("/", 2 * DEEPEST).filter(Boolean).slice(0, DEEPEST);
  const found = ["/"];
  for (let count = 1; count <= parts.length; count += 1) {
    const folder = `/${parts.slice(0, count).join("/")}`;
    if (folder.length > LONGEST_PATH) break;
    found.push(folder, `${folder}/`);
  }
  return found;
}

// Those that a browser lets a host set cookies for; none of what is no name of a host.
function domains(host) {
  const name = host.split(":", 1)[0];
  const labels = name.split(".", DEEPEST + 1);
  const isOdd = name.length > LONGEST_HOST || labels.length > DEEPEST || !/^[\w-]+(\.[\w-]+)*$/.test(name);
  return isOdd ? [] : labels.slice(0, -1).map((_, index) => labels.slice(index).join("."));
}

// The platform's own `_xsrf` belongs to one host; one for a whole domain is a stranger's, and hides the true one.
// Anybody may ask, with an account or without: what is answered has its bound, whatever was asked.
function removals(request) {
  const path = request.url.split(/[?;]/, 1)[0];
  if (!/^[\w\-./~%]*$/.test(path)) return [];
  const all = domains(request.headers.host ?? "");
  let room = ROOM;
  return prefixes(path)
    .flatMap((folder) => all.map((domain) => `${SHADOWED}=; Max-Age=0; Domain=${domain}; Path=${folder}`))
    .filter((header) => (room -= header.length) >= 0);
}

function addToAnswer(response, headers) {
  const writeHead = response.writeHead;
  response.writeHead = (...args) => {
    for (const header of headers) response.appendHeader("Set-Cookie", header);
    return writeHead.apply(response, args);
  };
}

function receive(request, response) {
  const header = request.headers.cookie;
  if (header === undefined) return;
  const cookies = header.split(";", MOST_COOKIES);
  if (header.length > ROOM) request.headers.cookie = cut(cookies).join(";").trim();
  const several = cookies.filter((cookie) => nameOf(cookie) === SHADOWED).length;
  const isPage = request.headers["sec-fetch-mode"] === "navigate";
  if (response instanceof http.ServerResponse && (several > 1 || (isPage && several === 1))) {
    addToAnswer(response, removals(request));
  }
}

const createServer = http.createServer;
http.createServer = (...args) => {
  const server = createServer(...args);
  server.requestTimeout = LONGEST_REQUEST;
  for (const event of ["request", "upgrade"]) server.prependListener(event, receive);
  return server;
};
