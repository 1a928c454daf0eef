"""Values of the command line."""

import click


def key_values(given: tuple[str, ...]) -> dict[str, str]:
    """Return `NAME=VALUE` arguments as a dictionary."""
    pairs = {}
    for argument in given:
        name, separator, value = argument.partition("=")
        if not separator or not name:
            raise click.UsageError(f"A parameter is NAME=VALUE; got {argument!r}.")
        pairs[name] = value
    return pairs
