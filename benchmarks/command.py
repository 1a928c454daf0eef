"""How long the command takes to start: `gavip --help` and a completion, against `python -c "import click"`.

    python -m benchmarks.command [--rounds 20]

Each round starts each of them once, in turn, so that a busy machine is busy for all. Once with no platform known, and once with
the platform's whole document kept. Printed are medians, and the difference to what importing click costs; the goal for `gavip --help` is 60 ms.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from avi_kernel.cli import settings
from avi_kernel.openapi import group_summaries
from gavip_hub.handlers.openapi import document
from gavip_hub.handlers.routes import API_HANDLERS

GOAL = 0.060
COMMAND = str(Path(sys.executable).with_name("gavip"))
COMPLETING = {
    "COMP_WORDS": "gavip job list --phase ",
    "COMP_CWORD": "4",
    "_GAVIP_COMPLETE": "bash_complete",
}


def seconds(command: list[str], environ: dict[str, str]) -> float:
    """Return how long a command takes from its start to its end."""
    began = time.perf_counter()
    subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        plain = {**os.environ, "XDG_CONFIG_HOME": folder, "XDG_CACHE_HOME": f"{folder}/none"}
        known = {**plain, "XDG_CACHE_HOME": f"{folder}/known"}
        os.environ["XDG_CACHE_HOME"] = known["XDG_CACHE_HOME"]
        kept = {"etag": "x", "checked": time.time(), "document": document(API_HANDLERS, version="0.1.0")}
        settings.cache_document(settings.DEFAULT_URL, kept, groups=group_summaries(kept["document"]))
        commands = {
            "import click": ([sys.executable, "-c", "import click"], plain),
            "gavip --help, no platform known": ([COMMAND, "--help"], plain),
            "gavip --help, with a platform's document": ([COMMAND, "--help"], known),
            "gavip job submit --help": ([COMMAND, "job", "submit", "--help"], known),
            "completing a choice": ([COMMAND], known | COMPLETING),
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, (command, environ) in commands.items():
                took = seconds(command, environ)
                if number:  # the first fills caches
                    taken[name].append(took)
    base = statistics.median(taken["import click"])
    for name, all_taken in taken.items():
        middle = statistics.median(all_taken)
        print(f"{name:42} {middle * 1000:7.1f} ms   {(middle - base) * 1000:+7.1f} ms")
    print(f"goal: gavip --help within {GOAL * 1000:.0f} ms of importing click")


if __name__ == "__main__":
    main()
