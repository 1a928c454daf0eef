"""Megabytes a second by WebDAV, and by the portal's own download, through the same proxy.

    python benchmarks/webdav.py [--mb 1024] [--times 3]

A whole platform on this machine: a file is written by WebDAV, read by WebDAV, and downloaded as `gavip data cp` does, in turns. The
ratio is what matters: both go through the proxy, so that of WebDAV tells what its server costs.

Goal: WebDAV reads at no less than half the speed of the download.
"""

import argparse
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.platform import Platform, platform_to_throw_away

GOAL = 0.5
MB = 1024 * 1024
SETTINGS = "c.Gavip.bundled_avis = False\nc.Gavip.check_releases = False"


def main() -> int:
    """Measure, print, and tell by the exit status whether the goal was reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mb", type=int, default=1024)
    parser.add_argument("--times", type=int, default=3)
    chosen = parser.parse_args()
    with platform_to_throw_away("webdav", settings=SETTINGS) as platform:
        return measure(platform, chosen.mb, chosen.times)


def measure(platform: Platform, mb: int, times: int) -> int:
    """Measure on a platform."""
    headers = {"Authorization": f"Bearer {platform.token('scientist')}"}
    with httpx.Client(transport=platform.transport(), headers=headers, timeout=600) as http:
        file = f"{platform.url}/services/gavip-dav/speed.bin"
        acts = {
            "WebDAV, write": lambda: write(http, file, mb),
            "WebDAV, read": lambda: read(http, file),
            "download": lambda: read(http, f"{platform.api}/data/content?path=speed.bin"),
        }
        rates = {name: statistics.median(rate(act, mb) for _ in range(times)) for name, act in acts.items()}
    for name, found in rates.items():
        print(f"{name:<14} {found:7.0f} MB/s")
    ratio = rates["WebDAV, read"] / rates["download"]
    print(f"reading by WebDAV is {ratio:.2f} of the download's speed (goal {GOAL})")
    return 0 if ratio >= GOAL else 1


def rate(act: Callable[[], None], mb: int) -> float:
    """Return MB a second."""
    began = time.perf_counter()
    act()
    return mb / (time.perf_counter() - began)


def write(http: httpx.Client, url: str, mb: int) -> None:
    """Write a file of random bytes."""
    piece = secrets.token_bytes(MB)

    def pieces() -> Iterator[bytes]:
        for _ in range(mb):
            yield piece

    http.put(url, content=pieces(), headers={"Content-Length": str(mb * MB)}).raise_for_status()


def read(http: httpx.Client, url: str) -> None:
    """Read a file and forget it."""
    with http.stream("GET", url) as answer:
        answer.raise_for_status()
        for _ in answer.iter_bytes(MB):
            pass


if __name__ == "__main__":
    sys.exit(main())
