"""The command `gavip`: its own commands, those of other packages, and those that the platform's API describes."""

import sys

import click
from typing_extensions import override

from avi_kernel.cli import plugins, settings

_OWN = {
    "login": ("avi_kernel.cli.login:login", "Sign in to a platform and keep a token."),
    "logout": ("avi_kernel.cli.login:logout", "Forget a platform's token."),
}
_HIDDEN = {"git-credential": ("avi_kernel.cli.git_credential:git_credential", "Give git a token.")}
_JOINED = {"avi": "avi_kernel.cli.avi_commands:COMMANDS"}
_JOINED_HELP = {"avi": "Make AVIs, and look at those of a platform."}
_SHORT = {
    "admin": "Look after a platform on this machine.",
    "demo": "Start a platform, run a first job, and keep serving.",
    "dev": "Run an AVI of yours here: interface and jobs.",
    "part": "Keep one part of a platform running, in a container of its own.",
    "quickstart": "Get a working copy of an example AVI, running.",
    "up": "Start a platform on this machine.",
}


class Commands(click.Group):
    """Loads a command only when it is run: help has to be quick."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_OWN, *plugins.commands(), *_JOINED, *_api_groups(ctx)})

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if own := (_OWN | _HIDDEN).get(cmd_name):
            return plugins.load(own[0])
        if target := plugins.commands().get(cmd_name):
            return plugins.load(target)
        if cmd_name in _JOINED:
            return _joined(cmd_name)
        return _api_command(ctx, cmd_name)

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List all commands without loading one."""
        local = {**{name: help_text for name, (_, help_text) in _OWN.items()}}
        local |= {name: _SHORT.get(name, "") for name in plugins.commands()} | _JOINED_HELP
        remote = {name: text for name, text in _api_groups(ctx).items() if name not in local}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(local.items()))
        with formatter.section(f"Commands of {_url(ctx)}"):
            formatter.write_dl(
                sorted(remote.items()) or [("…", "known after the first use, or `gavip login`")]
            )


def _url(ctx: click.Context) -> str:
    return settings.current(ctx.params.get("url")).url


def _api_groups(ctx: click.Context) -> dict[str, str]:
    """Return the names of the API's groups as the cached document has them, with a line of help."""
    document = settings.cached_document(_url(ctx)).get("document")
    if not document:
        return {}
    from avi_kernel.cli import operations  # noqa: PLC0415

    return operations.group_summaries(document)


class Joined(click.Group):
    """Commands of one name on one's own machine, and those that the platform's API has under it."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        theirs = (
            self._theirs(ctx) if settings.cached_document(_url(ctx.find_root())).get("document") else None
        )
        return sorted({*self.commands, *(theirs.list_commands(ctx) if theirs else [])})

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = self.commands.get(cmd_name)
        if own is not None:
            return own
        theirs = self._theirs(ctx)
        return theirs.get_command(ctx, cmd_name) if theirs else None

    def _theirs(self, ctx: click.Context) -> click.Group | None:
        found = _api_command(ctx.find_root(), self.name or "")
        return found if isinstance(found, click.Group) else None


def _joined(name: str) -> click.Group:
    return Joined(name=name, commands=plugins.attribute(_JOINED[name]), help=_JOINED_HELP[name])


def _api_command(ctx: click.Context, name: str) -> click.Command | None:
    from avi_kernel.cli import exits, operations  # noqa: PLC0415
    from avi_kernel.cli.document import api_document  # noqa: PLC0415

    with exits.told_plainly():
        document = api_document(settings.current(ctx.params.get("url")).url)
    return operations.command(document, name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", metavar="URL", help="Of the platform; default: the last signed in to.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs.")
@click.version_option(package_name="avi-kernel", prog_name="gavip")
@click.pass_context
def gavip(ctx: click.Context, url: str | None, *, as_json: bool) -> None:
    """GAVIP: run your code next to the archive."""
    ctx.obj = {"url": url, "json": as_json}


def main() -> None:
    """Run the command; an interruption ends it with status 130."""
    try:
        status = gavip.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
