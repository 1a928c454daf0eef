"""Commands made from a platform's OpenAPI document: `jobs.submit` becomes `gavip job submit`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from avi_kernel.cli.completion import names_of
from avi_kernel.cli.schemas import Schemas, parameter_of

Document = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"
BYTES = "application/octet-stream"
OWN_GROUPS = frozenset({"openapi", "device"})
"""The document itself, asked for before there is any command; and what `gavip login` asks."""
PERSON = "person"
EVENTS = "text/event-stream"
_WORDS = re.compile(r"[^A-Za-z0-9]+")
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

    def is_in(self, document: Document) -> bool:
        """Whether another document has it too."""
        return self.method.lower() in document.get("paths", {}).get(self.path, {})

    @property
    def media_type(self) -> str:
        """Of the answer; nothing where it has no body."""
        for status, answer in self.what.get("responses", {}).items():
            if status.startswith("2"):
                return next(iter(answer.get("content", {})), "")
        return ""

    @property
    def body_type(self) -> str:
        """Media type of the request; nothing where it has no body."""
        content = self.what.get("requestBody", {}).get("content", {})
        return JSON if JSON in content else next(iter(content), "")

    @property
    def is_upload(self) -> bool:
        """Whether the request is a file."""
        return self.body_type == BYTES

    @property
    def is_download(self) -> bool:
        """Whether the answer is a file."""
        return self.media_type not in {"", JSON, EVENTS}


def operations(document: Document) -> Iterator[Operation]:
    """Yield what a person may call and this command can; what is for jobs' own tokens is left out."""
    return (operation for operation in _for_people(document) if not _is_beyond(operation))


def beyond_us(document: Document) -> list[str]:
    """Return the operations that need what this command does not know, as `job paint`."""
    return [f"{one.group} {one.name}" for one in _for_people(document) if _is_beyond(one)]


def _for_people(document: Document) -> Iterator[Operation]:
    for path, methods in document.get("paths", {}).items():
        for method in METHODS:
            what = methods.get(method)
            if what is None or not _is_for_people(what, document):
                continue
            group, name = _names(method, path, what)
            if group not in OWN_GROUPS:
                yield Operation(group=group, name=name, method=method.upper(), path=path, what=what)


def _is_for_people(what: dict[str, Any], document: Document) -> bool:
    security = what.get("security", document.get("security", []))
    return not security or any(not each or PERSON in each for each in security)


def _names(method: str, path: str, what: dict[str, Any]) -> tuple[str, str]:
    """Return group and name: of `jobs.submit`, or of a tag and any other name."""
    tag, dot, name = str(what.get("operationId") or f"{method}-{_WORDS.sub('-', path).strip('-')}").partition(
        "."
    )
    if not dot:
        tag, name = next(iter(what.get("tags", [])), "api"), tag
    return singular(_WORDS.sub("-", tag).lower()), _WORDS.sub("-", name).lower()


def _is_beyond(operation: Operation) -> bool:
    """Tell whether an operation needs a header, or a body that is neither JSON nor a file."""
    headers = any(
        each.get("required") and each["in"] not in {"path", "query"}
        for each in operation.what.get("parameters", [])
    )
    return headers or (operation.body_type not in {"", JSON} and not operation.is_upload)


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
    if operation.is_upload:
        parameters.append(
            click.Argument(["input"], type=click.File("rb"), help="File to send; `-`: standard input.")
        )
    if operation.is_download:
        target = click.Path(dir_okay=False, allow_dash=True)
        parameters.append(
            click.Option(["-o", "--output"], type=target, help="File to write; `-`: standard output.")
        )

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
        if each["in"] not in {"path", "query"}:
            continue
        yield parameter_of(
            each["name"],
            schemas.plain(each.get("schema", {})),
            required=bool(each.get("required")),
            text=each.get("description", ""),
            completes=names_of(schemas.document, each["name"]),
        )
    body = schemas.body_of(operation.what)
    required = set(body.get("required", []))
    asked = {each["name"] for each in operation.what.get("parameters", [])}
    for name, schema in body.get("properties", {}).items():
        if name in asked:  # the address names it already, and `send` puts it into the body too
            continue
        completes = names_of(schemas.document, name)
        yield parameter_of(name, schemas.plain(schema), required=name in required, completes=completes)
