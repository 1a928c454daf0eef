"""What every container is told of the world around it, and which hosts it may reach there."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from gavip_hub.config import Gavip

_USUAL_PORTS = {"http": 80, "https": 443}


def archive_environment(config: Gavip) -> dict[str, str]:
    """Return the variables that name the archive."""
    return {
        "GAVIP_ARCHIVE_URL": config.archive_url,
        "GAVIP_ARCHIVE_NAME": config.archive_name,
        "GAVIP_ARCHIVE_RELEASE": config.archive_release,
    }


def reachable_hosts(config: Gavip, avi: str | None) -> tuple[str, ...]:
    """Return the hosts that the egress proxy lets a container reach: the archive and what the operator allowed.

    What an AVI's own manifest asks for counts only once an operator has put it into the settings.
    """
    granted: Mapping[str, list[str]] = config.avi_allowed_hosts
    hosts = [archive_of(config), *config.allowed_hosts, *granted.get(avi or "", [])]
    return tuple(dict.fromkeys(host for host in hosts if host))


def archive_of(config: Gavip) -> str:
    """Return the archive's `host:port`, so that no other port of that machine is open."""
    parts = urlsplit(config.archive_url)
    port = parts.port or _USUAL_PORTS.get(parts.scheme)
    return f"{parts.hostname}:{port}" if parts.hostname and port else ""
