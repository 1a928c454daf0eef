"""Where browsers find a user's servers: the Hub's own `url` fields point elsewhere."""

from urllib.parse import quote

from gavip_hub.config import Gavip


def interface_url(config: Gavip, *, user: str, avi: str) -> str:
    """Return the address of an AVI's interface, at its own origin `<avi>--<user>.<host>`."""
    return _at(config, f"{avi}--{user}", f"/user/{quote(user)}/{avi}/")


def notebook_url(config: Gavip, *, user: str) -> str:
    """Return the address of a user's notebook server."""
    return _at(config, user, f"/user/{quote(user)}/")


def git_url(config: Gavip, avi: str) -> str:
    """Return the address from which an AVI's repository is cloned."""
    return f"{config.public_url}/services/gavip/git/{avi}.git"


def _at(config: Gavip, label: str, path: str) -> str:
    scheme, _, host = config.public_url.partition("://")
    return f"{scheme}://{label}.{host}{path}"
