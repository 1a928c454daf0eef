"""`gavip avi check`: the scorecard of an AVI, on its developer's own machine."""

import shutil
import signal
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from avi_kernel import fast_imports
from avi_kernel.cli import exits

if TYPE_CHECKING:
    from avi_kernel.protocol.scorecard import Mark, Scorecard

_SIGNS = {
    "passed": ("✓", "green"),
    "warning": ("!", "yellow"),
    "failed": ("✗", "red"),
    "skipped": ("-", None),
}
_PARTS = ("voila", "papermill", "luigi", "psutil", "packaging")
_WIDEST = 110
_SHOWN_DETAILS = 6
_LONGEST_DETAIL = 14
"""Lines of one that are shown; --json has all."""


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@click.option("--json", "as_json", is_flag=True, help="Print the scorecard as JSON.")
@click.option(
    "--seconds", type=click.IntRange(10, 86400), default=1800, show_default=True, help="For everything."
)
@click.pass_context
def check(ctx: click.Context, folder: Path, seconds: int, *, as_json: bool) -> None:
    """Check the AVI in FOLDER as a platform does before it is published, and print its scorecard.

    Its interface is rendered and its pipelines run twice on the small inputs of their tests, as you: run it on what you
    trust, as with `gavip dev`. Ends with status 1 where a mark failed.
    """
    _need()
    fast_imports.apply()
    from avi_kernel.checking.check import check as look  # noqa: PLC0415 - `gavip --help` loads this module too

    # What ends us otherwise is to end what runs of the AVI too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with TemporaryDirectory(prefix="gavip-check-", ignore_cleanup_errors=True) as scratch:
        card = look(folder, scratch=Path(scratch), say=_say, seconds=seconds)
    _say("")
    if as_json or (ctx.find_root().obj or {}).get("json"):
        click.echo(card.model_dump_json(indent=2))
    else:
        show(card, name=folder.resolve().name)
    sys.exit(exits.OK if card.passed else exits.JOB_FAILED)


def _need() -> None:
    missing = [part for part in _PARTS if find_spec(part) is None]
    if missing:
        raise exits.Stop(
            f"gavip avi check needs what is not installed here: {', '.join(missing)}.",
            code=exits.USAGE,
            next_step="pip install 'avi-kernel[interface,pipelines,checking]'",
        )


def _say(line: str) -> None:
    """Tell what is being done, in one line that the next replaces; in a file or pipe nobody waits for it."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[2K{line}{'…' if line else ''}", nl=False, err=True)


def show(card: "Scorecard", *, name: str) -> None:
    """Print a scorecard as a table: marks first, and below each what to change."""
    width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)
    click.secho(f"{name}: {_summary(card)}", bold=True)
    click.echo()
    for mark in card.marks:
        _show_mark(mark, width, indent=max(len(each.title) for each in card.marks) + 5)


def _summary(card: "Scorecard") -> str:
    words = [
        (card.count("passed"), "passed"),
        (card.count("warning"), "to look at"),
        (card.count("failed"), "failed"),
    ]
    words.append((card.count("skipped"), "not judged"))
    return f"{', '.join(f'{count} {word}' for count, word in words if count)} in {card.seconds:.0f} s"


def _show_mark(mark: "Mark", width: int, *, indent: int) -> None:
    sign, colour = _SIGNS[mark.state]
    first, *rest = textwrap.wrap(mark.sentence, width - indent) or [""]
    click.echo(f" {click.style(sign, fg=colour, bold=True)} {mark.title:<{indent - 5}}  {first}")
    for line in rest:
        click.echo(f"{'':{indent}}{line}")
    if mark.state in {"failed", "warning"}:
        details = [] if len(mark.details) == 1 and mark.details[0] in mark.sentence else mark.details
        for detail in details[:_SHOWN_DETAILS]:
            _show_block(detail, width, indent, dim=True)
        _show_block(mark.change, width, indent, dim=False)
        click.echo()


def _show_block(text: str, width: int, indent: int, *, dim: bool) -> None:
    """Print text; a line that is code keeps its blanks and its end."""
    lines = text.splitlines()
    cut = len(lines) - _LONGEST_DETAIL
    if dim and cut > 0:
        lines = [f"… {cut} lines before", *lines[-_LONGEST_DETAIL:]]
    for line in lines:
        begins = line[: len(line) - len(line.lstrip())]
        for part in textwrap.wrap(line.strip(), max(20, width - indent - len(begins))) or [""]:
            click.secho(f"{'':{indent}}{begins}{part}", dim=dim)
