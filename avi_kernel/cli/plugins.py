"""Commands that installed packages add by the entry points `gavip.commands`.

Finding them takes a third of the time of `gavip --help`, so what was found is kept until a folder of packages changes.
"""

import os
import sys
from importlib import import_module
from typing import Any

import click

from avi_kernel.cli import settings

GROUP = "gavip.commands"


def commands() -> dict[str, str]:
    """Return command -> `module:attribute`."""
    stamp = _stamp()
    known = settings.read(_file())
    if known.get("stamp") != stamp:
        known = {"stamp": stamp, "commands": _found()}
        settings.write_private(_file(), known)
    found: dict[str, str] = known["commands"]
    return found


def load(target: str) -> click.Command:
    """Import a command."""
    command: click.Command = attribute(target)
    return command


def attribute(target: str) -> Any:
    """Import what `module:attribute` names."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def _file() -> str:
    return f"{settings.cache_folder()}/commands.json"


def _stamp() -> list[Any]:
    """Return what changes when a package is installed or removed."""
    return [[entry, os.stat(entry).st_mtime_ns] for entry in sys.path if os.path.isdir(entry)]  # noqa: PTH112, PTH116 - pathlib costs help its start


def _found() -> dict[str, str]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - the slow import that this module spares

    return {entry.name: entry.value for entry in entry_points(group=GROUP)}
