"""The environments that are kept: of which releases they are, whether a container has them, and what they take."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from avi_kernel.protocol.environments import Lock
from gavip_hub.domain.ledger import OPEN
from gavip_hub.domain.standing import WITHDRAWN
from gavip_hub.storage.schema import Container, Environment, Release


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An environment."""

    id: str
    lock: Lock
    releases: tuple[str, ...]
    """AVI and version of each."""
    is_wanted: bool
    """Whether people may open or run one of them: not all are withdrawn."""
    is_open: bool
    """Whether a container has it now."""
    folder_bytes: int | None
    wheel_bytes: int


def every(session: Session) -> list[Kept]:
    """Return all, those first that were made last."""
    releases, wanted = defaultdict(list), set()
    columns = (Release.environment, Release.avi, Release.version, Release.standing)
    named = select(*columns).where(Release.environment.is_not(None)).order_by(Release.id)
    for environment, avi, version, standing in session.execute(named):
        releases[environment].append(f"{avi} {version}")
        wanted |= set() if standing == WITHDRAWN else {environment}
    shown = _open(session)
    return [
        Kept(
            id=one.id,
            lock=Lock.model_validate(one.lock),
            releases=tuple(releases[one.id]),
            is_wanted=one.id in wanted,
            is_open=one.id in shown,
            folder_bytes=one.folder_bytes,
            wheel_bytes=one.wheel_bytes,
        )
        for one in session.scalars(select(Environment))
    ]


def _open(session: Session) -> set[str | None]:
    """Return the environments of the releases of which a container is there, or begins."""
    same = (Container.avi == Release.avi) & (Container.version == Release.version)
    wanted = select(Release.environment).join(Container, same).where(Container.state.in_(OPEN))
    return set(session.scalars(wanted.distinct()))


def weigh(session: Session, environment: str, *, folder_bytes: int | None, wheel_bytes: int) -> None:
    """Note what an environment takes."""
    weights = {"folder_bytes": folder_bytes, "wheel_bytes": wheel_bytes}
    session.execute(update(Environment).where(Environment.id == environment).values(**weights))


def forget_those_of_no_release(session: Session) -> None:
    """Forget the environments that no release has: nobody can ask for them any more."""
    named = select(Release.environment).where(Release.environment.is_not(None))
    session.execute(delete(Environment).where(Environment.id.not_in(named)))
