"""One of the processes that `gavip up` keeps alive, and that outlive it."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gavip_hub.supervise.identity import Identity, identify, is_alive
from gavip_hub.supervise.installation import write_private
from gavip_hub.supervise.probe import Answering

GRACE_SECONDS = 10.0
POLL_SECONDS = 0.05
REAPED_WITHIN = 0.5
# The process records itself before it becomes the program, so that no moment exists in which it runs and a
# supervisor that was killed right then would not find it again. `exec` keeps pid and start time.
_RECORD_AND_BECOME = 'echo "$$" > "$0.new" && mv "$0.new" "$0" && exec "$@"'


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a sibling runs, and how one sees that it answers."""

    name: str
    title: str
    argv: list[str]
    env: Mapping[str, str]
    """Added to the supervisor's own environment."""
    probe: Answering
    beside_containers: bool = False
    """Containers need it as long as they run: it ends after them."""

    @property
    def fingerprint(self) -> str:
        """Changes with anything that would make a running process the wrong one to adopt."""
        told = json.dumps([self.argv, sorted(self.env.items())])
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(kw_only=True)
class Sibling:
    """A program below one data root; may be started by this supervisor or by one before it."""

    program: Program
    root: Path
    records: Path | None = None
    """Folder that tells a later supervisor which process it is; default: the data root's. A container has one of its own,
    since the numbers of its processes mean nothing outside."""
    identity: Identity | None = None
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def log_file(self) -> Path:
        """Where its output goes."""
        return self.root / "logs" / f"{self.program.name}.log"

    @property
    def _pid_file(self) -> Path:
        return (self.records or self.root / "state") / f"{self.program.name}.pid"

    @property
    def _record_file(self) -> Path:
        return (self.records or self.root / "state") / f"{self.program.name}.json"

    def alive(self) -> bool:
        """Tell whether the process runs."""
        lives = self.identity is not None and is_alive(self.identity)
        if self._child is not None and self._child.poll() is None and not lives:
            # It has just died: what nobody waits for stays behind as a zombie.
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(REAPED_WITHIN)
        return lives

    async def adopt(self) -> bool:
        """Take over the process that an earlier supervisor left, or end it where it is not the right one."""
        found, fingerprint = self._recorded()
        if found is None or not is_alive(found):
            return False
        self.identity = found
        if fingerprint == self.program.fingerprint:
            return True
        await self.stop()
        return False

    def start(self) -> None:
        """Start the program in a session of its own."""
        with self.log_file.open("ab") as log:
            self._pid_file.unlink(missing_ok=True)
            self._child = subprocess.Popen(
                ["/bin/sh", "-c", _RECORD_AND_BECOME, str(self._pid_file), *self.program.argv],
                cwd=self.root,
                env={**_environment(), **self.program.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.identity = identify(self._child.pid)
        self._record()

    async def stop(self, *, grace: float = GRACE_SECONDS) -> None:
        """End the process, at first gently, and forget it."""
        for sign, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
            if self.identity is None or not self.alive():
                break
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(self.identity.pid, sign)
            await _until(lambda: not self.alive(), seconds)
        self._pid_file.unlink(missing_ok=True)
        self._record_file.unlink(missing_ok=True)
        self.identity = None

    def last_words(self, lines: int = 15) -> str:
        """Return the end of its log, for an error message."""
        text = self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _record(self) -> None:
        if self.identity is not None:
            record = {**asdict(self.identity), "fingerprint": self.program.fingerprint}
            write_private(self._record_file, json.dumps(record))

    def _recorded(self) -> tuple[Identity | None, str]:
        """Return the process of the record; where the supervisor died before it wrote one, of the pid file."""
        pid = int(self._pid_file.read_text()) if self._pid_file.exists() else None
        if self._record_file.exists():
            record = json.loads(self._record_file.read_text())
            fingerprint = record.pop("fingerprint")
            if pid is None or pid == record["pid"]:
                return Identity(**record), fingerprint
        return self._written_by(pid), ""

    def _written_by(self, pid: int | None) -> Identity | None:
        """Return the process with this pid if it may be the one that wrote the pid file: ours by its command."""
        if pid is None:
            return None
        command = Path(f"/proc/{pid}/cmdline")
        told = command.read_bytes().split(b"\0") if command.exists() else []
        argv = [os.fsencode(argument) for argument in self.program.argv]
        return identify(pid) if told[-len(argv) - 1 : -1] == argv else None


def still_runs(root: Path, name: str) -> bool:
    """Tell whether a sibling that `gavip up` started on a data root runs, with or without its supervisor."""
    file = root / "state" / f"{name}.json"
    if not file.is_file():
        return False
    record = json.loads(file.read_text())
    del record["fingerprint"]
    return is_alive(Identity(**record))


def _environment() -> dict[str, str]:
    """Return the supervisor's own environment without another Hub's, should it run in one of its servers."""
    foreign = ("JUPYTERHUB_", "CONFIGPROXY_", "GAVIP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


async def _until(done: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition of another process, which nothing announces."""
    try:
        async with asyncio.timeout(seconds):
            while not done():  # noqa: ASYNC110 - no event tells of a process that is not our child
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        return
