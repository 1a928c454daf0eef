"""Who is using this AVI, and which roles they hold.

Examples
--------
>>> from avi_kernel import profile
>>> profile.is_outreach(profile.current())
False
"""

import getpass
import os

from avi_kernel.protocol.api import Profile
from avi_kernel.transport import Transport

DEV_PROFILE = "GAVIP_DEV_PROFILE"
"""Standalone: the role to play, such as `scientist` or `outreach`."""
FULLER_ROLES = frozenset({"operator", "developer", "scientist"})


def current() -> Profile:
    """Return the user of this interface, notebook or job.

    On a developer's own machine it is whom `GAVIP_DEV_PROFILE` says, without asking anybody.

    Raises
    ------
    ApiError
        When the platform cannot be asked.
    """
    role = os.environ.get(DEV_PROFILE)
    if role is not None:
        return Profile(name=os.environ.get("GAVIP_USER") or getpass.getuser(), roles=[role])
    token = os.environ.get("GAVIP_TOKEN") or os.environ.get("JUPYTERHUB_API_TOKEN")
    platform = Transport(url=os.environ["GAVIP_API_URL"], token=token)
    try:
        return Profile.model_validate_json(platform.request("GET", "/me").content)
    finally:
        platform.close()


def is_outreach(profile: Profile) -> bool:
    """Whether somebody gets the simpler views: an outreach user who is nothing more."""
    return "outreach" in profile.roles and FULLER_ROLES.isdisjoint(profile.roles)
