"""Commands that a platform's API document gives, beside those of one's own machine under the same name."""

from contextlib import suppress
from typing import Any

import click

from avi_kernel.cli import settings
from avi_kernel.cli.overriding import override


def url_of(ctx: click.Context) -> str:
    """Return the address of the platform that a command line talks to."""
    return settings.address(ctx.find_root().params.get("url"))


def kept_document(ctx: click.Context) -> dict[str, Any]:
    """Return the document as it was when it was asked for last; nothing where it never was."""
    document = settings.cached_document(url_of(ctx)).get("document")
    return document if isinstance(document, dict) else {}


def summaries(ctx: click.Context) -> dict[str, str]:
    """Return group -> one line of help, as the kept document has them."""
    return settings.cached_groups(url_of(ctx))


def command(ctx: click.Context, name: str) -> click.Command | None:
    """Return the command or group of a name; None where the platform has none."""
    found = _found(name, document(ctx))
    if found is None and ctx.resilient_parsing:
        return click.Group(name=name)  # of which nothing is known, so that nothing is offered after it
    return found or _found(name, _new_document(ctx))


def document(ctx: click.Context) -> dict[str, Any]:
    """Return the platform's document; while a shell completes, nobody waits for the network."""
    if ctx.resilient_parsing:
        return kept_document(ctx)
    from avi_kernel.cli import exits  # noqa: PLC0415 - only where it is asked for
    from avi_kernel.cli.document import api_document  # noqa: PLC0415 - as above

    with exits.told_plainly():
        return api_document(url_of(ctx))


def _new_document(ctx: click.Context) -> dict[str, Any]:
    """Return the document as it is now: the platform may have learned a command a minute ago."""
    from avi_kernel.cli.document import renewed  # noqa: PLC0415 - as above
    from avi_kernel.transport import ApiError  # noqa: PLC0415 - as above

    with suppress(ApiError):
        return renewed(url_of(ctx))
    return {}


def _found(name: str, document: dict[str, Any]) -> click.Command | None:
    from avi_kernel.cli import operations  # noqa: PLC0415 - as above

    made = operations.command(document, name)
    return Joined(name=name, commands={}, help=made.help) if isinstance(made, click.Group) else made


class Joined(click.Group):
    """Commands of one name on one's own machine, and those that the platform's API has under it."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of its commands, here and as the kept document has them."""
        return sorted({*self.commands, *self._theirs(kept_document(ctx))})

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one of its commands; what the kept document does not have may be new."""
        if own := self.commands.get(cmd_name):
            return own
        found = self._theirs(document(ctx)).get(cmd_name)
        if found is None and not ctx.resilient_parsing:
            found = self._theirs(_new_document(ctx)).get(cmd_name)
        return found

    def _theirs(self, document: dict[str, Any]) -> dict[str, click.Command]:
        from avi_kernel.cli import operations  # noqa: PLC0415 - as above

        made = operations.command(document, self.name or "")
        if isinstance(made, click.Group):
            return dict(made.commands)
        return {made.name or "": made} if made else {}
