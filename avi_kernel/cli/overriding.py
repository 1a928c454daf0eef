"""`override` for the modules that help loads: `typing_extensions` takes a tenth of the command's start."""

from typing import TYPE_CHECKING, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from typing_extensions import override as override  # noqa: PLC0414 - so that importers may import it
else:

    def override(method: T) -> T:
        """Mark a method that stands in place of another."""
        return method
