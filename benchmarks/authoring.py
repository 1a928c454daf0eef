"""An author's waits: from a push to a release that can be run, and clones and pushes against git on a local path.

    python benchmarks/authoring.py [--runs 5] [--megabytes 100]

Packages come from an index on loopback, so that the platform is weighed and not the line. *Cold* asks for packages that
nobody asked for before, *warm* for those of the version before. Medians; throughput as a ratio to the same act on a
`file://` path of the same disk.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.avis import notebook, write_avi
from tests.support.git_client import ALONE, WHO
from tests.support.package_index import PackageIndex, package_index, wheel
from tests.support.platform import Platform, eventually, platform_to_throw_away

AUTHOR = "developer"
SETTINGS = "c.Gavip.bundled_avis = False\nc.Gavip.check_releases = False\n"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=100)
    chosen = parser.parse_args()
    with (
        package_index() as index,
        platform_to_throw_away("authoring", settings=SETTINGS + index.settings) as own,
    ):
        with tempfile.TemporaryDirectory() as folder:
            releases(own, index, Path(folder) / "stars", runs=chosen.runs)
        with tempfile.TemporaryDirectory() as folder:
            transfers(own, Path(folder), runs=chosen.runs, megabytes=chosen.megabytes)
    return 0


def releases(own: Platform, index: PackageIndex, folder: Path, *, runs: int) -> None:
    """Time pushes of tags until the release can be run."""
    write_avi(folder, {"app.ipynb": notebook("print('hello')"), ".gitignore": ".gavip/\n"})
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", address(own, "stars"))
    times: dict[str, list[float]] = {"no packages": [], "cold": [], "warm": []}
    for number in range(runs):
        (folder / "requirements.txt").unlink(missing_ok=True)
        times["no packages"].append(released(own, folder, f"0.{number}.0"))
        index.add(wheel(f"starword{number}", "1.0", {f"starword{number}.py": "WORD = 1\n"}))
        (folder / "requirements.txt").write_text(f"starword{number}\n")
        times["cold"].append(released(own, folder, f"0.{number}.1"))
        (folder / "changed.txt").write_text(str(number))
        times["warm"].append(released(own, folder, f"0.{number}.2"))
    for what, seconds in times.items():
        print(f"push to runnable, {what:<12} {statistics.median(seconds):6.2f} s   median of {runs}")


def released(own: Platform, folder: Path, version: str) -> float:
    """Push a version, and return the seconds until it can be run."""
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", version, "--allow-empty")
    git(folder, "tag", f"v{version}")
    began = time.monotonic()
    git(folder, "push", "-q", "origin", "main", f"v{version}")
    with own.client(AUTHOR) as author:
        place = f"/avis/stars/releases/{version}"
        eventually(lambda: author.get(place).json()["state"] == "READY", f"{version} is ready", seconds=120)
    return time.monotonic() - began


def transfers(own: Platform, folder: Path, *, runs: int, megabytes: int) -> None:
    """Time pushes and clones of noise, here and there."""
    work = folder / "work"
    work.mkdir()
    (work / "noise.bin").write_bytes(os.urandom(megabytes * 1024 * 1024))
    git(work, "init", "-q", "-b", "main")
    git(work, "add", "-A")
    git(work, "commit", "-qm", "noise")
    bares = [folder / f"bare-{number}.git" for number in range(runs)]
    for bare in bares:
        git(folder, "init", "-q", "--bare", "-b", "main", str(bare))
    for what, act in (("push", push), ("clone", clone)):
        pairs = [
            (
                timed(act, work, address(own, f"noise-{number}"), folder / f"ours-{number}"),
                timed(act, work, f"file://{bare}", folder / f"local-{number}"),
            )
            for number, bare in enumerate(bares)
        ]
        mine, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
        print(
            f"{what} of {megabytes} MB   platform {megabytes / mine:6.0f} MB/s   local path {megabytes / theirs:6.0f} MB/s"
            f"   ratio {theirs / mine:.2f}"
        )


def push(work: Path, url: str, _target: Path) -> None:
    """Push all of it."""
    git(work, "push", "-q", url, "main")


def clone(_work: Path, url: str, target: Path) -> None:
    """Clone all of it."""
    git(target.parent, "clone", "-q", url, str(target))


def timed(act: Callable[[Path, str, Path], object], work: Path, url: str, target: Path) -> float:
    """Return how long it takes."""
    began = time.monotonic()
    act(work, url, target)
    return time.monotonic() - began


def address(own: Platform, avi: str) -> str:
    """Return where an author pushes an AVI, with the token in it: nobody else sees this terminal."""
    host = own.url.partition("://")[2]
    return f"http://{AUTHOR}:{own.token(AUTHOR)}@{host}/services/gavip/git/{avi}.git"


def git(folder: Path, *arguments: str) -> None:
    """Run git, which must succeed."""
    subprocess.run(["git", *arguments], cwd=folder, check=True, env={**os.environ, **WHO, **ALONE})


if __name__ == "__main__":
    sys.exit(main())
