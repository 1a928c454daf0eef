"""Our interface server against bare Voilà: same notebook, same run, turn by turn.

    python -m benchmarks.interface [--rounds 5] [--json FILE]

Each round starts each server afresh and measures: start until it answers; the whole page by HTTP (the first
page of a server, and the third); in Chromium the time until the page can be used (its slider is drawn, its
outputs and its picture are there), with an empty cache and after a reload; memory of server and kernel.
Printed are medians and ours divided by bare Voilà's; the goals are 0.6 for the page and for use.
"""

import argparse
import asyncio
import json
import socket
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.async_api import Browser, Page
from playwright.async_api import TimeoutError as PlaywrightTimeout

from benchmarks.support.notebooks import write_yardstick
from benchmarks.support.processes import pss_mb, running, seconds_to_fetch, seconds_until_answer
from tests.support.browser import open_browser, person

TOKEN = "benchmark"
GOAL = 0.6
HANGS = 20.0
"""Seconds after which a page is said to hang."""
USABLE = """() => document.querySelectorAll('.widget-slider').length >= 6
  && document.body.innerText.includes('power is 2')
  && document.body.innerText.includes('written into an output')
  && [...document.images].some(image => image.naturalWidth > 100)
  && document.querySelector('.widget-slider').getBoundingClientRect().width > 0"""


def bare(notebook: Path, port: int) -> list[str]:
    """Return the command of stock Voilà, as its documentation has it."""
    return [
        *[sys.executable, "-m", "voila", "--no-browser", f"--port={port}", f"--token={TOKEN}"],
        *["--Voila.ip=127.0.0.1", "--Voila.port_retries=0", str(notebook)],
    ]


def ours(notebook: Path, port: int) -> list[str]:
    """Return the command of our server."""
    return [
        *[sys.executable, "-m", "avi_kernel.interface", "--standalone"],
        *[f"--port={port}", f"--folder={notebook.parent}"],
    ]


@dataclass
class Visitor:
    """Somebody with a browser."""

    page: Page
    hangs: int = 0

    async def open(self, url: str) -> float:
        """Return the time from the request until the page can be used (s); one that hangs is reloaded, and counted."""
        while True:
            began = time.perf_counter()
            try:
                await self.page.goto(url, wait_until="commit")
                await self.page.wait_for_function(USABLE, timeout=HANGS * 1000, polling=20)
            except PlaywrightTimeout:
                self.hangs += 1
            else:
                return time.perf_counter() - began


async def measure(argv: list[str], port: int, browser: Browser, scratch: Path) -> dict[str, float]:
    """Measure one server from its start to its end."""
    base = f"http://127.0.0.1:{port}/"
    url = f"{base}?token={TOKEN}"
    with running(argv, log=scratch / "log.txt", env={"GAVIP_DEV_TOKEN": TOKEN}) as server:
        result = {"start (s)": seconds_until_answer(base + "nothing-here")}
        async with person(browser) as context:
            visitor = Visitor(await context.new_page())
            # Nothing outside is reachable in most test machines; bare Voilà must not be punished for waiting.
            await visitor.page.route(lambda address: "127.0.0.1" not in address, lambda route: route.abort())
            result["use, first open (s)"] = await visitor.open(url)
            reloads = [await visitor.open(url) for _ in range(3)]
            result["use, again (s)"] = statistics.median(reloads)
            result["memory (MB, PSS)"] = pss_mb(server)
            result["kernels after 4 opens"] = float(kernels(server))
        pages = [await asyncio.to_thread(seconds_to_fetch, base, token=TOKEN) for _ in range(3)]
        result["pages that hung"] = float(visitor.hangs + pages.count(None))
        result["page by HTTP (s)"] = statistics.median(seconds for seconds in pages if seconds is not None)
    return result


def kernels(server: psutil.Process) -> int:
    """Count the kernels of a server: the processes below it that have many sockets."""
    return sum(len(member.net_connections("all")) > 5 for member in server.children(recursive=True))


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def compare(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Run both turn by turn."""
    results: dict[str, dict[str, list[float]]] = {"bare": {}, "ours": {}}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        notebook = write_yardstick(scratch / "avi")
        async with open_browser() as browser:
            for _ in range(rounds):
                for who, command in (("bare", bare), ("ours", ours)):
                    port = free_port()
                    one = await measure(command(notebook, port), port, browser, scratch)
                    for key, value in one.items():
                        results[who].setdefault(key, []).append(value)
    return results


def report(results: dict[str, dict[str, list[float]]]) -> None:
    """Print medians and ratios."""
    print(f"{'median of each':26}{'bare Voilà':>12}{'ours':>12}{'ratio':>8}")
    for key, values in results["bare"].items():
        theirs, mine = statistics.median(values), statistics.median(results["ours"][key])
        ratio = f"{mine / theirs:8.2f}" if theirs else ""
        print(f"{key:26}{theirs:12.2f}{mine:12.2f}{ratio}")
    print(f"goal: {GOAL} or less for the page and for use")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write every number there")
    given = parser.parse_args()
    results = asyncio.run(compare(given.rounds))
    report(results)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
