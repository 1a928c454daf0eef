"""What people are told: by the command, on a page of the portal, and whether it is the same as the API says."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.platform import Platform

Gavip = Callable[..., "subprocess.CompletedProcess[str]"]


def command_of(platform: Platform, user: str, folder: Path) -> Gavip:
    """Return the command, signed in as a user, with a folder for its settings and as the present one."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "GAVIP_URL": platform.url,
        "GAVIP_TOKEN": platform.token(user),
        "COLUMNS": "200",
    }

    def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
        program = Path(sys.executable).with_name("gavip")
        return subprocess.run(
            [program, *arguments],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return command


def portal_page(platform: Platform, path: str) -> str:
    """Return a page of the portal as the scientist's browser gets it, with a session of the Hub's own sign-in."""
    with platform.signed_in("scientist") as browser:
        return browser.get(f"/services/gavip{path}").text


def told_alike(platform: Platform, gavip: Gavip, job: dict[str, Any], *words: str) -> None:
    """Hold that the same sentence stands in the API's answer, on the job's page and in the command's output."""
    shown = gavip("job", "get", job["id"])
    page = portal_page(platform, f"/jobs/{job['id']}")
    for word in words:
        assert word in job["error"]["message"]
        assert word in page
        assert word in shown.stdout
