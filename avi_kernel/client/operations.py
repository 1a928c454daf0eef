"""All operations of a platform as methods, made from its own OpenAPI document: `api.jobs.list(limit=5)`."""

import inspect
from collections.abc import Iterator, Mapping
from keyword import iskeyword
from pathlib import Path
from typing import Any
from urllib.parse import quote

from typing_extensions import override

from avi_kernel.downloads import Download, content
from avi_kernel.openapi import EVENTS, JSON, Document, Operation, Schemas, operations
from avi_kernel.transport import Transport

_NO_CONTENT = 204
_CONTENT = "content"
_TO = "to"
_TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}


class Api:
    """The operations of a platform, in groups as its document has them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        document: Document = transport.request("GET", "/openapi.json").json()
        schemas = Schemas(document)
        self._groups: dict[str, Group] = {}
        for operation in operations(document):
            group = self._groups.setdefault(_plain(operation.tag), Group(operation.tag))
            setattr(group, _plain(operation.name), Call(transport, operation, schemas))

    def __getattr__(self, name: str) -> "Group":
        """Return a group."""
        if name.startswith("_") or name not in self._groups:
            raise AttributeError(
                f"This platform offers no {name}; it has: {', '.join(sorted(self._groups))}."
            )
        return self._groups[name]

    @override
    def __dir__(self) -> list[str]:
        return sorted(self._groups)


class Group:
    """The operations on one kind of thing."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> "Call":
        """Say what there is, where something is not."""
        raise AttributeError(
            f"There is no {self._name}.{name}; there are: {', '.join(sorted(vars(self))[1:])}."
        )

    @override
    def __repr__(self) -> str:
        return f"<{self._name}: {', '.join(name for name in vars(self) if name != '_name')}>"


class Call:
    """One operation; called with keyword arguments, what its address names may come first and without a keyword.

    It returns what the platform answers: lists and dictionaries; of a file its bytes, or the path where it was saved
    (`to=`); of a stream an iterator of bytes; nothing where there is nothing to tell.
    """

    def __init__(self, transport: Transport, operation: Operation, schemas: Schemas) -> None:
        self._transport = transport
        self._operation = operation
        self._body = schemas.body_of(operation.what)
        self._described = list(_parameters(operation, self._body, schemas))
        self.__name__ = _plain(operation.name)
        self.__doc__ = _doc(operation, self._described)
        self.__signature__ = inspect.Signature([parameter for parameter, _ in self._described])

    def __call__(self, *positional: Any, **given: Any) -> Any:
        """Carry it out.

        Raises
        ------
        TypeError
            An argument is unknown, or missing; before anything is sent.
        avi_kernel.transport.ApiError
            The platform refused, or does not answer.
        """
        values = dict(self.__signature__.bind(*positional, **given).arguments)
        if self._operation.media_type == EVENTS:
            return self._stream(values)
        if self._operation.is_download:
            return self._downloaded(values)
        is_json = self._operation.body_type == JSON
        answer = self._transport.request(
            self._operation.method,
            self._path(values),
            params=self._query(values),
            json={name: values[name] for name in self._body.get("properties", {}) if name in values}
            if is_json
            else None,
            content=values.get(_CONTENT) if self._operation.is_upload else None,
            headers={"Content-Type": self._operation.body_type} if self._operation.is_upload else None,
        )
        return None if answer.status_code == _NO_CONTENT else answer.json()

    def _stream(self, values: Mapping[str, Any]) -> Iterator[bytes]:
        with self._transport.stream(self._path(values), params=self._query(values), silence=None) as pieces:
            yield from pieces

    def _downloaded(self, values: Mapping[str, Any]) -> Path | bytes:
        path, query = self._path(values), self._query(values)
        if not values.get(_TO):
            return content(self._transport, path, params=query)
        target = Path(values[_TO])
        return Download(self._transport, path, target, params=query).save()

    def _path(self, values: Mapping[str, Any]) -> str:
        names = self._names("path")
        return self._operation.path.format(**{name: quote(str(values[name]), safe="") for name in names})

    def _query(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: values[name] for name in self._names("query") if values.get(name) is not None}

    def _names(self, place: str) -> list[str]:
        return [each["name"] for each in self._operation.what.get("parameters", []) if each["in"] == place]


def _parameters(
    operation: Operation, body: dict[str, Any], schemas: Schemas
) -> Iterator[tuple[inspect.Parameter, str]]:
    """Yield the arguments of a call with their meanings: what its address names, what must be said, the rest."""
    asked = [
        (each["name"], schemas.plain(each.get("schema", {})), bool(each.get("required")), each)
        for each in operation.what.get("parameters", [])
        if each["in"] in {"path", "query"}
    ]
    needed = set(body.get("required", []))
    asked += [
        (name, schemas.plain(schema), name in needed, schema)
        for name, schema in body.get("properties", {}).items()
    ]
    if operation.is_upload:
        asked.append((_CONTENT, {"description": "Bytes to send."}, True, {}))
    if operation.is_download:
        asked.append((_TO, {"description": "File to save it as."}, False, {}))
    in_path = [each["name"] for each in operation.what.get("parameters", []) if each["in"] == "path"]
    seen: set[str] = set()
    for name, schema, required, outer in sorted(asked, key=lambda one: (one[0] not in in_path, not one[2])):
        if name in seen or not name.isidentifier() or iskeyword(name):
            continue
        seen.add(name)
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if name in in_path else inspect.Parameter.KEYWORD_ONLY
        default = inspect.Parameter.empty if required else schema.get("default")
        hint = _TYPES.get(str(schema.get("type")), inspect.Parameter.empty)
        text = str(outer.get("description") or schema.get("description") or "")
        yield inspect.Parameter(name, kind, default=default, annotation=hint), text


def _doc(operation: Operation, described: list[tuple[inspect.Parameter, str]]) -> str:
    lines = [f"{operation.summary}.", ""]
    if described:
        lines += ["Parameters", "----------"]
    for parameter, text in described:
        lines += [parameter.name, f"    {text}"]
    return "\n".join(lines)


def _plain(name: str) -> str:
    """Return a name of the document as Python's."""
    plain = name.replace("-", "_")
    return f"{plain}_" if iskeyword(plain) else plain
