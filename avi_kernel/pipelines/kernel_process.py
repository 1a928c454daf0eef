"""The process of a job's kernel: starts before anything else of the job, and is ready when the runner is.

Only the standard library is imported here: the kernel's own imports, which are most of a short job's time, run beside
the runner's.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

CONNECTION_FILE = "kernel.json"
_SHORT = "/tmp"  # noqa: S108 - a private folder is made below it
"""Not TMPDIR, which may be long: a socket's path has 107 bytes, and a kernel without sockets is waited for in vain."""
_PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


@dataclass(kw_only=True)
class KernelProcess:
    """A kernel that boots; its channels are sockets in a private folder, so no port is open to anybody."""

    process: subprocess.Popen[bytes]
    folder: tempfile.TemporaryDirectory[str] = field(repr=False)

    @classmethod
    def start(cls, *, cwd: Path, env: Mapping[str, str]) -> Self:
        """Start a Python kernel and return at once."""
        folder = tempfile.TemporaryDirectory(prefix="gavip-", dir=_SHORT if Path(_SHORT).is_dir() else None)
        connection = Path(folder.name) / CONNECTION_FILE
        connection.write_text(json.dumps(_connection(folder.name)))
        command = [sys.executable, "-P", "-m", "avi_kernel.pipelines.kernel_app", str(connection)]
        # With its parent named, the kernel ends when the runner does, also where no container ends with it.
        own = {**env, "JPY_PARENT_PID": str(os.getpid())}
        process = subprocess.Popen(command, cwd=cwd, env=own, stdin=subprocess.DEVNULL)
        return cls(process=process, folder=folder)

    @property
    def connection_file(self) -> str:
        """Path of the file that tells a client how to reach it."""
        return str(Path(self.folder.name) / CONNECTION_FILE)

    def end(self, *, patience: float) -> None:
        """Ask the kernel to end, and wait at most so many seconds."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)

    def close(self) -> None:
        """Kill the kernel if it runs, and forget its folder."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()


def _connection(folder: str) -> dict[str, str | int]:
    return {
        "transport": "ipc",
        "ip": str(Path(folder) / "k"),
        "key": secrets.token_hex(32),
        "signature_scheme": "hmac-sha256",
        "kernel_name": "python3",
        **{name: number for number, name in enumerate(_PORTS, 1)},
    }
