"""Who asks: what the Hub tells about a token becomes a `Profile` with the platform's own scopes."""

import re
from collections.abc import Mapping
from typing import Any

from avi_kernel.protocol.api import Profile
from gavip_hub.exceptions import Forbidden

ROLES = ("operator", "developer", "scientist", "outreach", "anonymous")
ADMIN = "custom:gavip:admin:platform"
PUBLISH = "custom:gavip:publish:releases"
_SCOPE = re.compile(r"(custom:gavip:[a-z]+:[a-z]+)(?:!(user|server)=(.*))?")
_ROLE_MARKS = (
    ("operator", ADMIN),
    ("developer", PUBLISH),
    ("scientist", "custom:gavip:read:files"),
    ("outreach", "custom:gavip:submit:jobs"),
    ("anonymous", "custom:gavip:read:avis"),
)


def profile_of(model: Mapping[str, Any]) -> Profile:
    """Return who a token stands for.

    A token whose scopes all carry the filter of one named server is bound to that AVI: it is an interface's.

    Parameters
    ----------
    model
        The Hub's answer to `GET /user` with that token.

    Raises
    ------
    Forbidden
        It is a service's token, not a person's.
    """
    if model.get("kind", "user") != "user":
        raise Forbidden("This asks for a person's token; a service's was given.")
    name = str(model["name"])
    broad, bound = _granted(name, model.get("scopes", []))
    avi = next(iter(bound)) if not broad and len(bound) == 1 else None
    scopes = bound[avi] if avi else broad
    held = {str(role) for role in model.get("roles", [])}
    return Profile(
        name=name,
        roles=[role for role in ROLES if role in held] or _roles_by_scope(scopes),
        groups=sorted(str(group) for group in model.get("groups", [])),
        scopes=sorted(scopes),
        avi=avi,
    )


def is_operator(profile: Profile) -> bool:
    """Tell whether somebody may see and change what belongs to the whole platform."""
    return ADMIN in profile.scopes and profile.avi is None


def _granted(name: str, scopes: list[str]) -> tuple[set[str], dict[str, set[str]]]:
    """Split scopes into those for all of a user's things, and those for one named server's."""
    broad: set[str] = set()
    bound: dict[str, set[str]] = {}
    for text in scopes:
        found = _SCOPE.fullmatch(text)
        if found is None:
            continue
        scope, kind, value = found.groups()
        owner, _, server = (value or name).partition("/")
        if owner != name:
            continue
        if kind == "server" and server:
            bound.setdefault(server, set()).add(scope)
        else:
            broad.add(scope)
    return broad, bound


def _roles_by_scope(scopes: set[str]) -> list[str]:
    """Tell the role by what it alone may do, where a token may not read its user's roles."""
    return next(([role] for role, mark in _ROLE_MARKS if mark in scopes), [])
