"""`python -m avi_kernel.interface.spare`: an interface server that is ready before it is known whose it is.

It imports what a server and its kernels need, rehearses a page, and waits until the platform writes what it is into a file that nothing in the
container can write to. Nothing of an AVI has run before.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from avi_kernel import fast_imports

ORDER = Path("/run/gavip-ways/order")
BETWEEN_LOOKS = 0.01


def main() -> None:
    """Import, wait, and become the server."""
    fast_imports.apply()
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != Path.cwd()]
    from avi_kernel.interface import forking, start  # noqa: PLC0415 - after the mend and the path

    nursery = forking.Nursery.start(modules=forking.USUAL) if forking.available() else None
    start.import_server()
    from avi_kernel.interface.ahead import rehearse  # noqa: PLC0415 - as above
    from avi_kernel.interface.memory import give_back  # noqa: PLC0415 - as above

    asyncio.run(rehearse())
    give_back()

    while not ORDER.exists():
        time.sleep(BETWEEN_LOOKS)
    order = json.loads(ORDER.read_text())
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    start.serve([], nursery=nursery)


main()
