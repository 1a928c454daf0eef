"""What stands in a grown platform, by number: names, owners, states, and what files hold."""

import hashlib
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from gavip_hub.domain.job import JobState
from gavip_hub.storage import rows
from gavip_hub.testing import EPOCH

USERS = [f"user{number:02d}" for number in range(20)]
TABLE = b"source_id,ra,dec,g\n" + b"".join(b"%d,66.75,15.87,8.31\n" % number for number in range(400))
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf500f0003"
    "8201803b0b1d0a0000000049454e44ae426082"
)
DIGEST = hashlib.sha256(TABLE).hexdigest()
VERSIONS = ("1.0.0", "1.1.0", "1.2.0")


def add(session: Session, kind: Any, given: list[dict[str, Any]]) -> None:
    rows.add(session, kind.__table__, given)


def avi_name(number: int) -> str:
    return f"avi-{number:04d}"


def job_name(number: int) -> str:
    return f"j{number:08d}"


def product_name(number: int) -> str:
    return f"p{number:08d}"


def owner_of(number: int) -> str:
    return USERS[number % len(USERS)]


def at(number: int) -> Any:
    return EPOCH + timedelta(seconds=number)


def state_of(number: int) -> JobState:
    """Return how a job ended: most well, some not; a few were never started."""
    turn = number // len(USERS)
    if turn % 20 == 7:
        return JobState.ERROR
    if turn % 25 == 9:
        return JobState.ABORTED
    return JobState.PENDING if turn % 1000 == 11 else JobState.COMPLETED
