"""A platform's OpenAPI document, as the command and the Python client read it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"
BYTES = "application/octet-stream"
OWN_GROUPS = frozenset({"openapi", "device"})
"""The document itself, asked for before there is any command; and what `gavip login` asks."""
PERSON = "person"
EVENTS = "text/event-stream"
Schema = dict[str, Any]
_REFERENCE = "#/components/schemas/"
_WORDS = re.compile(r"[^A-Za-z0-9]+")
LONE = frozenset({"get", "list"})
"""An operation of such a name that is alone in its group is the group: `gavip me`."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the document."""

    tag: str
    """As the document has it: `jobs`."""
    name: str
    method: str
    path: str
    what: dict[str, Any]

    @property
    def group(self) -> str:
        """Its group among commands: people act on one job, the API lists jobs."""
        return singular(self.tag)

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
            tag, name = _names(method, path, what)
            if tag not in OWN_GROUPS:
                yield Operation(tag=tag, name=name, method=method.upper(), path=path, what=what)


def _is_for_people(what: dict[str, Any], document: Document) -> bool:
    security = what.get("security", document.get("security", []))
    return not security or any(not each or PERSON in each for each in security)


def _names(method: str, path: str, what: dict[str, Any]) -> tuple[str, str]:
    """Return tag and name: of `jobs.submit`, or of a tag and any other name."""
    tag, dot, name = str(what.get("operationId") or f"{method}-{_WORDS.sub('-', path).strip('-')}").partition(
        "."
    )
    if not dot:
        tag, name = next(iter(what.get("tags", [])), "api"), tag
    return _WORDS.sub("-", tag).lower(), _WORDS.sub("-", name).lower()


def _is_beyond(operation: Operation) -> bool:
    """Tell whether an operation needs a header, or a body that is neither JSON nor a file."""
    headers = any(
        each.get("required") and each["in"] not in {"path", "query"}
        for each in operation.what.get("parameters", [])
    )
    return headers or (operation.body_type not in {"", JSON} and not operation.is_upload)


def singular(tag: str) -> str:
    """Return a tag as the name of a group."""
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


class Schemas:
    """Looks things up in an OpenAPI document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._schemas: dict[str, Schema] = document.get("components", {}).get("schemas", {})

    def plain(self, schema: Schema) -> Schema:
        """Return a schema with its reference followed, and `or null` taken away."""
        if "$ref" in schema:
            referred = self.plain(self._schemas.get(schema["$ref"].removeprefix(_REFERENCE), {}))
            return {**referred, **{key: value for key, value in schema.items() if key != "$ref"}}
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self.plain({**schema["allOf"][0], **{k: v for k, v in schema.items() if k != "allOf"}})
        if "anyOf" in schema:
            kept = [each for each in schema["anyOf"] if each.get("type") != "null"]
            outer = {key: value for key, value in schema.items() if key != "anyOf"}
            return {**outer, **self.plain(kept[0])} if len(kept) == 1 else outer
        return schema

    def body_of(self, what: dict[str, Any]) -> Schema:
        """Return the schema of an operation's body."""
        content = what.get("requestBody", {}).get("content", {})
        return self.plain(content.get(JSON, {}).get("schema", {}))

    def answer_model(self, what: dict[str, Any]) -> str:
        """Return the name of the model that an operation answers with, also of those in a list; or nothing."""
        for status, answer in what.get("responses", {}).items():
            if status.startswith("2"):
                schema = answer.get("content", {}).get(JSON, {}).get("schema", {})
                reference = schema.get("$ref") or schema.get("items", {}).get("$ref", "")
                return str(reference.removeprefix(_REFERENCE))
        return ""
