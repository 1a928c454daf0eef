"""How soon the portal's pages show something, in Chromium through the Hub's proxy.

    python -m benchmarks.paint [--times 20]

A whole platform on this machine with the AVIs that come with it, and somebody signed in. Each page is loaded with an empty cache (a new
profile with the same cookies), and again with what the one before left in it; each time in a tab that has come to rest, since who opens
a page does not start a browser for it. `paint` is the browser's own first contentful paint, from the moment when the page was asked for;
`html` is when the last byte of the page had come; both in ms.

Goal: the first contentful paint under 500 ms at the 95th percentile, cold and warm.
"""

import argparse
import asyncio
import os
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.async_api import Browser, Page

from tests.support.browser import open_browser, person
from tests.support.platform import Platform, platform_to_throw_away

GOAL_MS = 500.0
USER = "developer"
AT_REST_SECONDS = 0.3
"""In which a browser has made a new tab, or has left the page before."""
PAGES = {
    "catalogue": "",
    "an AVI": "avis/hr-diagram",
    "a pipeline's form": "avis/hr-diagram/pipelines/hr_diagram",
    "opening": "avis/hr-diagram/open",
    "jobs": "jobs",
    "files": "files",
    "the bin": "files/bin",
    "products": "products",
    "servers": "servers",
    "projects": "projects",
}
PAINTED = """() => new Promise(done => new PerformanceObserver((list, observer) => {
  const paint = list.getEntriesByName('first-contentful-paint')[0];
  if (!paint) return;
  observer.disconnect();
  const html = performance.getEntriesByType('navigation')[0];
  const others = performance.getEntriesByType('resource');
  done({paint: paint.startTime, html: html.responseEnd, requests: 1 + others.length,
        bytes: others.reduce((sum, one) => sum + one.transferSize, html.transferSize)});
}).observe({type: 'paint', buffered: true}))"""
"""What the browser noted of a page, once it has painted."""


def main() -> int:
    """Measure, print, and tell by the exit status whether the goal was reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=20)
    chosen = parser.parse_args()
    with platform_to_throw_away("paint") as platform:
        return asyncio.run(measured(platform, chosen.times))


async def measured(platform: Platform, times: int) -> int:
    async with open_browser() as browser:
        kept = await signed_in(platform, browser)
        print(f"{os.cpu_count()} cores; {os.getloadavg()[0]:.1f} programs wanted one (1 minute before)")
        print(f"{'page':20} {'':5} {'paint p50':>9} {'p95':>6} {'html p50':>9} {'requests':>9} {'KB':>6}")
        worst = 0.0
        for name, path in PAGES.items():
            url = f"{platform.url}/services/gavip/{path}"
            found: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
            for _ in range(times):
                await load(browser, kept, url, found)
            for kind, loads in found.items():
                worst = max(worst, told(name if kind == "cold" else "", kind, loads))
    return 0 if worst <= GOAL_MS else 1


async def signed_in(platform: Platform, browser: Browser) -> Any:
    """Sign in once, and return what a browser keeps of that."""
    async with person(browser) as context:
        page = await context.new_page()
        await page.goto(platform.url)
        await page.get_by_label("User name").fill(USER)
        await page.get_by_label("Password", exact=True).fill(platform.password(USER))
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("heading", name="Catalogue").wait_for()
        return await context.storage_state()


async def load(browser: Browser, kept: Any, url: str, found: dict[str, list[dict[str, float]]]) -> None:
    """Load a page in a new profile, and again in the same."""
    context = await browser.new_context(storage_state=kept, viewport={"width": 1280, "height": 800})
    try:
        page = await context.new_page()
        for kind in ("cold", "warm"):
            await asyncio.sleep(AT_REST_SECONDS)
            found[kind].append(await painted(page, url))
            await page.goto("about:blank")
    finally:
        await context.close()


async def painted(page: Page, url: str) -> dict[str, float]:
    answer = await page.goto(url, wait_until="load")
    assert answer is not None, url
    assert answer.ok, (url, answer.status)
    noted: dict[str, float] = await page.evaluate(PAINTED)
    return noted


def told(name: str, kind: str, loads: list[dict[str, float]]) -> float:
    """Print one row, and return the paint's 95th percentile."""
    paints = [one["paint"] for one in loads]
    p95 = statistics.quantiles(paints, n=20, method="inclusive")[-1] if len(paints) > 1 else paints[0]
    html = statistics.median(one["html"] for one in loads)
    last = loads[-1]
    print(
        f"{name:20} {kind:5} {statistics.median(paints):9.0f} {p95:6.0f} {html:9.0f} {last['requests']:9.0f} "
        f"{last['bytes'] / 1000:6.0f}{'' if p95 <= GOAL_MS else '   too slow'}"
    )
    return p95


if __name__ == "__main__":
    raise SystemExit(main())
