"""What the address of a page carries for an AVI: anybody may have written it."""

from tornado.web import RequestHandler

from avi_kernel.protocol.links import link_values
from gavip_hub.exceptions import BadParameter

START = "start"
"""Asks that the interface be started, where the link carries no parameters."""
_HERE = frozenset({"none", "same-origin"})


def link_of(handler: RequestHandler) -> dict[str, str]:
    """Return name -> text of the parameters that a link carries.

    Raises
    ------
    gavip_hub.exceptions.BadParameter
        It carries what no link may.
    """
    arguments = handler.request.query_arguments
    try:
        return link_values((name, handler.get_query_arguments(name)[-1]) for name in arguments)
    except ValueError as error:
        raise BadParameter(str(error)) from None


def asks_to_start(handler: RequestHandler, values: dict[str, str]) -> bool:
    """Tell whether the address asks that the interface be started."""
    return bool(values) or START in handler.request.query_arguments


def is_foreign(handler: RequestHandler) -> bool:
    """Tell whether another site's page, or none can tell which, led the browser here."""
    return handler.request.headers.get("Sec-Fetch-Site", "cross-site") not in _HERE
