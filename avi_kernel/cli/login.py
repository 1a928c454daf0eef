"""`gavip login`: get a token with a password, or take one that was made in the portal."""

import socket
import sys
from contextlib import suppress
from urllib.parse import quote

import click

from avi_kernel.cli import exits, git_credential, settings
from avi_kernel.cli.document import api_document
from avi_kernel.cli.settings import Platform
from avi_kernel.transport import ApiError, SignInRequired, Transport, Unavailable, http_client, why_silent

DAYS = 90
_FORBIDDEN = 403


@click.command()
@click.argument("url", required=False)
@click.option("--user", help="Whom to sign in as; asked for when not given.")
@click.option("--token", help="A token made in the portal, instead of a password.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_context
def login(
    ctx: click.Context, url: str | None, user: str | None, token: str | None, *, password_stdin: bool
) -> None:
    """Sign in to the platform at URL and keep a token.

    The token is kept in a file that only you can read, and ends after 90 days. Git asks for it by itself from now on.
    """
    platform = settings.current(url or (ctx.obj or {}).get("url")).url
    with exits.told_plainly():
        if token is None:
            user = user or click.prompt(f"User at {platform}")
            password = _password(from_stdin=password_stdin)
            token = _token_for(platform, str(user), password)
        name = _name_of(platform, token)
    settings.remember(Platform(url=platform, token=token, user=name))
    with suppress(ApiError):  # so that help and completion know its commands from now on
        api_document(platform)
    with_git = git_credential.install(platform)
    click.echo(f"Signed in to {platform} as {name}{', and git with you' if with_git else ''}.")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("Password", hide_input=True))


def _token_for(platform: str, user: str, password: str) -> str:
    import httpx  # noqa: PLC0415 - only for what it raises

    body = {
        "auth": {"username": user, "password": password},
        "note": f"gavip on {socket.gethostname()}",
        "expires_in": DAYS * 86400,
    }
    try:
        with http_client(platform) as client:
            answer = client.post(f"{platform}/hub/api/users/{quote(user, safe='')}/tokens", json=body)
    except httpx.TransportError as error:
        raise Unavailable(f"{platform} does not answer: {why_silent(error)}") from error
    if answer.status_code in {401, _FORBIDDEN, 404}:
        raise SignInRequired(f"{platform} does not know this user and password.")
    if answer.is_error:
        raise Unavailable(f"{platform} answered the sign-in with HTTP {answer.status_code}.")
    return str(answer.json()["token"])


def _name_of(platform: str, token: str) -> str:
    transport = Transport(url=platform, token=token)
    try:
        return str(transport.request("GET", "/me").json()["name"])
    finally:
        transport.close()


@click.command()
@click.argument("url", required=False)
@click.pass_context
def logout(ctx: click.Context, url: str | None) -> None:
    """Forget the token of the platform at URL."""
    platform = settings.current(url or (ctx.obj or {}).get("url")).url
    known = settings.forget(platform)
    git_credential.remove(platform)
    click.echo(f"Forgot the token of {platform}." if known else f"There was no token of {platform}.")
