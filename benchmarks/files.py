"""Large files and large folders: how quickly they come, go as an archive, and are listed; and what the service takes for it.

    python benchmarks/files.py [--gigabytes 2] [--files 10000] [--times 5]

A whole platform on this machine. A file of random bytes is sent by tus in pieces of 4 MB, as browsers send it; a folder of as much is
packed while it is sent; the page of a folder of many files is asked for as a browser asks, without what it draws.

Goals: the service grows by less than 64 MB while it packs, the archive begins within a second, and so is the page there.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.large import GB, MB, Tus, highest_memory, write_large
from tests.support.platform import Platform, platform_to_throw_away

MAY_GROW_MB = 64
SECONDS = 1.0
USER = "scientist"
SETTINGS = "c.Gavip.bundled_avis = False\nc.Gavip.check_releases = False"


def main() -> int:
    """Measure, print, and tell by the exit status whether the goals were reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=5)
    chosen = parser.parse_args()
    with platform_to_throw_away("files", settings=SETTINGS) as platform:
        headers = {"Authorization": f"Bearer {platform.token(USER)}"}
        space = platform.root / "users" / USER
        (space / "many").mkdir(parents=True)
        with httpx.Client(transport=platform.transport(), headers=headers, timeout=600) as http:
            size = int(chosen.gigabytes * GB)
            upload(platform, http, size)
            packs = archive(platform, http, space, size)
            shows = page(platform, http, space, chosen.files, chosen.times)
    return 0 if packs and shows else 1


def upload(platform: Platform, http: httpx.Client, size: int) -> None:
    """Send a file and remove it."""
    began = time.perf_counter()
    Tus(http, platform.url, "sent.bin", size).send(size)
    took = time.perf_counter() - began
    print(f"upload by tus     {size / MB / took:7.0f} MB/s")
    (platform.root / "users" / USER / "sent.bin").unlink()


def archive(platform: Platform, http: httpx.Client, space: Path, size: int) -> bool:
    """Pack a folder of as much, and tell whether that took little."""
    (space / "packed").mkdir()
    for number in range(4):
        write_large(space / "packed" / f"{number}.bin", size // 4)
    service = platform.pid("service")
    assert service
    first = 0.0
    with highest_memory(service) as memory:
        began = time.perf_counter()
        with http.stream("GET", f"{platform.api}/data/zip?path=packed") as answer:
            for _ in answer.raise_for_status().iter_bytes(MB):
                first = first or time.perf_counter() - began
        took = time.perf_counter() - began
    grown = (memory[1] - memory[0]) / MB
    print(
        f"archive           {size / MB / took:7.0f} MB/s, first byte after {first * 1000:.0f} ms (goal {SECONDS * 1000:.0f})"
    )
    print(f"the service grew  {grown:7.1f} MB (goal {MAY_GROW_MB})")
    return first < SECONDS and grown < MAY_GROW_MB


def page(platform: Platform, http: httpx.Client, space: Path, files: int, times: int) -> bool:
    """Ask for pages of a folder of many files, and tell whether they come quickly."""
    for number in range(files):
        (space / "many" / f"{number:06}.csv").touch()
    longest = 0.0
    for name, asked in {
        "first page": "",
        "middle": f"&page={files // 200}",
        "by size": "&sort=-size",
    }.items():
        took = []
        for _ in range(times):
            began = time.perf_counter()
            http.get(f"{platform.url}/services/gavip/files?path=many{asked}").raise_for_status()
            took.append(time.perf_counter() - began)
        longest = max(longest, *took)
        print(
            f"{name:<17} {statistics.median(took) * 1000:7.0f} ms of {files} files, longest {max(took) * 1000:.0f} ms"
        )
    return longest < SECONDS


if __name__ == "__main__":
    sys.exit(main())
