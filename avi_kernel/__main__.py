"""`python -m avi_kernel run`: the first command of every job's container."""

import sys
from pathlib import Path

from avi_kernel import fast_imports

USAGE = "usage: python -m avi_kernel run"


def main(arguments: list[str]) -> int:
    """Run the job of this container and return its exit code."""
    if arguments != ["run"]:
        sys.stderr.write(f"{USAGE}\n")
        return 2
    fast_imports.apply()
    # The working directory is the user's and the AVI's: nothing there may shadow a module of the runner.
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != Path.cwd()]
    from avi_kernel import runner  # noqa: PLC0415 - only after the import mend

    return runner.main()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
