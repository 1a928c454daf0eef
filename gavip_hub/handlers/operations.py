"""One declaration an operation: scope, request and answer, checked and documented alike."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from gavip_hub.exceptions import BadParameter, BadRequest, GavipError
from gavip_hub.handlers.base import BaseHandler

METHODS = ("get", "post", "delete")
JSON = "application/json"
BYTES = "application/octet-stream"
Method = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What one method of one path does."""

    id: str
    """`jobs.submit`; the command line makes `gavip job submit` of it."""
    summary: str
    scope: str | None = None
    public: bool = False
    """Whether it answers without sign-in."""
    job_token: bool = False
    """Whether it takes a job's token instead of a person's."""
    interface_token: bool = False
    """Whether it is for the programs of open interfaces, and for no person."""
    body: type[BaseModel] | None = None
    takes_bytes: bool = False
    """Whether the body is a piece of a file, of 4 MB at most."""
    query: type[BaseModel] | None = None
    returns: Any = None
    """Type of the answer's body; None where there is none, or where it is a file."""
    media_type: str = "application/json"
    later: type[BaseModel] | None = None
    """What 202 answers while a file is being made: who asks again, after the seconds of `Retry-After`, gets it."""
    status: int = 200
    errors: tuple[type[GavipError], ...] = ()


class ApiHandler(BaseHandler):
    """The operations of one path."""

    path: ClassVar[str]
    """Below `/services/gavip/api`, with `{name}` for its parts."""


def operation(**declared: Any) -> Callable[[Method], Method]:
    """Declare a method of an `ApiHandler`.

    It is called with the path's parts, `query` and `body` as keyword arguments.
    """
    what = Operation(**declared)

    def decorate(method: Method) -> Method:
        @wraps(method)
        async def answer(self: ApiHandler, **parts: Any) -> None:
            if not (what.public or what.job_token):
                self.require(what.scope)
            if what.query:
                parts["query"] = _query(self, what.query)
            if what.body:
                parts["body"] = _body(self, what.body)
            if what.takes_bytes:
                parts["content"] = _content(self)
            self.set_status(what.status)  # before: the method may know better
            found = await method(self, **parts)
            _render(self, what, found)

        answer.__dict__["operation"] = what
        return answer

    return decorate


def operations_of(handler: type[ApiHandler]) -> Iterator[tuple[str, Operation]]:
    """Yield the HTTP methods of a handler with their declarations."""
    for name in METHODS:
        found = getattr(getattr(handler, name, None), "operation", None)
        if isinstance(found, Operation):
            yield name, found


def _query(handler: ApiHandler, model: type[BaseModel]) -> BaseModel:
    given = {name: handler.get_query_argument(name, strip=False) for name in handler.request.query_arguments}
    return validated(model, lambda: model.model_validate(given))


def _content(handler: ApiHandler) -> bytes:
    _require_type(handler, BYTES)
    return bytes(handler.request.body or b"")


def _body(handler: ApiHandler, model: type[BaseModel]) -> BaseModel:
    _require_type(handler, JSON)
    try:
        given = json.loads(handler.request.body or b"{}")
    except (ValueError, RecursionError):
        raise BadRequest("The body is not valid JSON.") from None
    return validated(model, lambda: model.model_validate(given))


def _require_type(handler: ApiHandler, wanted: str) -> None:
    kind = handler.request.headers.get("Content-Type", wanted).partition(";")[0].strip().lower()
    # A form of another site can send any text, but not with these content types unless we allow its origin.
    if kind != wanted:
        raise BadRequest(f"The body must be {wanted}; got {kind[:60]!r}.")


def validated(model: type[BaseModel], validate: Callable[[], BaseModel]) -> BaseModel:
    """Return what was sent as its model.

    Raises
    ------
    BadParameter
        It is none; the message says what would be.
    """
    try:
        return validate()
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"])) or None
        message = str(first["msg"])
        if first["type"] == "extra_forbidden":
            message = f"Unknown field; accepted: {', '.join(model.model_fields)}."
        raise BadParameter(f"{field}: {message}" if field else message, field=field) from None


def _render(handler: ApiHandler, what: Operation, found: Any) -> None:
    if handler._finished:  # noqa: SLF001 - tornado has no other way to ask
        return
    if what.returns is None:
        handler.finish()
        return
    handler.set_header("Content-Type", "application/json; charset=utf-8")
    handler.finish(TypeAdapter(what.returns).dump_json(found))
