"""From arguments to a running server, in the one order that works."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

# Imported before the fork, so that server and kernels share these pages.
import ipykernel.kernelapp  # noqa: F401
import jupyter_client  # noqa: F401

from avi_kernel import fast_imports
from avi_kernel.interface import forking, options


def import_server() -> None:
    """Import what the server alone needs, and nothing of it that is the Hub's own: after the nursery's fork."""
    with fast_imports.without_the_hubs_database():
        import jupyterhub.singleuser.extension  # noqa: F401, PLC0415 - after the fork
    import avi_kernel.interface.app  # noqa: F401, PLC0415 - as above


def serve(arguments: Sequence[str], *, nursery: forking.Nursery | None = None) -> None:
    """Serve until told to stop.

    Parameters
    ----------
    nursery
        What kernels are forked from, where there is one already.
    """
    chosen = _options(arguments)
    if nursery is None and forking.available():
        nursery = forking.Nursery.start(modules=forking.wanted(chosen.folder))
    # Only now: the server's own imports are none of the kernels' business.
    import_server()
    from avi_kernel.interface.app import InterfaceServer  # noqa: PLC0415 - after the fork

    server = InterfaceServer(options=chosen, nursery=nursery)
    server.initialize([])
    server.start()


def _options(arguments: Sequence[str]) -> options.Options:
    parser = argparse.ArgumentParser(prog="python -m avi_kernel.interface", description=__doc__)
    parser.add_argument("--standalone", action="store_true", help="no Hub: loopback, a token in the address")
    parser.add_argument(
        "--ip", default=options.LOOPBACK, help="0.0.0.0 in a container that shows the port on loopback"
    )
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--folder", type=Path, default=Path(), help="the AVI's folder")
    parser.add_argument("--work-dir", type=Path, help="where kernels start; default: the folder")
    parser.add_argument("--portal-url", default="", help="where the header's link leads")
    given = parser.parse_args(arguments)
    if not given.standalone:
        return options.from_hub(os.environ)
    return options.standalone(
        folder=given.folder,
        ip=given.ip,
        port=given.port,
        portal_url=given.portal_url,
        work_dir=given.work_dir,
    )
