"""What is wrong with an AVI's folder, in words that name file and key."""

from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError


class FolderProblem(ValueError):
    """An AVI's folder cannot become a release."""

    def __init__(
        self,
        file: str,
        message: str,
        *,
        key: str = "",
        place: tuple[str | int, ...] = (),
        line: int | None = None,
    ) -> None:
        where = f"{file}, line {line}" if line else file
        super().__init__(f"{where}: {key}: {message}" if key else f"{where}: {message}")
        self.file = file
        self.message = message
        self.key = key
        self.place = place or tuple(filter(None, key.split(".")))
        """The key's parts: names of tables, numbers in lists."""


def problem_of(
    file: str, error: ValidationError, model: type[BaseModel], *, within: str = ""
) -> FolderProblem:
    """Return the first complaint of pydantic in words that name the key and what would be accepted."""
    first = error.errors(include_url=False)[0]
    place = tuple(part for part in first["loc"] if part != "[key]")
    key = ".".join(filter(None, [within, *map(str, place)]))
    whole = (*filter(None, within.split(".")), *place)
    if first["type"] != "extra_forbidden":
        return FolderProblem(file, _sentence(str(first["msg"])), key=key, place=whole)
    accepted = ", ".join(_accepted(model, place[:-1])) or "none"
    return FolderProblem(file, f"unknown key; accepted here: {accepted}", key=key, place=whole)


def _sentence(message: str) -> str:
    """Pydantic puts `Value error, ` before the words of a validator of ours."""
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _accepted(model: Any, place: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the table at a place in a manifest."""
    found = _model_in(model)
    for part in place:
        if found is None:
            return []
        annotation = found.model_fields[part].annotation if part in found.model_fields else None
        found = _model_in(annotation) if annotation is not None else found
    return list(found.model_fields) if found else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside `list[Model]`, `dict[str, Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {list, dict, tuple, Union, UnionType}:
        return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
    return None
