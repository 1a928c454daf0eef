"""Git's way to a platform's token: `gavip login` tells git to ask this command."""

import shutil
import subprocess
import sys
from pathlib import Path
from shlex import quote
from urllib.parse import urlsplit

import click

from avi_kernel.cli import settings

COMMAND = "git-credential"


@click.command(COMMAND, hidden=True)
@click.argument("what", type=click.Choice(["get", "store", "erase"]))
def git_credential(what: str) -> None:
    """Answer git's question for a user and a password; nothing is kept or forgotten on git's word."""
    asked = dict(line.split("=", 1) for line in sys.stdin.read().splitlines() if "=" in line)
    platform = settings.known(f"{asked.get('protocol')}://{asked.get('host')}")
    if what == "get" and platform is not None and platform.token:
        click.echo(f"username={platform.user or 'token'}\npassword={platform.token}")


def install(url: str) -> bool:
    """Tell git to ask this command for a platform's address; tell whether there is a git to tell."""
    place = urlsplit(url)
    helper = f"!{quote(_own_program())} {COMMAND}"
    return _git(
        "config", "--global", "--replace-all", f"credential.{place.scheme}://{place.netloc}.helper", helper
    )


def remove(url: str) -> None:
    """Tell git to ask no more."""
    place = urlsplit(url)
    _git("config", "--global", "--remove-section", f"credential.{place.scheme}://{place.netloc}")


def _own_program() -> str:
    """Return this command beside the Python that runs it, wherever git will be run."""
    beside = Path(sys.executable).with_name("gavip")
    return str(beside) if beside.exists() else shutil.which("gavip") or "gavip"


def _git(*arguments: str) -> bool:
    program = shutil.which("git")
    return (
        program is not None
        and not subprocess.run([program, *arguments], check=False, capture_output=True).returncode
    )
