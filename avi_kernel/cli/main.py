"""The command `gavip`: its own commands, those of other packages, and those that the platform's API describes."""

import sys
from typing import TYPE_CHECKING

import click

from avi_kernel.cli import plugins, remote
from avi_kernel.cli.overriding import override

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_OWN = {
    "completion": ("avi_kernel.cli.completion:completion", "Print what makes a shell complete by Tab."),
    "login": ("avi_kernel.cli.login:login", "Sign in to a platform and keep a token."),
    "logout": ("avi_kernel.cli.login:logout", "Forget a platform's token."),
}
_HIDDEN = {"git-credential": ("avi_kernel.cli.git_credential:git_credential", "Give git a token.")}
_JOINED = {
    "avi": "avi_kernel.cli.avi_commands:COMMANDS",
    "data": "avi_kernel.cli.data_commands:COMMANDS",
}
_JOINED_HELP = {
    "avi": "Make AVIs, and look at those of a platform.",
    "data": "Copy files to and from your space on a platform.",
}
_SHORT = {
    "admin": "Look after a platform on this machine.",
    "demo": "Start a platform, run a first job, and keep serving.",
    "dev": "Run an AVI of yours here: interface and jobs.",
    "part": "Keep one part of a platform running, in a container of its own.",
    "quickstart": "Get a working copy of an example AVI, running.",
    "up": "Start a platform on this machine.",
}


class Commands(click.Group):
    """Loads a command only when it is run: help and completion have to be quick."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands that are known."""
        return sorted({**_local(), **remote.summaries(ctx)})

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if own := (_OWN | _HIDDEN).get(cmd_name):
            return plugins.load(own[0])
        if target := plugins.commands().get(cmd_name):
            return _with_theirs(ctx, plugins.load(target))
        if cmd_name in _JOINED:
            commands = plugins.attribute(_JOINED[cmd_name])
            return remote.Joined(name=cmd_name, commands=commands, help=_JOINED_HELP[cmd_name])
        return remote.command(ctx, cmd_name)

    @override
    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem[str]]":
        """Complete the names of commands without loading one."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - help does without

        known = sorted({**remote.summaries(ctx), **_local()}.items())
        found = [CompletionItem(name, help=text) for name, text in known if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)  # not Group's, which loads all

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List all commands without loading one."""
        local = _local()
        theirs = {name: text for name, text in remote.summaries(ctx).items() if name not in local}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(local.items()))
        with formatter.section(f"Commands of {remote.url_of(ctx)}"):
            formatter.write_dl(
                sorted(theirs.items()) or [("…", "known after the first use, or `gavip login`")]
            )


def _local() -> dict[str, str]:
    """Return command -> one line of help, of what is installed here."""
    own = {name: text for name, (_, text) in _OWN.items()}
    return own | {name: _SHORT.get(name, "") for name in plugins.commands()} | _JOINED_HELP


def _with_theirs(ctx: click.Context, found: click.Command) -> click.Command:
    """Return an installed group with what the platform's API has under its name."""
    if not isinstance(found, click.Group) or found.name not in remote.summaries(ctx):
        return found
    return remote.Joined(
        name=found.name,
        commands=found.commands,
        params=found.params,
        callback=found.callback,
        help=found.help,
    )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", metavar="URL", is_eager=True, help="Of the platform; default: the last signed in to.")
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
