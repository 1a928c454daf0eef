"""`python -m avi_kernel.interface`: serve an AVI's interface, behind the Hub or to its developer."""

import sys
from pathlib import Path

from avi_kernel import fast_imports


def main() -> None:
    """Fork the kernels' nursery first, then become the server."""
    fast_imports.apply()
    # The working directory is the user's and the AVI's: nothing there may shadow a module of the server.
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != Path.cwd()]
    from avi_kernel.interface.start import serve  # noqa: PLC0415 - after the mend and the path

    serve(sys.argv[1:])


main()
