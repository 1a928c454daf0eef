"""`gavip login`: get a token with a password, or take one that was made in the portal."""

import socket
import sys
from contextlib import suppress
from urllib.parse import quote

import click

from avi_kernel.cli import exits, git_credential, settings
from avi_kernel.cli.device_login import device_token
from avi_kernel.cli.document import api_document
from avi_kernel.cli.settings import Platform
from avi_kernel.transport import ApiError, SignInRequired, Transport, Unavailable, http_client, why_silent

DAYS = 90
_FORBIDDEN = 403


@click.command()
@click.argument("url", required=False, help="Of the platform; default: the last signed in to.")
@click.option("--user", help="Whom to sign in as; asked for when not given.")
@click.option("--token", help="A token made in the portal, instead of a password.")
@click.option("--device", is_flag=True, help="Say yes in a browser on any machine, by a code shown here.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_context
def login(
    ctx: click.Context,
    url: str | None,
    user: str | None,
    token: str | None,
    *,
    device: bool,
    password_stdin: bool,
) -> None:
    """Sign in to the platform at URL and keep a token.

    The token ends after 90 days. It is kept in your system's keyring where the Python package keyring finds one, and else
    in a file that only you can read. Git asks for it by itself from now on.
    """
    platform = settings.address(url or (ctx.obj or {}).get("url"))
    if device and (user or token or password_stdin):
        raise click.UsageError("--device needs neither a user nor a token: you say yes in the browser.")
    with exits.told_plainly():
        if device:
            token = device_token(platform)
        if token is None:
            user = user or click.prompt(f"User at {platform}")
            password = _password(from_stdin=password_stdin)
            token = _token_for(platform, str(user), password)
        name = _name_of(platform, token)
    in_keyring = settings.remember(Platform(url=platform, token=token, user=name))
    with suppress(ApiError):  # so that help and completion know its commands from now on
        api_document(platform)
    with_git = git_credential.install(platform)
    git_too = ", and git with you" if with_git else ""
    kept = "your system's keyring" if in_keyring else f"{settings.config_file()}, readable by you alone"
    click.echo(f"Signed in to {platform} as {name}{git_too}. The token is in {kept}.")


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
@click.argument("url", required=False, help="Of the platform; default: the last signed in to.")
@click.pass_context
def logout(ctx: click.Context, url: str | None) -> None:
    """Forget the token of the platform at URL."""
    platform = settings.address(url or (ctx.obj or {}).get("url"))
    known = settings.forget(platform)
    git_credential.remove(platform)
    click.echo(f"Forgot the token of {platform}." if known else f"There was no token of {platform}.")
