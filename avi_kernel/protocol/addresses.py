"""What kind of place an address leads to: the open internet, the operator's own network, or where no box may go."""

import ipaddress
from enum import Enum

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(Enum):
    """Who may reach an address."""

    PUBLIC = "public"
    INNER = "inner"  # this machine and private networks: where the operator says so
    NEVER = "never"


def _networks(*texts: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text) for text in texts]


_INNER = _networks(
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7"
)  # fmt: skip
# Clouds tell a machine its own secrets at these: Amazon, Google, Alibaba, Azure. The others are link-local.
_METADATA = _networks("fd00:ec2::254/128", "fd20:ce::254/128", "100.100.100.200/32", "168.63.129.16/32")
# Given to protocols, or leading to another address that is written inside them: Teredo, 6to4, documentation.
_SPECIAL = _networks("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def reach_of(text: str) -> Reach:
    """Return who may reach an address; what is doubtful nobody may."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if address in _NAT64:
        inside = reach_of(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
        return Reach.PUBLIC if inside is Reach.PUBLIC else Reach.NEVER
    if _within(address, _METADATA):
        return Reach.NEVER
    if _within(address, _INNER):
        return Reach.INNER
    return Reach.PUBLIC if _is_public(address) else Reach.NEVER


def is_address(text: str) -> bool:
    """Tell whether a text is an address and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(text: str) -> bool:
    """Tell whether an address is this machine's own."""
    return ipaddress.ip_address(text.partition("%")[0]).is_loopback


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not _within(address, _SPECIAL)


def _within(address: Address, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    return any(address in network for network in networks)
