"""`python -m avi_kernel.checking.compare BEFORE AFTER`: tell how the files of two folders differ, as JSON.

A program of its own, with limits: results are strangers' files, and what reads them may take the memory or the time of whoever
opens them.
"""

import json
import resource
import sys
from pathlib import Path

from avi_kernel.box.seccomp import put_on
from avi_kernel.checking.sameness import difference
from avi_kernel.previewing.limits import give_up_privileges

MB = 1024 * 1024
MEMORY_MB = 4096
SECONDS = 300
WRITTEN_MB = 128
WITHIN = 1e-9
"""Relative: sums in another order, as several threads make them, differ by less."""


def main(before: Path, after: Path) -> int:
    """Compare files of the same names; write a JSON object of name -> difference, empty where both mean the same."""
    names = sorted({path.name for path in before.iterdir()} & {path.name for path in after.iterdir()})
    found = {name: difference(before / name, after / name, within=WITHIN) for name in names}
    sys.stdout.write(json.dumps(found))
    return 0


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_MB * MB),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, WRITTEN_MB * MB),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    give_up_privileges()
    put_on()


if __name__ == "__main__":
    _limit()
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
