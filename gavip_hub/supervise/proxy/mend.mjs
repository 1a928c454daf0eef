// Loaded before the proxy: a path whose escapes are no UTF-8 is its sender's mistake (400), not the proxy's (500).
import path from "node:path";
import { pathToFileURL } from "node:url";

const library = path.join(path.dirname(process.argv[1]), "../lib/configproxy.js");
const { default: ConfigurableProxy } = await import(pathToFileURL(library));
const handleProxyError = ConfigurableProxy.prototype.handleProxyError;

ConfigurableProxy.prototype.handleProxyError = function (code, kind, req, res, error) {
  const unreadable = error instanceof URIError || error?.code === "ERR_INVALID_URL";
  return unreadable
    ? handleProxyError.call(this, 400, kind, req, res)
    : handleProxyError.call(this, code, kind, req, res, error);
};
