"""A progress bar on standard error, for who looks on."""

import sys
from collections.abc import Mapping
from typing import Any, Self

import click

from avi_kernel.cli.overriding import override
from avi_kernel.downloads import Progress

_LONGEST_LABEL = 40
_WHOLE = 100


class Bar(Progress):
    """Shows how far a download is, and before that how far the platform is that makes it.

    Parameters
    ----------
    label
        What is downloaded.
    """

    def __init__(self, label: str) -> None:
        self._label = label[-_LONGEST_LABEL:]
        self._come = 0
        self._bar: Any = None
        self._said = False

    def __enter__(self) -> Self:
        """Begin with nothing shown."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the line that the bar is on."""
        self._end()

    @override
    def begins(self, size: int) -> None:
        """Show the file's own bar, from where it is."""
        self._end()
        self._show(self._label, size, self._come)

    @override
    def steps(self, more: int) -> None:
        """Move it."""
        self._come += more
        if self._bar is not None:
            self._bar.update(more)

    @override
    def waits(self, view: Mapping[str, Any]) -> None:
        """Say once that it takes a while, and show how far the platform is."""
        if not self._said:
            self._said = True
            click.echo("The platform makes it first, which may take some minutes.", err=True)
            self._show("Making it", _WHOLE, 0)
        done = view.get("fraction")
        if self._bar is not None and isinstance(done, int | float):
            self._bar.update(max(0, int(done * _WHOLE) - self._bar.pos))

    def _show(self, label: str, length: int, done: int) -> None:
        hidden = not sys.stderr.isatty()
        self._bar = click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden)
        self._bar.__enter__()
        self._bar.update(done)

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
