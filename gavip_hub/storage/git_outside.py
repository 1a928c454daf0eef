"""Git as a client of other places: the platform asks them for a stranger, so what it may reach and take is bounded.

It speaks https alone, to the addresses that were checked, follows no redirection, asks nobody for a password, reads no
configuration but ours, runs no hook, takes no submodule, and ends when its time, its silence or its size is too much.
"""

import base64
import os
import re
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gavip_hub.domain.outside import cause_of
from gavip_hub.storage.git import Git, clean_environment, limited
from gavip_hub.storage.git_http import as_environment, held_bytes
from gavip_hub.storage.outside_hosts import Way

MB = 1024 * 1024
MOST_NAMES = 5000
"""Branches and tags together."""
_LOOK_SECONDS = 0.3
_KEPT = 8192
"""Bytes of what git complains of."""
_PROGRESS = re.compile(rb"(?:^|[\r\n])(Receiving objects|Resolving deltas): +(\d{1,3})%")
_SHARE = {b"Receiving objects": (0.0, 0.8), b"Resolving deltas": (0.8, 0.19)}
"""Where in the whole a stage begins, and how much of it it is."""
_DEFAULT = re.compile(r"ref: (refs/heads/\S+)\tHEAD")
_SETTINGS = {
    "http.followRedirects": "false",
    "http.proxy": "",
    "http.sslVerify": "true",
    "http.lowSpeedLimit": "100",
    "http.userAgent": "git/gavip",
    "credential.helper": "",
    "core.askPass": "",
    "core.hooksPath": os.devnull,
    "core.symlinks": "false",
    "core.logAllRefUpdates": "false",
    "protocol.version": "2",
    "transfer.fsckObjects": "true",
    "transfer.bundleURI": "false",
    "transfer.credentialsInUrl": "die",
    "fetch.uriProtocols": "",
    # Packs as they come: a small one may hold a hundred thousand files.
    "fetch.unpackLimit": "1",
    "fetch.recurseSubmodules": "false",
    "push.recurseSubmodules": "no",
    "push.gpgSign": "false",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "pack.threads": "1",
    "pack.windowMemory": "64m",
    "core.packedGitWindowSize": "64m",
    "core.packedGitLimit": "512m",
    "core.bigFileThreshold": "8m",
    "safe.directory": "*",
}


class OutsideFailed(Exception):
    """The other side, or what it sent, will not do; the message says why, and what to do next."""


class Stopped(Exception):
    """The platform itself ends."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the other side may take."""

    seconds: float = 1800.0
    """For all of it."""
    silence: float = 60.0
    """For anything at all."""


