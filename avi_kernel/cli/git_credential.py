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
    """Tell git to ask this command for a platform's address, and nobody else; tell whether there is a git to tell."""
    remove(url)
    # The empty one keeps helpers that know all addresses from being told the token, to keep it as plain text.
    helpers = ("", f"!{quote(_own_program())} {COMMAND}")
    return all(_git("config", "--global", "--add", _key(url), helper) for helper in helpers)


def remove(url: str) -> None:
    """Tell git to ask no more; what its user set for that address stays."""
    _git("config", "--global", "--unset-all", _key(url), f"^$|{COMMAND}$")


def _key(url: str) -> str:
    place = urlsplit(url)
    return f"credential.{place.scheme}://{place.netloc}.helper"


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
