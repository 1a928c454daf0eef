"""The OpenAPI 3.1 document, made from the handlers' own declarations and models."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from tornado.web import RequestHandler
from typing_extensions import override

from avi_kernel.protocol.api import ErrorBody
from avi_kernel.protocol.manifest_schema import manifest_schema_bytes
from gavip_hub import exceptions
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.operations import BYTES, ApiHandler, Operation, operation, operations_of

API = f"{PREFIX}/api"
REFERENCE = "#/components/schemas/{model}"
_PARTS = {
    "avi": r"[A-Za-z0-9._-]{1,100}",  # more than AVIs have: who misnames one is told how it is named
    "version": r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}",
    "id": r"[A-Za-z0-9-]{1,64}",
    "server": r"[a-z][a-z0-9-]{0,29}",
    "upload": r"[0-9a-f]{32}",
    "product": r"[A-Za-z0-9-]{1,64}",
    "share": r"[A-Za-z0-9-]{1,64}",
    "deleted": r"[a-z0-9]{1,32}-[0-9]{3}",
    "template": r"[A-Za-z0-9._-]{1,100}",
    "image": r"[A-Za-z0-9._-]{1,100}",
    "result": r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
}
_MEANINGS = {
    "avi": "Name of the AVI.",
    "version": "Version of the release.",
    "id": "Id of the job.",
    "server": "Name of the server.",
    "upload": "Name of the upload, as it was told when it began.",
    "product": "Id of the product.",
    "share": "Id of the share.",
    "deleted": "Name of the thing in the bin, as the bin's list tells it.",
    "template": "Name of the template.",
    "image": "Name of the image, as avi-python.",
    "result": "Name of the result.",
}
_UNTYPED: dict[str, Any] = {
    "application/json": {"schema": {"type": "object"}},
    "text/event-stream": {"schema": {"type": "string"}},
}
"""Bodies of which no model tells; a file may be anything."""
_PART = re.compile(r"\{(\w+)\}")
Route = tuple[str, type[RequestHandler]]


def routes(handlers: Iterable[type[ApiHandler]]) -> list[Route]:
    """Return tornado's routes of these handlers."""
    return [(API + _PART.sub(_pattern, handler.path), handler) for handler in handlers]


def _pattern(part: re.Match[str]) -> str:
    return f"(?P<{part[1]}>{_PARTS[part[1]]})"


def document(handlers: Sequence[type[ApiHandler]], *, version: str) -> dict[str, Any]:
    """Return the OpenAPI document of these handlers."""
    schemas = _schemas(handlers)
    paths: dict[str, Any] = {}
    for handler in handlers:
        paths[handler.path] = {
            method: _operation(handler.path, what) for method, what in operations_of(handler)
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "GAVIP", "version": version, "license": {"name": "BSD-3-Clause"}},
        "servers": [{"url": API}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "person": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A Hub token of a person or an interface.",
                },
                "job": {"type": "http", "scheme": "bearer", "description": "The token of a job's attempt."},
                "interface": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of an open interface.",
                },
            },
        },
    }


def _schemas(handlers: Iterable[type[ApiHandler]]) -> dict[str, Any]:
    models: dict[type[BaseModel], None] = {ErrorBody: None}
    for handler in handlers:
        for _, what in operations_of(handler):
            models |= dict.fromkeys(filter(None, [what.body, _model_of(what.returns), what.later]))
    modes: list[tuple[type[BaseModel], Literal["validation"]]] = [(model, "validation") for model in models]
    _, made = models_json_schema(modes, ref_template=REFERENCE)
    found: dict[str, Any] = made["$defs"]
    return found


def _model_of(answer: Any) -> type[BaseModel] | None:
    """Return the model in `Model` or `list[Model]`."""
    inner = getattr(answer, "__args__", (answer,))[0]
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def _operation(path: str, what: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": what.id,
        "tags": [what.id.partition(".")[0]],
        "summary": what.summary,
        "parameters": _parameters(path, what),
        "responses": _responses(what),
        "security": _security(what),
    }
    if what.scope:
        described["x-scope"] = what.scope
    if what.body:
        schema = {"$ref": REFERENCE.format(model=what.body.__name__)}
        # None at all is read as an empty one, which says enough where everything has a default.
        is_needed = any(field.is_required() for field in what.body.model_fields.values())
        content = {"application/json": {"schema": schema}}
        described["requestBody"] = {"required": is_needed, "content": content}
    if what.takes_bytes:
        described["requestBody"] = {"required": True, "content": {BYTES: {}}}
    return described


