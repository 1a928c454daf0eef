"""Completion for shells: `gavip completion bash` prints the script; names of jobs and AVIs are asked of the platform.

Commands, options and choices come from the document that is kept, so that a key press waits for no network. Names do
wait, for a second at most, and only where somebody is signed in.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import click
from click.shell_completion import CompletionItem, get_completion_class

from avi_kernel.cli import settings
from avi_kernel.cli.schemas import Completes

VARIABLE = "_GAVIP_COMPLETE"
SHELLS = ("bash", "zsh", "fish")
PATIENCE = 1.0
MOST_NAMES = 100
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,99}")
"""Names that no shell and no terminal takes for anything else: they are strangers'."""
_LAST_PART = re.compile(r"(.*)/\{(\w+)\}")
_PART = re.compile(r"\{(\w+)\}")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), help="Your shell: one of bash, zsh, fish.")
def completion(shell: str) -> None:
    """Print what makes your shell complete commands, options and names by the Tab key.

    \b
    bash:  eval "$(gavip completion bash)"     as a line of ~/.bashrc
    zsh:   eval "$(gavip completion zsh)"      as a line of ~/.zshrc
    fish:  gavip completion fish > ~/.config/fish/completions/gavip.fish
    """  # noqa: D301 - click's own mark for lines that stay lines
    made = get_completion_class(shell)
    if made is None:  # pragma: no cover - click has all three
        raise click.UsageError(f"This click knows no {shell}.")
    click.echo(made(click.get_current_context().find_root().command, {}, "gavip", VARIABLE).source())


def names_of(document: dict[str, Any], name: str) -> Completes | None:
    """Return what completes a parameter: the things that the platform lists where its own path has that name.

    Parameters
    ----------
    name
        Of the parameter: `avi` stands in `/avis/{avi}`, and `GET /avis` lists what it may be.
    """
    for path, methods in document.get("paths", {}).items():
        found = _LAST_PART.fullmatch(path)
        if found and found[2] == name and "get" in methods and "get" in document["paths"].get(found[1], {}):
            return _Names(collection=found[1], name=name)
    return None


def names_in(collection: str) -> Completes:
    """Return what completes to the names in a list of the platform."""
    return _Names(collection=collection, name="name")


class _Names:
    """The names in one list of the platform."""

    def __init__(self, *, collection: str, name: str) -> None:
        self._collection = collection
        self._name = name

    def __call__(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click passes it
        incomplete: str,
    ) -> list[CompletionItem[str]]:
        """Return the names that begin as what was typed; none where the platform does not answer at once."""
        parts = {part: str(ctx.params.get(part) or "") for part in _PART.findall(self._collection)}
        if not all(map(_PLAIN.fullmatch, parts.values())):
            return []
        path = self._collection.format(**{part: quote(value) for part, value in parts.items()})
        rows = _asked(ctx, path)
        return [item for item in self._items(rows) if item.value.startswith(incomplete)][:MOST_NAMES]

    def _items(self, rows: list[Any]) -> Iterator[CompletionItem[str]]:
        for row in rows:
            value = str(row.get(self._name) or row.get("name") or "") if isinstance(row, dict) else ""
            if _PLAIN.fullmatch(value):
                yield CompletionItem(value)


def _asked(ctx: click.Context, path: str) -> list[Any]:
    """Return a list of the platform's, or nothing: a shell that completes says nothing of what went wrong."""
    from avi_kernel.transport import ApiError, Transport  # noqa: PLC0415 - only where names are asked for

    here = settings.current(ctx.find_root().params.get("url"))
    if not here.token:
        return []
    transport = Transport(url=here.url, token=here.token, patience=PATIENCE, tries=1)
    with suppress(ApiError, ValueError):
        try:
            answer = transport.request("GET", path).json()
        finally:
            transport.close()
        rows = answer.get("items") if isinstance(answer, dict) else answer
        return rows if isinstance(rows, list) else []
    return []
