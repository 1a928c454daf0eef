"""Scopes and roles that the platform adds to the Hub, and what each token may carry (docs/adr/0032)."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

SERVICE = "gavip"
SUPERVISOR = "gavip-supervisor"
WEBDAV = "gavip-dav"
"""Only a route to the Hub: people's own tokens are all that its process asks with (docs/adr/0095)."""
WEBDAV_MOUNT = f"/services/{WEBDAV}"
COMMAND = "gavip-command"
"""An OAuth client of the portal's, for tokens of commands alone (docs/adr/0047)."""
COMMAND_CLIENT = f"service-{COMMAND}"

CUSTOM_SCOPES: dict[str, dict[str, Any]] = {
    "custom:gavip:read:avis": {"description": "See the catalogue and the releases open to you."},
    "custom:gavip:open:servers": {"description": "Open the interfaces of AVIs."},
    "custom:gavip:read:jobs": {"description": "See jobs, their logs and results."},
    "custom:gavip:submit:jobs": {"description": "Submit jobs."},
    "custom:gavip:cancel:jobs": {"description": "Cancel jobs."},
    "custom:gavip:delete:jobs": {"description": "Delete jobs and their results."},
    "custom:gavip:read:files": {"description": "Read files of the user-space."},
    "custom:gavip:write:files": {"description": "Write files of the user-space."},
    "custom:gavip:read:products": {"description": "See products, and read what is shared."},
    "custom:gavip:write:products": {"description": "Make products, share and remove them."},
    "custom:gavip:publish:releases": {"description": "Publish releases of AVIs."},
    "custom:gavip:admin:platform": {"description": "See and change what belongs to the whole platform."},
}

_IDENTITY = ["read:users:name!user", "read:users:groups!user", "read:roles:users!user"]
_SERVICE_ACCESS = f"access:services!service={SERVICE}"
# `!user` binds a scope to its holder's own things; the catalogue has no owner, so that its scope has no filter.
# Who tries AVIs without an account publishes nothing and has no user-space.
_VISITOR = [
    *_IDENTITY,
    _SERVICE_ACCESS,
    "custom:gavip:read:avis",
    "custom:gavip:open:servers!user",
    "custom:gavip:read:jobs!user",
]
_OUTREACH = [
    *_VISITOR,
    "custom:gavip:submit:jobs!user",
    "custom:gavip:cancel:jobs!user",
    "custom:gavip:delete:jobs!user",
    "custom:gavip:read:products!user",
]
_SCIENTIST = [
    *_OUTREACH,
    "custom:gavip:read:files!user",
    "custom:gavip:write:files!user",
    "custom:gavip:write:products!user",
]
_DEVELOPER = [*_SCIENTIST, "custom:gavip:publish:releases!user"]
_OPERATOR = [
    *_DEVELOPER,
    "custom:gavip:admin:platform",
    "admin-ui",
    "list:users",
    "read:users",
    "read:servers",
    "delete:servers",
    "groups",  # the Hub only ever adds those whom the configuration names
    "read:hub",
]

_COMMAND_ACCESS = f"access:services!service={COMMAND}"

ROLE_SCOPES: dict[str, list[str]] = {
    "operator": [*_OPERATOR, _COMMAND_ACCESS],
    "developer": [*_DEVELOPER, _COMMAND_ACCESS],
    "scientist": [*_SCIENTIST, _COMMAND_ACCESS],
    "outreach": [*_OUTREACH, _COMMAND_ACCESS],
    "anonymous": _VISITOR,
}

PORTAL_SCOPES = [
    *_DEVELOPER,
    "custom:gavip:admin:platform",
    "start:servers!user",
    "read:servers!user",
    "delete:servers!user",
]
"""What a browser's token for the portal may carry at most; of these a person gets what their roles hold."""

COMMAND_CLIENT_SCOPES = [*_IDENTITY, "tokens!user"]
"""What the token may do that makes a command's token; it lives for that one request."""


def command_scopes(held: Iterable[str]) -> list[str]:
    """Return what the token of a command may do: what its user's session in the portal may, but nothing of an operator's.

    Parameters
    ----------
    held
        Scopes of the platform's own, with no filter.
    """
    has = set(held)
    own = [scope for scope in _DEVELOPER if scope.partition("!")[0] in has]
    servers = ["start:servers!user", "read:servers!user", "delete:servers!user"]
    return [*_IDENTITY, _SERVICE_ACCESS, *own, *(servers if "custom:gavip:open:servers" in has else [])]


def command_secret(service_token: str) -> str:
    """Return what the client of commands proves itself with; it ends with the service's own token."""
    return sha256(f"gavip-command:{service_token}".encode()).hexdigest()


def webdav_secret(service_token: str) -> str:
    """Return a token for the route of WebDAV, which nobody uses: the Hub would make one anew at each start."""
    return sha256(f"gavip-webdav:{service_token}".encode()).hexdigest()


_SERVER = [*_IDENTITY, _SERVICE_ACCESS, "access:servers!server", "users:activity!user"]

INTERFACE_SCOPES = [
    *_SERVER,
    "custom:gavip:submit:jobs!server",
    "custom:gavip:read:jobs!server",
    "custom:gavip:cancel:jobs!server",
]
"""What the token of an open AVI carries: the jobs of its own server's AVI, and who its user is.

It cancels, for the button of its job panel, and deletes nothing: results are their user's, not the AVI's. Activity is
filtered by user alone in JupyterHub, so that an AVI can keep its user's other servers open as well.
"""

NOTEBOOK_SCOPES = [*_SERVER, *_SCIENTIST]
"""What the token of a notebook server carries: its user's own code runs there, not an AVI's."""


def roles(users: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the Hub's `load_roles`: people's roles, and what service and supervisor may do.

    Parameters
    ----------
    users
        User name -> role.

    Raises
    ------
    ValueError
        A user has a role that does not exist.
    """
    unknown = {role for role in users.values() if role not in ROLE_SCOPES}
    if unknown:
        raise ValueError(f"unknown role {', '.join(sorted(unknown))}; roles are {', '.join(ROLE_SCOPES)}")
    people = [
        {"name": name, "scopes": scopes, "users": [user for user, role in users.items() if role == name]}
        for name, scopes in ROLE_SCOPES.items()
    ]
    # Reconciling, evicting, and who is in a group that something is shared with; nothing more: whoever takes over the
    # service gains no user's files.
    service = {
        "name": "gavip-service",
        "scopes": ["list:users", "read:groups", "read:servers", "delete:servers"],
        "services": [SERVICE],
    }
    # After a proxy's restart the Hub must fill it again at once; it would do so only every five minutes.
    supervisor = {"name": "gavip-supervisor", "scopes": ["proxy"], "services": [SUPERVISOR]}
    return [*people, service, supervisor]


def server_token_scopes(server_name: str) -> list[str]:
    """Return what the token of a user's server carries: a named server is an AVI's interface."""
    return INTERFACE_SCOPES if server_name else NOTEBOOK_SCOPES
