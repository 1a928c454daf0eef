"""Find the policy that the settings name."""

from importlib.metadata import entry_points

from gavip_hub.domain.policy import Policy
from gavip_hub.exceptions import BadRequest

GROUP = "gavip.policies"


def load_policy(name: str) -> Policy:
    """Return the policy of that name among the installed ones.

    Raises
    ------
    gavip_hub.exceptions.BadRequest
        None has that name; the message lists those there are.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        raise BadRequest(
            f"there is no policy {name!r}; installed: {', '.join(sorted(found)) or 'none'}", field="policy"
        )
    policy: Policy = found[name].load()()
    return policy