def _security(what: Operation) -> list[dict[str, list[str]]]:
    if what.public:
        return []
    return [{"job" if what.job_token else "interface" if what.interface_token else "person": []}]


def _parameters(path: str, what: Operation) -> list[dict[str, Any]]:
    parts = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _MEANINGS[name],
            "schema": {"type": "string", "pattern": f"^{_PARTS[name]}$"},
        }
        for name in _PART.findall(path)
    ]
    if what.query is None:
        return parts
    schema = what.query.model_json_schema(ref_template=REFERENCE)
    required = schema.get("required", [])
    return parts + [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": of.pop("description", ""),
            "schema": _resolved(of, schema.get("$defs", {})),
        }
        for name, of in schema["properties"].items()
    ]


def _resolved(of: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions in place of references: a query's enumerations are nowhere else."""
    if isinstance(of, dict) and "$ref" in of:
        return definitions[of["$ref"].rpartition("/")[2]]
    if isinstance(of, dict):
        return {key: _resolved(value, definitions) for key, value in of.items()}
    return [_resolved(value, definitions) for value in of] if isinstance(of, list) else of


def _responses(what: Operation) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(what.status).phrase}
    if what.returns is not None:
        answer["content"] = {what.media_type: {"schema": _answer(what.returns)}}
    elif what.status != HTTPStatus.NO_CONTENT:
        answer["content"] = {what.media_type: _UNTYPED.get(what.media_type, {})}
    later = {str(int(HTTPStatus.ACCEPTED)): _later(what.later)} if what.later else {}
    return {str(what.status): answer, **later, **_refusals(what)}


def _later(model: type[BaseModel]) -> dict[str, Any]:
    """Return the answer of a file that is not made yet."""
    seconds = {"description": "Seconds after which to ask again.", "schema": {"type": "integer"}}
    return {
        "description": "It is being made: ask again.",
        "headers": {"Retry-After": seconds},
        "content": {"application/json": {"schema": _answer(model)}},
    }


def _answer(returns: Any) -> dict[str, Any]:
    """Return the schema of `Model` or `list[Model]`."""
    model = _model_of(returns)
    if model is None:
        raise TypeError(f"an operation answers with a model or a list of one, not {returns}")
    reference = {"$ref": REFERENCE.format(model=model.__name__)}
    return reference if model is returns else {"type": "array", "items": reference}


def _refusals(what: Operation) -> dict[str, Any]:
    errors = set(what.errors)
    if not what.public:
        errors.add(exceptions.SignInRequired)
    if what.scope:
        errors.add(exceptions.Forbidden)
    if what.body or what.query:
        errors |= {exceptions.BadRequest, exceptions.BadParameter}
    if what.takes_bytes:
        errors.add(exceptions.BadRequest)
    if what.body or what.takes_bytes:
        errors.add(exceptions.BodyTooLarge)
    by_status: dict[str, list[str]] = {}
    for error in sorted(errors, key=lambda e: (e.status_code, e.error)):
        by_status.setdefault(str(error.status_code), []).append(f"`{error.error}`: {error.__doc__}")
    schema = {"$ref": REFERENCE.format(model="ErrorBody")}
    return {
        status: {"description": "\n".join(lines), "content": {"application/json": {"schema": schema}}}
        for status, lines in by_status.items()
    }


class OpenApi(ApiHandler):
    """The document itself."""

    path = "/openapi.json"

    @override
    @operation(id="openapi.get", summary="This document", public=True, media_type="application/json")
    async def get(self) -> None:
        """Serve the document that `settings` hold, made once at start."""
        await self.send_document(self.settings["openapi"])

    async def send_document(self, text: bytes) -> None:
        """Answer with a document, unless the asker has it already."""
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Etag", f'"{hashlib.sha256(text).hexdigest()}"')
        self.set_header("Cache-Control", "public, no-cache")
        if self.check_etag_header():
            self.set_status(HTTPStatus.NOT_MODIFIED)
            await self.finish()
            return
        await self.finish(text)


class ManifestSchema(OpenApi):
    """The JSON Schema of `avi.toml`, at an address that stays: editors complete and check by it."""

    path = "/avi.schema.json"

    @override
    @operation(
        id="manifest.schema",
        summary="The JSON Schema of avi.toml",
        public=True,
        media_type="application/json",
    )
    async def get(self) -> None:
        """Serve what the models that read a manifest say."""
        await self.send_document(manifest_schema_bytes())


def document_bytes(handlers: Sequence[type[ApiHandler]], *, version: str) -> bytes:
    """Return the document as it is served."""
    return json.dumps(document(handlers, version=version), sort_keys=True).encode()
