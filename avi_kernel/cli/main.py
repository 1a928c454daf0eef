"""The command `gavip`: its own commands, and what other packages add by the entry points `gavip.commands`."""

from importlib.metadata import entry_points

import click


class LazyCommands(click.Group):
    """A group that imports a command only when it is run or its help is shown."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(
            {*super().list_commands(ctx), *(entry.name for entry in entry_points(group="gavip.commands"))}
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command of this group, loaded now where it comes from an entry point."""
        if own := super().get_command(ctx, cmd_name):
            return own
        for entry in entry_points(group="gavip.commands", name=cmd_name):
            command: click.Command = entry.load()
            return command
        return None


@click.group(cls=LazyCommands)
def main() -> None:
    """GAVIP: run your code next to the archive."""
