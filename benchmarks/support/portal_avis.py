"""Rows of AVIs of a grown platform: their releases, cards and checks, and who uses them."""

import random
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from avi_kernel.protocol.manifest import Author, Manifest, ReleaseSpec
from avi_kernel.protocol.scorecard import CheckedRun, Mark, Scorecard, unjudged
from benchmarks.support.portal_names import USERS, VERSIONS, add, avi_name
from gavip_hub.storage import catalogue
from gavip_hub.storage.catalogue_schema import Favourite, Use
from gavip_hub.storage.schema import Avi, Check, Member, Release
from gavip_hub.testing import EPOCH
from tests.support.portal import DIAGRAM, README

TOPICS = [
    "stars",
    "clusters",
    "photometry",
    "asteroids",
    "spectra",
    "variables",
    "parallaxes",
    "dust",
    "galaxies",
    "quasars",
]
SCORECARD = Scorecard(
    marks=unjudged(
        [
            Mark(key="tests", state="passed", sentence="Its 12 tests passed."),
            Mark(key="hosts", state="failed", sentence="It called a host that its manifest does not name."),
        ],
        reason="Not judged.",
    ),
    runs=[CheckedRun(name="diagram", test="small", seconds=4.5, memory_mb=190, asked_mb=400)],
    checked_at=EPOCH,
)


def add_avis(session: Session, numbers: range, chance: random.Random) -> None:
    for number in numbers:
        owner = USERS[number % len(USERS)]
        title = f"{_topic(chance).title()} of {_topic(chance)}, number {number}"
        spec = _spec(title, chance)
        session.add(Avi(name=avi_name(number), owner=owner, title=title, created_at=EPOCH))
        session.flush()
        reader = Member(
            avi=avi_name(number), user=USERS[(number + 1) % len(USERS)], may="read", added_at=EPOCH
        )
        session.add(reader)
        for place, version in enumerate(VERSIONS):
            _add_release(session, number, place, version, spec)


def _add_release(session: Session, number: int, place: int, version: str, spec: ReleaseSpec) -> None:
    release = Release(
        id=f"r{number:06d}{place}",
        avi=avi_name(number),
        version=version,
        commit="1" * 40,
        digest=f"{number}-{version}",
        spec=spec.model_dump(mode="json"),
        state="READY",
        visibility="public" if number % 10 else "private",
        submitter=USERS[number % len(USERS)],
        created_at=EPOCH + timedelta(days=place),
    )
    session.add(release)
    session.flush()
    badge = {"words": "Tested", "state": "passed", "sentence": "Its tests passed."}
    session.add(catalogue.card_of(release, spec))
    session.add(
        Check(
            release=release.id,
            badges=[badge, {**badge, "words": "Repeatable"}],
            scorecard=SCORECARD.model_dump(mode="json"),
        )
    )


def _spec(title: str, chance: random.Random) -> ReleaseSpec:
    others = (DIAGRAM.model_copy(update={"name": f"other{one}"}) for one in range(2))
    return ReleaseSpec(
        manifest=Manifest(
            title=title,
            summary="Colour and absolute magnitude of the stars in a field or a named cluster. " * 2,
            authors=[Author(name=f"A. {chance.choice(USERS).title()}") for _ in range(3)],
            keywords=chance.sample(TOPICS, 3),
            picture="picture.png",
        ),
        pipelines=[DIAGRAM, *others],
        interface="app.ipynb",
        readme=README * 8,
    )


def _topic(chance: random.Random) -> str:
    return chance.choice(TOPICS)


def add_uses(session: Session, chance: random.Random, *, avis: int) -> None:
    names = [avi_name(number) for number in range(avis)]
    used: list[dict[str, Any]] = []
    liked: list[dict[str, Any]] = []
    for user in USERS:
        for name in chance.sample(names, min(len(names), 300)):
            last = EPOCH + timedelta(minutes=chance.randrange(10_000))
            used.append({"user": user, "avi": name, "count": 3, "last_used_at": last})
        liked += [{"user": user, "avi": name, "since": EPOCH} for name in chance.sample(names, 10)]
    add(session, Use, used)
    add(session, Favourite, liked)
