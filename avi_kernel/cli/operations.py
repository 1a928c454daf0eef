"""Commands made from a platform's OpenAPI document: `jobs.submit` becomes `gavip job submit`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from avi_kernel.cli.schemas import Schemas, parameter_of

Document = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
PERSON = "person"
EVENTS = "text/event-stream"
LONE = frozenset({"get", "list"})
"""An operation of such a name that is alone in its group is the group: `gavip me`."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the document."""

    group: str
    name: str
    method: str
    path: str
    what: dict[str, Any]

    @property
    def summary(self) -> str:
        """One line of help."""
        return str(self.what.get("summary", ""))

    @property
    def media_type(self) -> str:
        """Of the answer; nothing where it has no body."""
        for status, answer in self.what.get("responses", {}).items():
            if status.startswith("2"):
                return next(iter(answer.get("content", {})), "")
        return ""

    @property
    def is_download(self) -> bool:
        """Whether the answer is a file."""
        return self.media_type not in {"", "application/json", EVENTS}


def operations(document: Document) -> Iterator[Operation]:
    """Yield what a person may call; what is for jobs' own tokens is left out."""
    for path, methods in document.get("paths", {}).items():
        for method in METHODS:
            what = methods.get(method)
            if not what or "." not in what.get("operationId", ""):
                continue
            tag, _, name = what["operationId"].partition(".")
            security = what.get("security", [])
            if tag != "openapi" and (not security or any(PERSON in each for each in security)):
                yield Operation(group=singular(tag), name=name, method=method.upper(), path=path, what=what)


def singular(tag: str) -> str:
    """Return the name of a group: people act on one job, the API lists jobs."""
    return tag[:-1] if tag.endswith("s") and not tag.endswith("ss") else tag


def group_summaries(document: Document) -> dict[str, str]:
    """Return group -> one line of help."""
    names: dict[str, list[Operation]] = {}
    for operation in operations(document):
        names.setdefault(operation.group, []).append(operation)
    return {
        group: found[0].summary if is_lone(found) else ", ".join(sorted(each.name for each in found))
        for group, found in names.items()
    }


def is_lone(found: list[Operation]) -> bool:
    """Tell whether a group is nothing but one look at something."""
    return len(found) == 1 and found[0].name in LONE


def command(document: Document, group: str) -> click.Command | None:
    """Return the command of a group, or None where the document has no such group."""
    found = [operation for operation in operations(document) if operation.group == group]
    if not found:
        return None
    schemas = Schemas(document)
    if is_lone(found):
        return _command(found[0], schemas, name=group)
    commands = {operation.name: _command(operation, schemas, name=operation.name) for operation in found}
    return click.Group(name=group, commands=commands, help=f"What can be done with the platform's {group}s.")


def _command(operation: Operation, schemas: Schemas, *, name: str) -> click.Command:
    from avi_kernel.cli import job_commands  # noqa: PLC0415 - it needs `Operation`
    from avi_kernel.cli.calls import call  # noqa: PLC0415 - as above

    parameters = list(_parameters(operation, schemas))
    special = job_commands.SPECIAL.get(f"{operation.group}.{operation.name}")
    run = special.run if special else call
    if special:
        parameters.append(special.option())
    if operation.is_download:
        parameters.append(click.Option(["-o", "--output"], help="File to write; `-`: standard output."))

    def callback(**given: Any) -> int:
        return run(operation, schemas, given)

    return click.Command(
        name=name,
        params=parameters,
        callback=callback,
        help=f"{operation.summary}.",
        short_help=operation.summary,
    )


def _parameters(operation: Operation, schemas: Schemas) -> Iterator[click.Parameter]:
    for each in operation.what.get("parameters", []):
        yield parameter_of(
            each["name"],
            schemas.plain(each["schema"]),
            required=each["in"] == "path",
            text=each.get("description", ""),
        )
    body = schemas.body_of(operation.what)
    required = set(body.get("required", []))
    asked = {each["name"] for each in operation.what.get("parameters", [])}
    for name, schema in body.get("properties", {}).items():
        if name in asked:  # the address names it already, and `send` puts it into the body too
            continue
        yield parameter_of(name, schemas.plain(schema), required=name in required)
