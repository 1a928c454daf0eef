"""Which policy is in force: the settings' one, until an operator chooses another while the platform runs."""

import logging
from functools import cache
from importlib.metadata import entry_points

from avi_kernel.protocol.api import PolicyView
from gavip_hub.clock import Clock
from gavip_hub.domain.policy import Policy
from gavip_hub.exceptions import BadRequest
from gavip_hub.storage import settings
from gavip_hub.storage.database import Database

GROUP = "gavip.policies"
SETTING = "policy"

log = logging.getLogger(__name__)


@cache
def installed() -> tuple[str, ...]:
    """Return the names of all policies that were installed when it was asked first: to look for them takes a while."""
    return tuple(sorted(entry.name for entry in entry_points(group=GROUP)))


@cache
def load_policy(name: str) -> Policy:
    """Return the policy of that name among the installed ones.

    Raises
    ------
    gavip_hub.exceptions.BadRequest
        None has that name; the message lists those there are.
    """
    for entry in entry_points(group=GROUP, name=name):
        policy: Policy = entry.load()()
        return policy
    there = ", ".join(installed()) or "none"
    raise BadRequest(f"there is no policy {name[:40]!r}; installed: {there}", field="policy")


class PolicyService:
    """The policy in force; each method is one transaction.

    Parameters
    ----------
    default
        The settings' choice, in force until an operator makes another.
    """

    def __init__(self, *, database: Database, clock: Clock, default: str) -> None:
        load_policy(default)  # a name that is wrong ends the start, not the first pass of the scheduler
        self._database = database
        self._clock = clock
        self._default = default

    def current(self) -> Policy:
        """Return the policy in force; the settings' one where the chosen one cannot be loaded any more."""
        chosen = self._chosen()
        try:
            return load_policy(chosen)
        except Exception as error:  # noqa: BLE001 - a plug-in that breaks must not end all starts
            log.warning("the policy %s cannot be used (%s); %s is", chosen, error, self._default)
            return load_policy(self._default)

    def view(self) -> PolicyView:
        """Return the name of the policy in force, and of those that can be chosen."""
        return PolicyView(policy=self._chosen(), installed=list(installed()))

    def _chosen(self) -> str:
        with self._database.reading() as session:
            return settings.get(session, SETTING) or self._default

    def meanings(self) -> dict[str, str]:
        """Return what each installed policy says of itself in the first line of its documentation."""
        return {name: _first_line(name) for name in installed()}

    def choose(self, name: str, *, by: str) -> PolicyView:
        """Put a policy in force from the scheduler's next pass on.

        Raises
        ------
        gavip_hub.exceptions.BadRequest
            There is none of that name.
        """
        load_policy(name)
        with self._database.transaction() as session:
            settings.put(session, SETTING, name, by=by, at=self._clock.now())
        return self.view()


def _first_line(name: str) -> str:
    try:
        return (load_policy(name).__doc__ or "").strip().partition("\n")[0]
    except Exception as error:  # noqa: BLE001 - an operator is to see what is wrong with a plug-in
        return f"It cannot be loaded: {error}"
