"""What every container is told of the world around it, and which hosts it may reach there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import distributions
from urllib.parse import urlsplit

from gavip_hub.config import Gavip

PROCESSES = "process"
"""The backend whose boxes have the packages of the platform's own machine."""
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


@dataclass(frozen=True, kw_only=True)
class RunsIn:
    """What a job's code finds around it: an image, or where there are none, this machine's own packages."""

    image: str
    digest: str
    platform: str

    @property
    def is_known(self) -> bool:
        """Whether one can tell later that it is the same."""
        return bool(self.digest or self.platform)


class Surroundings:
    """Tells what a job of a release would run in now.

    Parameters
    ----------
    image_of
        Gives the name of the image of a release.
    digest_of
        Gives the digest of an image; empty where the platform runs none.
    """

    def __init__(
        self, *, config: Gavip, image_of: Callable[[str, str], str], digest_of: Callable[[str], str]
    ) -> None:
        self._config = config
        self._image_of = image_of
        self._digest_of = digest_of

    def of(self, avi: str, version: str) -> RunsIn:
        """Return it for a release."""
        image = self._image_of(avi, version)
        platform = own_packages() if self._config.backend == PROCESSES else ""
        return RunsIn(image=image, digest=self._digest_of(image), platform=platform)


@lru_cache
def own_packages() -> str:
    """Return a digest of this machine's own packages, in which jobs run where there are no images."""
    names = sorted(f"{each.name}=={each.version}" for each in distributions())
    return f"sha256:{sha256(chr(10).join(names).encode()).hexdigest()}"
