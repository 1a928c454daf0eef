"""Where a call of a box wants to go, as it says so itself."""

import re

from avi_kernel.box.heads import BadRequest
from avi_kernel.protocol.addresses import is_address
from avi_kernel.protocol.hosts import Destination

_MOST_PORT = 65535
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?")
_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:]+))(?::([0-9]{1,5}))?")


def destination(authority: str, usual_port: int | None) -> Destination:
    """Read `host:port`.

    Parameters
    ----------
    usual_port
        Where none is given; None: one must be.

    Raises
    ------
    BadRequest
        It is malformed.
    """
    found = _AUTHORITY.fullmatch(authority.lower())
    if found is None:
        raise BadRequest(400, "the address of the host is malformed")
    address, name, digits = found.groups()
    host, port = address or name.removesuffix("."), int(digits or usual_port or 0)
    known = is_address(host) if address else _NAME.fullmatch(host)
    if not known or not 0 < port <= _MOST_PORT:
        raise BadRequest(400, "the address of the host is malformed")
    return Destination(host=host, port=port)
