"""Where an outside address really leads: looked up once, checked, and held to, so that no name leads into the platform."""

import socket
from collections.abc import Callable
from dataclasses import dataclass

from avi_kernel.protocol.addresses import Reach, reach_of
from gavip_hub.domain.outside import OutsideUrl
from gavip_hub.exceptions import BadRequest

MOST_ADDRESSES = 8
Resolver = Callable[[str, int], list[str]]


@dataclass(frozen=True, kw_only=True)
class Way:
    """An outside address with where it leads."""

    url: OutsideUrl
    addresses: tuple[str, ...]

    @property
    def pin(self) -> str:
        """Return what curl is told, so that it looks nothing up: `host:port:address,address`."""
        shown = (f"[{address}]" if ":" in address else address for address in self.addresses)
        return f"{self.url.host}:{self.url.port}:{','.join(shown)}"


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a name."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def way_to(url: OutsideUrl, *, resolver: Resolver = resolved) -> Way:
    """Look an outside address up.

    Raises
    ------
    BadRequest
        It leads nowhere, or to this machine or a private network; one such address among others is enough.
    """
    try:
        addresses = list(dict.fromkeys(resolver(url.host, url.port)))
    except (OSError, UnicodeError):
        raise BadRequest(f"There is no host {url.host}: check the address.", field="url") from None
    reaches = {reach_of(address) for address in addresses}
    allowed = {Reach.PUBLIC, Reach.INNER} if url.is_inner else {Reach.PUBLIC}
    if not addresses or not reaches <= allowed:
        raise BadRequest(
            f"{url.host} leads to a network that is not open to all; an address of the internet is taken, "
            "or one that your operator has allowed (`inner_git_hosts`).",
            field="url",
        )
    return Way(url=url, addresses=tuple(addresses[:MOST_ADDRESSES]))
