"""Carry out one operation of the API and show its answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import quote

import click

from avi_kernel.cli import exits, output, settings
from avi_kernel.cli.document import renewed
from avi_kernel.cli.settings import Platform
from avi_kernel.openapi import EVENTS, JSON, Operation, Schemas
from avi_kernel.transport import NotFound, Transport, file_name

Given = dict[str, Any]
PIECE = 256 * 1024
_NO_CONTENT = 204


def platform() -> Platform:
    """Return the platform that this command talks to."""
    obj = click.get_current_context().find_root().obj or {}
    return settings.current(obj.get("url"))


def as_json() -> bool:
    """Tell whether a program reads the answer."""
    obj = click.get_current_context().find_root().obj or {}
    return bool(obj.get("json"))


@contextmanager
def connected() -> Iterator[Transport]:
    """Give the way to the platform; what goes wrong is told plainly."""
    here = platform()
    transport = Transport(url=here.url, token=here.token)
    with exits.told_plainly():
        try:
            yield transport
        finally:
            transport.close()


def call(operation: Operation, schemas: Schemas, given: Given) -> int:
    """Call an operation and print what it answers."""
    with connected() as transport, _still_offered(operation):
        if operation.media_type == EVENTS:
            _print_stream(transport, operation, given)
        elif operation.is_download:
            tell_saved(save(transport, operation, given))
        else:
            answer = send(transport, operation, schemas, given)
            output.show(answer, model=schemas.answer_model(operation.what), as_json=as_json())
    return exits.OK


@contextmanager
def _still_offered(operation: Operation) -> Iterator[None]:
    """Say so where an operation is refused because the platform was exchanged since its document was kept."""
    try:
        yield
    except NotFound as error:
        url = platform().url
        if operation.is_in(renewed(url)):
            raise
        words = f"{url} does not offer `gavip {operation.group} {operation.name}` any more."
        step = "Its commands were read again: gavip --help lists them."
        raise exits.Stop(words, code=exits.NOT_FOUND, next_step=step) from error


def send(transport: Transport, operation: Operation, schemas: Schemas, given: Given) -> Any:
    """Send a request made of the command's values and return its answer; None where it has no body."""
    body = {
        name: given[name]
        for name in schemas.body_of(operation.what).get("properties", {})
        if given.get(name) not in (None, ())
    }
    answer = transport.request(
        operation.method,
        path_of(operation, given),
        params=query_of(operation, given),
        json=body if operation.body_type == JSON else None,
        content=_pieces(given["input"]) if operation.is_upload else None,
        headers={"Content-Type": operation.body_type} if operation.is_upload else None,
    )
    return None if answer.status_code == _NO_CONTENT else answer.json()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file piece by piece: it may be larger than memory."""
    while piece := file.read(PIECE):
        yield piece


def query_of(operation: Operation, given: Given) -> dict[str, Any]:
    """Return what the command's values say after the `?`."""
    names = [each["name"] for each in operation.what.get("parameters", []) if each["in"] == "query"]
    return {name: given[name] for name in names if given.get(name) not in (None, ())}


def path_of(operation: Operation, given: Given) -> str:
    """Return the operation's path with its parts filled in."""
    parts = {name: quote(str(value), safe="") for name, value in given.items() if value is not None}
    return operation.path.format(**{name: parts.get(name, "") for name in _names(operation)})


def _names(operation: Operation) -> list[str]:
    return [each["name"] for each in operation.what.get("parameters", []) if each["in"] == "path"]


def _print_stream(transport: Transport, operation: Operation, given: Given) -> None:
    asked = query_of(operation, given)
    with transport.stream(path_of(operation, given), params=asked, silence=None) as pieces:
        for piece in pieces:
            click.echo(piece.decode("utf-8", "replace"), nl=False)


def named(name: str) -> str:
    """Return the file that a download becomes where the user names none."""
    try:
        return file_name(name)
    except ValueError as error:
        raise click.UsageError(f"{error}: say with --output where to save it.") from None


def save(transport: Transport, operation: Operation, given: Given) -> str:
    """Write a download to a file, whole or not at all, or to standard output for `-`; return where it is."""
    from pathlib import Path  # noqa: PLC0415 - help does without

    from avi_kernel.cli.bars import Bar  # noqa: PLC0415 - most operations are no download
    from avi_kernel.downloads import Download, opened_when_made  # noqa: PLC0415 - as above

    target = str(given["output"] or named(_last_name(operation, given)))
    path, query, place = path_of(operation, given), query_of(operation, given), Path(target)
    try:
        with Bar(target) as bar:
            if target != "-" and (place.is_file() or not place.exists()):
                Download(transport, path, place.resolve(), params=query, progress=bar).save()
                return target
            # A pipe or a device: what has been written there cannot be taken back.
            with (
                opened_when_made(transport, path, params=query, progress=bar) as answer,
                click.open_file(target, "wb") as file,
            ):
                for piece in answer.iter_bytes():
                    file.write(piece)
    except OSError as error:
        raise click.UsageError(f"{target} cannot be written: {error.strerror or error}.") from error
    return target


def tell_saved(target: str) -> None:
    """Say where a download is; on standard output it is what was asked for."""
    if target != "-":
        click.echo(target)


def _last_name(operation: Operation, given: Given) -> str:
    """Return how a download is called: by the last that has to be said to get it."""
    needed = [each["name"] for each in operation.what.get("parameters", []) if each.get("required")]
    return str(given[needed[-1]]) if needed else ""
