"""Debian's git, unmodified, as somebody uses it who has a token."""

import asyncio
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

WHO = {f"GIT_{role}_{what}": "dora" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
ALONE = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}


@dataclass(frozen=True, kw_only=True)
class Told:
    """How a command of git ended, and what it said."""

    status: int
    text: str


@dataclass(frozen=True)
class Clone:
    """A working copy."""

    folder: Path

    async def git(self, *arguments: str, given: str = "") -> Told:
        """Run a command; what it says is kept, whether it succeeds or not."""
        return await asyncio.to_thread(self._git, *arguments, given=given)

    async def did(self, *arguments: str) -> str:
        """Run a command that succeeds."""
        told = await self.git(*arguments)
        assert told.status == 0, told.text
        return told.text.strip()

    def _git(self, *arguments: str, given: str = "") -> Told:
        done = subprocess.run(
            ["git", *arguments],
            check=False,
            cwd=self.folder,
            input=given,
            capture_output=True,
            text=True,
            env={**os.environ, **WHO, **ALONE},
            timeout=240,
        )
        return Told(status=done.returncode, text=done.stdout + done.stderr)


async def begun(folder: Path, url: str, *, branch: str = "main") -> Clone:
    """Make a repository of a folder, with all that is in it committed, and `origin` at a URL."""
    clone = Clone(folder)
    await clone.did("init", "-q", "-b", branch)
    await clone.did("remote", "add", "origin", url)
    await clone.did("add", "-A")
    await clone.did("commit", "-qm", "as it is")
    return clone
