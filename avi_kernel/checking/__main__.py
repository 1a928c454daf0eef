"""`python -m avi_kernel.checking FOLDER --report FILE`: check an AVI, and write its scorecard as JSON."""

import argparse
import os
import signal
import sys
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

from avi_kernel import fast_imports

DESCRIPTOR = "fd:"
NO_REPORT = 3


def main(arguments: list[str]) -> int:
    """Check, and return 0 where nothing failed, 1 where something did, and 3 where there is no report."""
    fast_imports.apply()
    # The working directory may be a stranger's: nothing there shadows a module of the check.
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != Path.cwd()]
    from avi_kernel.checking.apart import end_all, stand_apart  # noqa: PLC0415 - after the path
    from avi_kernel.checking.check import TOTAL_SECONDS, check  # noqa: PLC0415 - after the mend and the path

    parser = argparse.ArgumentParser(prog="python -m avi_kernel.checking", description=__doc__)
    parser.add_argument("folder", type=Path, help="the AVI's folder; it is only read")
    parser.add_argument(
        "--report", required=True, help="file for the scorecard; fd:N: a descriptor of who started this"
    )
    parser.add_argument(
        "--scratch", type=Path, help="where to write meanwhile; default: a new temporary folder"
    )
    parser.add_argument("--seconds", type=float, default=TOTAL_SECONDS, help="for everything together")
    given = parser.parse_args(arguments)
    # What ends us otherwise is to end what runs of the AVI too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stand_apart()
    if given.report.startswith(DESCRIPTOR):
        os.set_inheritable(_descriptor(given.report), False)
    with TemporaryDirectory(dir=given.scratch, prefix="gavip-check-", ignore_cleanup_errors=True) as scratch:
        try:
            card = check(given.folder, scratch=Path(scratch), say=_say, seconds=given.seconds)
        finally:
            end_all()  # before anything is written that they could write to
    _leave(card.model_dump_json(indent=1), given.report)
    return 0 if card.passed else 1


def _leave(text: str, report: str) -> None:
    if report.startswith(DESCRIPTOR):
        with open(_descriptor(report), "w", encoding="utf-8") as place:
            place.write(text)
        return
    partial = Path(report).with_name(f".{Path(report).name}.part")
    partial.write_text(text, "utf-8")
    partial.replace(report)


def _descriptor(report: str) -> int:
    return int(report.removeprefix(DESCRIPTOR))


def _say(line: str) -> None:
    sys.stdout.write(f"gavip: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except Exception:  # noqa: BLE001 - Python's own status for it would say that a mark failed
        traceback.print_exc()
        status = NO_REPORT
    sys.exit(status)
