"""Templates that the platform offers, which one signed in to; those that come with the command where it does not answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avi_kernel.authoring import templates
from avi_kernel.authoring.from_template import Source
from avi_kernel.authoring.problems import AuthoringProblem
from avi_kernel.cli import settings
from avi_kernel.cli.completion import names_in
from avi_kernel.transport import ApiError, NotFound, Transport

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PATIENCE = 5.0


@dataclass(frozen=True, kw_only=True)
class Offered:
    """A template that an AVI can be made of."""

    name: str
    version: str
    summary: str
    address: str
    is_offered: bool = True


def source_of(given: str) -> Source:
    """Return what an AVI is made of that somebody called so: a name, an address, or a folder.

    Raises
    ------
    AuthoringProblem
        It is none of these, or is not offered any more.
    """
    if "://" in given or Path(given).expanduser().is_dir():
        return Source(address=templates.address_of(given))
    known = {one.name: one for one in known_templates()}
    found = known.get(given)
    names = ", ".join(one.name for one in known.values() if one.is_offered)
    if found is None:
        raise AuthoringProblem(
            f"There is no template {given!r}; there are: {names}.", next_step=templates.ACCEPTED
        )
    if not found.is_offered:
        raise AuthoringProblem(
            f"The template {given} is not offered any more; there are: {names}.",
            next_step="What was made of it stays, and `gavip avi update` brings it to its last version.",
        )
    if found.address.startswith("gavip:"):
        return Source(address=templates.address_of(given) if given in templates.packaged() else found.address)
    return Source(address=found.address, version=found.version)


def version_of(address: str) -> str:
    """Return the version of a template to which its AVIs are brought; empty: its newest, where no platform says."""
    plain = address.removeprefix("git+")
    if "://" not in plain:
        return ""
    return next((one.version for one in known_templates() if one.address == plain), "")


def names(ctx: click.Context, param: click.Parameter, typed: str) -> "list[CompletionItem[str]]":
    """Return the names that begin as what was typed."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - as for all that completes

    own = [CompletionItem(name) for name in templates.packaged() if name.startswith(typed)]
    return names_in("/templates")(ctx, param, typed) or own


def known_templates() -> list[Offered]:
    """Return all that the platform tells of, also what it does not offer any more; else those of this command."""
    here = settings.current()
    if here.token:
        transport = Transport(url=here.url, token=here.token, patience=PATIENCE, tries=1)
        try:
            rows = transport.request("GET", "/templates", params={"retired": "true"}).json()
            return [_read(row) for row in rows]
        except NotFound:
            pass  # a platform of an earlier version
        except (ApiError, ValueError, KeyError, TypeError, AttributeError) as error:
            click.echo(
                f"Of {here.url} no templates are known ({error}): here are those of this command.", err=True
            )
        finally:
            transport.close()
    return [
        Offered(
            name=one.name, version=one.version, summary=one.summary, address=templates.address_of(one.name)
        )
        for one in templates.packaged().values()
    ]


def _read(row: dict[str, Any]) -> Offered:
    return Offered(
        name=str(row["name"]),
        version=str(row["version"]),
        summary=str(row["summary"]),
        address=str(row["address"]),
        is_offered=row["state"] == "offered",
    )