class OutsideGit:
    """Runs git as a client, in threads; what it does can be stopped from another one.

    Parameters
    ----------
    repository_mb
        What one repository may hold.
    """

    def __init__(self, *, repository_mb: int, patience: Patience | None = None) -> None:
        self._most = repository_mb * MB
        self._patience = patience or Patience()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End what goes on, for good."""
        self._stopped.set()

    def fetch(self, way: Way, folder: Path, *, told: Callable[[float], None]) -> None:
        """Take all branches and tags of a repository into a new one.

        Parameters
        ----------
        folder
            Where it is made; nothing is there before.
        told
            Is called with how far it is, from 0 to 1.

        Raises
        ------
        OutsideFailed
            With its cause and the next step.
        Stopped
            The platform ends.
        """
        git = Git(folder)
        git.make()
        listed = self._run(way, folder, "ls-remote", "--symref", "--", str(way.url), "HEAD", most=MB)
        names = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        options = (
            "--progress",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
        )
        self._run(way, folder, "fetch", *options, "--", str(way.url), *names, told=told)
        taken = git.run("for-each-ref", "--format=%(refname)").splitlines()
        if not taken:
            raise OutsideFailed(
                "it has no branch and no tag: push to it first, or make an empty project here"
            )
        if len(taken) > MOST_NAMES:
            raise OutsideFailed(
                f"it has {len(taken)} branches and tags; {MOST_NAMES} are taken: tidy it up there"
            )
        shown = _DEFAULT.search(listed)
        if "refs/heads/main" not in taken and shown and shown[1] in taken:
            git.run("symbolic-ref", "HEAD", shown[1])

    def push(self, way: Way, folder: Path, *, token: str) -> None:
        """Push all branches and tags of a repository to another place; what was deleted here stays there.

        Raises
        ------
        OutsideFailed
            With its cause and the next step.
        Stopped
            The platform ends.
        """
        names = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        options = ("--progress", "--no-verify", "--no-follow-tags", "--no-signed")
        self._run(way, folder, "push", *options, "--", str(way.url), *names, token=token)

    def _run(
        self,
        way: Way,
        folder: Path,
        *arguments: str,
        token: str = "",
        most: int = 0,
        told: Callable[[float], None] = lambda _: None,
    ) -> str:
        """Run a command to its end, and return what it printed."""
        command = limited(
            "git",
            f"--git-dir={folder}",
            *arguments,
            seconds=int(self._patience.seconds),
            most_bytes=most or self._most,
        )
        with tempfile.TemporaryFile() as printed:
            with self._started(command, folder, self._environment(way, token), printed) as process:
                complaint = self._watched(process, folder, told)
            if process.returncode != 0:
                raise OutsideFailed(cause_of(complaint.decode("utf-8", "replace")))
            printed.seek(0)
            return printed.read(MB).decode("utf-8", "replace")

    def _environment(self, way: Way, token: str) -> dict[str, str]:
        settings = _SETTINGS | {
            "http.curloptResolve": way.pin,
            "http.lowSpeedTime": str(max(1, int(self._patience.silence))),
        }
        if (
            token
        ):  # in the environment, which nobody else reads, and not among the arguments, which everybody does
            given = base64.b64encode(f"git:{token}".encode()).decode()
            settings[f"http.{way.url}.extraHeader"] = f"Authorization: Basic {given}"
        return {
            **clean_environment(),
            **as_environment(settings),
            "GIT_ALLOW_PROTOCOL": "http:https" if way.url.is_inner else "https",
            "GIT_PROTOCOL_FROM_USER": "0",
            "LC_ALL": "C",
        }

    @contextmanager
    def _started(
        self, command: list[str], folder: Path, environment: dict[str, str], printed: IO[bytes]
    ) -> Iterator["subprocess.Popen[bytes]"]:
        """Start a command; at the end of the block it is gone, with all that it started."""
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def _watched(
        self, process: "subprocess.Popen[bytes]", folder: Path, told: Callable[[float], None]
    ) -> bytes:
        """Wait for the end of a command, and return what it complained of.

        Raises
        ------
        OutsideFailed
            It takes too long, says nothing, or writes too much.
        Stopped
            The platform ends.
        """
        watch = _Watch(folder=folder, most=self._most, patience=self._patience)
        complaint = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stderr, selectors.EVENT_READ)  # type: ignore[arg-type]  # it is a pipe
            while True:
                if self._stopped.is_set():
                    raise Stopped
                piece = b""
                if selector.select(_LOOK_SECONDS):
                    piece = os.read(process.stderr.fileno(), 65_536)  # type: ignore[union-attr]
                    if not piece:
                        process.wait()
                        return complaint
                complaint = (complaint + piece)[-_KEPT:]
                watch.look(is_news=bool(piece))
                if found := _PROGRESS.findall(piece):
                    stage, percent = found[-1]
                    begin, share = _SHARE[stage]
                    told(begin + share * min(100, int(percent)) / 100)


class _Watch:
    """Raises when a command takes too long, says and writes nothing, or writes too much."""

    def __init__(self, *, folder: Path, most: int, patience: Patience) -> None:
        self._objects = folder / "objects"
        self._limit = held_bytes(self._objects) + most
        self._patience = patience
        self._held = 0
        self._began = self._news = time.monotonic()

    def look(self, *, is_news: bool) -> None:
        """Look at the clock and at what was written."""
        now, held = time.monotonic(), held_bytes(self._objects)
        if is_news or held != self._held:
            self._news, self._held = now, held
        if held > self._limit:
            raise OutsideFailed(cause_of("File size limit"))
        # A little more than curl's own patience, which says more exactly what it waited for.
        if now - self._news > self._patience.silence + 5:
            raise OutsideFailed(cause_of("too slow"))
        if now - self._began > self._patience.seconds:
            minutes = self._patience.seconds / 60
            raise OutsideFailed(
                f"it takes longer than {minutes:.0f} minutes: take large data out of its history"
            )
