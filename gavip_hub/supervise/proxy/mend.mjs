// Loaded before the proxy, for paths that anybody may ask for: escapes that are no UTF-8 are their sender's mistake
// (400), and names that each object of the language has, as `__proto__`, are names like others; both were the proxy's (500).
import path from "node:path";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(path.join(path.dirname(process.argv[1]), "../lib", name)));
const { default: ConfigurableProxy } = await load("configproxy.js");
const { URLTrie } = await load("trie.js");
const handleProxyError = ConfigurableProxy.prototype.handleProxyError;

ConfigurableProxy.prototype.handleProxyError = function (code, kind, req, res, error) {
  const unreadable = error instanceof URIError || error?.code === "ERR_INVALID_URL";
  return unreadable
    ? handleProxyError.call(this, 400, kind, req, res)
    : handleProxyError.call(this, code, kind, req, res, error);
};

// Its table of routes looks each part of a path up in an object; such a one inherits nothing.
Object.defineProperty(URLTrie.prototype, "branches", {
  set() {
    Object.defineProperty(this, "branches", { value: Object.create(null), enumerable: true });
  },
});
