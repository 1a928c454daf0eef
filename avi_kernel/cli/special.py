"""Operations of the API that a command does more with than to call them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from avi_kernel.openapi import Operation, Schemas


@dataclass(frozen=True, kw_only=True)
class Special:
    """An operation that is carried out in a way of its own."""

    run: Callable[[Operation, Schemas, dict[str, Any]], int]
    option: Callable[[], click.Option]


def special_operations() -> dict[str, Special]:
    """Return them by `group.name`."""
    from avi_kernel.cli import image_commands, job_commands  # noqa: PLC0415 - they stand on this

    return {**job_commands.SPECIAL, **image_commands.SPECIAL}
