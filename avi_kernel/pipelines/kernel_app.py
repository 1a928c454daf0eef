"""The program of a job's kernel; `kernel_process` starts and ends it."""

import os
import signal
import sys
from pathlib import Path

from avi_kernel import fast_imports, packages

fast_imports.apply()

from ipykernel.kernelapp import IPKernelApp  # noqa: E402 - after the mend
from tornado.ioloop import IOLoop  # noqa: E402 - as above


def main(connection_file: str) -> None:
    """Become the kernel that serves this connection, until SIGTERM.

    The shutdown message of the protocol is not used: the thread that answers it writes to output channels which the
    main thread closes at the same time, and one start in ten then ends 10 s late or never (ipykernel 7.4).
    """
    app = IPKernelApp.instance()
    app.outstream_class = "avi_kernel.pipelines.kernel_streams.CellStream"
    app.initialize(["-f", connection_file, "--HistoryManager.enabled=False"])

    # Only now: a module of the author's may have the name of one that the kernel itself needs.
    code = Path(os.environ["GAVIP_CODE_DIR"])
    sys.path[:0] = [str(code / "pipelines"), str(code)]
    packages.add()
    loop = IOLoop.current()
    signal.signal(signal.SIGTERM, lambda *_: loop.add_callback_from_signal(loop.stop))
    app.start()


if __name__ == "__main__":
    main(sys.argv[1])
