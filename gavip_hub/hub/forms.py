"""The Hub's sign-in form takes what its own page sends, and nothing else."""

from collections.abc import Callable
from typing import Any

from tornado.web import HTTPError


def own_page_only(origin: str) -> Callable[[Any, Any, dict[str, Any]], dict[str, Any]]:
    """Return a `post_auth_hook` that refuses a sign-in which the page of another origin sent.

    The Hub compares a token of the form with a cookie. Before anybody has signed in, both are made of the asker's address
    and browser alone, so that a script that sets cookies for the whole domain could sign its visitor in as somebody else.

    Parameters
    ----------
    origin
        Of the Hub, `scheme://host[:port]`.
    """

    def refuse_from_elsewhere(
        _authenticator: Any, handler: Any, authentication: dict[str, Any]
    ) -> dict[str, Any]:
        headers = handler.request.headers
        if handler.request.method == "POST" and _site(headers, origin) != "same-origin":
            raise HTTPError(403, "This sign-in was not sent by the platform's own page.")
        return authentication

    return refuse_from_elsewhere


def _site(headers: Any, origin: str) -> str:
    """Return where a request comes from; commands tell neither, and carry no cookie."""
    told = "same-origin" if headers.get("Origin", origin) == origin else "cross-site"
    return str(headers.get("Sec-Fetch-Site", told))
