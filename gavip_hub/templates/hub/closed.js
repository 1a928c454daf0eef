// At the address of an interface there is nothing while it is closed. Only the browser knows that it is such an
// address, <avi>--<user>.<host>, and that the portal lives on another host than this page.
(() => {
  const [, avi] = /^\/user\/[^/]+\/([a-z][a-z0-9-]*)(?:\/|$)/.exec(location.pathname) ?? [];
  const label = location.host.split(".")[0];
  if (!avi || !label.startsWith(`${avi}--`)) return;
  const host = location.host.slice(label.length + 1);
  for (const link of document.querySelectorAll("a[href^='/']")) link.href = `${location.protocol}//${host}${link.getAttribute("href")}`;
  const main = document.querySelector("main");
  const again = main.querySelector(".button");
  main.querySelector("h1").textContent = document.title = "This interface is closed";
  main.querySelector(".eyebrow").textContent = avi;
  main.querySelector("h1 + p").textContent = "Interfaces close when they are not used for a while. What was saved is kept.";
  again.textContent = "Open it again";
  again.href += `avis/${avi}/open`;
})();
