"""Why an interface does not open yet and what would open it sooner, for the person before its page."""

from datetime import datetime

from sqlalchemy.orm import Session

from avi_kernel.protocol.api import Estimate, WaitView
from gavip_hub.domain.experience import Accuracy, Experience
from gavip_hub.domain.forecast import is_unknown
from gavip_hub.domain.rooms import Rooms
from gavip_hub.domain.waits import Wait
from gavip_hub.services.waits import endings, limit_view
from gavip_hub.storage import containers
from gavip_hub.storage.schema import Container

ACCURACY = Accuracy(early=0.5, late=2.5)
"""Who comes later does not pass: only the ends of what runs are guessed."""
NOUN = "interface"
"""What others in this queue wait for."""


def room_view(session: Session, row: Container, wait: Wait | None) -> WaitView:
    """Return why somebody waits for an interface.

    Parameters
    ----------
    wait
        None: there is room, and it opens now.
    """
    if wait is None:
        return WaitView(reason=row.reason if row.memory_mb else "there is room for it now", ahead=0)
    mine = containers.open_of(session, owner=row.owner)
    return WaitView(
        reason=wait.words_of(NOUN),
        ahead=wait.place - 1,
        limits=[limit_view(short) for short in wait.limits],
        sooner=endings(session, mine, wait.limits),
    )


def estimate_of(queue: Rooms, start: datetime, experience: Experience) -> Estimate:
    """Return when an interface will probably open, as people see it."""
    soonest, middle, latest = ACCURACY.around(queue.now, start)
    unknown = sum(is_unknown(held.pipeline, experience) for held in queue.holdings)
    return Estimate(soonest=soonest, middle=middle, latest=latest, runs=0, unknown=unknown)
