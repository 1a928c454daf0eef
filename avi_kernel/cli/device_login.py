"""`gavip login --device`: the user says yes in a browser elsewhere, by a code that is shown here."""

import re
import socket
import time

import click

from avi_kernel.cli import exits
from avi_kernel.transport import BadRequest, NotFound, Transport, Unavailable

_CODE = re.compile(r"[A-Z0-9-]{4,20}")
_LONGEST_WAIT = 1800
_SHORTEST_PAUSE = 1
_SLOWER = 5


def device_token(url: str) -> str:
    """Return a token for this command, once its user has allowed it.

    Raises
    ------
    exits.Stop
        The user said no, or nothing for ten minutes; or the platform cannot do that.
    """
    transport = Transport(url=url, token=None)
    try:
        begun = _begun(transport, url)
        _show(begun)
        return _waited(transport, begun)
    finally:
        transport.close()


def _begun(transport: Transport, url: str) -> dict[str, str]:
    try:
        answer = transport.request("POST", "/device", json={"note": socket.gethostname()[:60]})
    except NotFound as error:
        raise exits.Stop(
            f"{url} signs in no commands by a browser: it is older than this command.",
            code=exits.SIGN_IN,
            next_step="Sign in by password, or give --token a token of its page.",
        ) from error
    begun: dict[str, str] = answer.json()
    return begun


def _show(begun: dict[str, str]) -> None:
    code, page = str(begun["user_code"]), str(begun["verification_uri"])
    if not _CODE.fullmatch(code) or not page.isprintable():
        raise Unavailable("The platform's answer is none that can be shown.")
    click.echo(f"Open {page} in any browser, sign in, and type\n\n    {code}\n")
    click.echo("Waiting for your word there; Ctrl-C ends it.", err=True)


def _waited(transport: Transport, begun: dict[str, str]) -> str:
    """Ask until the user has answered."""
    pause = max(_SHORTEST_PAUSE, int(begun["interval"]))
    left = min(_LONGEST_WAIT, int(begun["expires_in"]))
    while left > 0:
        time.sleep(pause)
        left -= pause
        try:
            answer = transport.request("POST", "/device/token", json={"device_code": begun["device_code"]})
            return str(answer.json()["token"])
        except Unavailable:
            continue  # a restart of the platform may be all that it is
        except BadRequest as error:
            pause += _pause_more(error)
    raise exits.Stop(
        "Nobody allowed it in time.", code=exits.SIGN_IN, next_step="Run gavip login --device again."
    )


def _pause_more(error: BadRequest) -> int:
    """Return how much longer to wait between questions from now on; end where there is nothing to wait for."""
    if error.code == "authorization_pending":
        return 0
    if error.code == "slow_down":
        return _SLOWER
    if error.code == "access_denied":
        raise exits.Stop("You refused it in the browser.", code=exits.SIGN_IN) from error
    raise exits.Stop(str(error), code=exits.SIGN_IN, next_step="Run gavip login --device again.") from error
