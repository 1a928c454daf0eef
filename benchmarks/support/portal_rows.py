"""A platform that has grown: the rows and files that the portal's pages are measured with."""

import hashlib
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from avi_kernel.protocol.manifest import Author, Manifest, ReleaseSpec
from avi_kernel.protocol.scorecard import CheckedRun, Mark, Scorecard, unjudged
from benchmarks.support.portal_pages import FOLDER, LINK
from gavip_hub.domain.job import AttemptState, JobState, Target
from gavip_hub.domain.products import secret_hash
from gavip_hub.storage import catalogue, rows
from gavip_hub.storage.catalogue_schema import Favourite, Use
from gavip_hub.storage.product_schema import Product, ProductFileRow, Share
from gavip_hub.storage.provenance_schema import Facts, Input
from gavip_hub.storage.schema import (
    Attempt,
    Avi,
    Check,
    Container,
    Counter,
    Event,
    Job,
    Member,
    Release,
    Result,
)
from gavip_hub.testing import EPOCH
from tests.support.portal import DIAGRAM, ERROR, README
from tests.support.service import RunningService

USERS = [f"user{number:02d}" for number in range(20)]
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
TABLE = b"source_id,ra,dec,g\n" + b"".join(b"%d,66.75,15.87,8.31\n" % number for number in range(400))
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf500f0003"
    "8201803b0b1d0a0000000049454e44ae426082"
)
DIGEST = hashlib.sha256(TABLE).hexdigest()
VERSIONS = ("1.0.0", "1.1.0", "1.2.0")
AT_ONCE = 2000


class Grown:
    """Fills a service's database and folders.

    Parameters
    ----------
    avis, jobs, files, products
        How many there are of each.
    """

    def __init__(self, service: RunningService, *, avis: int, jobs: int, files: int, products: int) -> None:
        self._service = service
        self._core = service.service.core
        self._avis, self._jobs, self._files, self._products = avis, jobs, files, products
        self._chance = random.Random(1)

    def fill(self) -> None:
        """Add everything."""
        self._in_steps(self._avis, 200, self._add_avis)
        with self._core.database.transaction() as session:
            self._add_uses(session)
        self._in_steps(self._jobs, AT_ONCE, self._add_jobs)
        with self._core.database.transaction() as session:
            session.merge(Counter(name="events", value=2 * self._jobs))
        self._in_steps(self._products, AT_ONCE, self._add_products)
        self._write_files()
        for number, user in enumerate(USERS):
            self._begin_project(user, avi_name(number))

    def told(self, number: int, turn: int) -> dict[str, str]:
        """Return what stands in the addresses of pages that one of the users asks for."""
        job = self._shown_job(number)
        return {
            "avi": avi_name((turn * 20 + number * 7) % (self._avis // 10) * 10 + 1),
            "own": avi_name(number),
            "of_job": self._avi_of(job),
            "job": job_name(job),
            "failed": job_name(self._failed_job(number)),
            "old": job_name(self._jobs // 2),
            "product": product_name(number + len(USERS)),
            "theirs": product_name(next(one for one in range(number + 41, 200) if one % 3)),
            "middle": product_name(self._products // 2),
        }

    def _in_steps(self, total: int, step: int, add: Any) -> None:
        for start in range(0, total, step):
            with self._core.database.transaction() as session:
                add(session, range(start, min(start + step, total)))

    def _add_avis(self, session: Session, numbers: range) -> None:
        for number in numbers:
            owner = USERS[number % len(USERS)]
            title = f"{self._topic().title()} of {self._topic()}, number {number}"
            spec = self._spec(title)
            session.add(Avi(name=avi_name(number), owner=owner, title=title, created_at=EPOCH))
            session.flush()
            reader = Member(
                avi=avi_name(number), user=USERS[(number + 1) % len(USERS)], may="read", added_at=EPOCH
            )
            session.add(reader)
            for place, version in enumerate(VERSIONS):
                self._add_release(session, number, place, version, spec)

    def _add_release(
        self, session: Session, number: int, place: int, version: str, spec: ReleaseSpec
    ) -> None:
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

    def _spec(self, title: str) -> ReleaseSpec:
        others = (DIAGRAM.model_copy(update={"name": f"other{one}"}) for one in range(2))
        return ReleaseSpec(
            manifest=Manifest(
                title=title,
                summary="Colour and absolute magnitude of the stars in a field or a named cluster. " * 2,
                authors=[Author(name=f"A. {self._chance.choice(USERS).title()}") for _ in range(3)],
                keywords=self._chance.sample(TOPICS, 3),
                picture="picture.png",
            ),
            pipelines=[DIAGRAM, *others],
            interface="app.ipynb",
            readme=README * 8,
        )

    def _topic(self) -> str:
        return self._chance.choice(TOPICS)

    def _add_uses(self, session: Session) -> None:
        names = [avi_name(number) for number in range(self._avis)]
        used: list[dict[str, Any]] = []
        liked: list[dict[str, Any]] = []
        for user in USERS:
            for name in self._chance.sample(names, min(len(names), 300)):
                at = EPOCH + timedelta(minutes=self._chance.randrange(10_000))
                used.append({"user": user, "avi": name, "count": 3, "last_used_at": at})
            liked += [{"user": user, "avi": name, "since": EPOCH} for name in self._chance.sample(names, 10)]
        add(session, Use, used)
        add(session, Favourite, liked)

    def _add_jobs(self, session: Session, numbers: range) -> None:
        add(session, Job, [self._job(number) for number in numbers])
        ran = [number for number in numbers if state_of(number) is not JobState.PENDING]
        add(session, Container, [container(number) for number in ran])
        add(session, Attempt, [attempt(number) for number in ran])
        done = [number for number in ran if state_of(number) is JobState.COMPLETED]
        add(session, Result, [result for number in done for result in results(number)])
        add(session, Facts, [facts(number) for number in ran])
        add(session, Input, [an_input(number) for number in ran if number % 4 == 0])
        add(session, Event, [event for number in numbers for event in events(number)])

    def _avi_of(self, number: int) -> str:
        """Return the AVI of a job: one of a hundred public ones that most use, or any other public one."""
        most = min(1000 if number % 3 == 0 else self._avis // 10, self._avis)
        chosen = number * 7919 % most
        return avi_name(chosen if chosen % 10 else chosen + 1)

    def _job(self, number: int) -> dict[str, Any]:
        state = state_of(number)
        started = None if state is JobState.PENDING else at(number)
        ended = at(number) + timedelta(seconds=60) if started else None
        return {
            "id": job_name(number),
            "owner": owner_of(number),
            "groups": [],
            "avi": self._avi_of(number),
            "version": VERSIONS[number % 3],
            "commit": "1" * 40,
            "pipeline": "diagram",
            "title": "Diagram of a field",
            "parameters": {"target": "Hyades", "radius": 5.0, "bins": 120},
            "state": state,
            "target": Target.RUN,
            "reason": "",
            "fraction": 1.0,
            "message": "",
            "step": "",
            "memory_mb": 400,
            "memory_source": "author",
            "again_with_more_memory": False,
            "cpu": 1.0,
            "time_limit": 900,
            "attempt": 1 if started else 0,
            "again_of": job_name(number - 20) if number >= 20 and number % 10 == 0 else None,
            "request": "",
            "error": ERROR.model_dump(mode="json") if state is JobState.ERROR else None,
            "created_at": at(number),
            "queued_at": started,
            "started_at": started,
            "ended_at": ended,
        }

    def _shown_job(self, number: int) -> int:
        return self._newest(number, JobState.COMPLETED)

    def _failed_job(self, number: int) -> int:
        return self._newest(number, JobState.ERROR)

    def _newest(self, user: int, state: JobState) -> int:
        mine = range(self._jobs - len(USERS) + user, 0, -len(USERS))
        return next(number for number in mine if state_of(number) is state)

    def _add_products(self, session: Session, numbers: range) -> None:
        with self._core.database.reading() as reading:
            chain = self._service.service.context.services.provenance.snapshot(
                reading, job_name(self._shown_job(0))
            )
        add(session, Product, [product(number, chain) for number in numbers])
        add(session, ProductFileRow, [file for number in numbers for file in product_files(number)])
        add(session, Share, [share for number in numbers for share in shares(number)])

    def _write_files(self) -> None:
        root = self._service.root
        blob = root / "products" / "blobs" / DIGEST[:2] / DIGEST
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(TABLE)
        for number, user in enumerate(USERS):
            data = root / "users" / user / "data"
            data.mkdir(parents=True, exist_ok=True)
            (data / "stars.csv").write_bytes(TABLE)
            for one in range(30):
                (data.parent / f"notes-{one:02d}.txt").write_text("Notes.\n")
            for job in (self._shown_job(number), self._failed_job(number)):
                folder = root / "users" / user / "jobs" / job_name(job) / "1"
                (folder / "results").mkdir(parents=True)
                (folder / "log.txt").write_text("".join(f"line {line} of the log\n" for line in range(3000)))
                (folder / "results" / "sample.csv").write_bytes(TABLE)
                (folder / "results" / "hr.png").write_bytes(PICTURE)
        many = root / "users" / USERS[0] / FOLDER
        many.mkdir(parents=True)
        for one in range(self._files):
            (many / f"f{one:05d}.csv").touch()

    def _begin_project(self, user: str, avi: str) -> None:
        files = {"README.md": README, "avi.toml": 'title = "Stars"\n', "app.ipynb": "{}"}
        files |= {f"pipelines/step{one:02d}.py": "print('stars')\n" for one in range(40)}
        self._core.repositories.make(avi)
        self._core.repositories.begin(avi, files, message="Begun", author=user, at=EPOCH)
        self._service.service.context.services.working_copies.begin(owner=user, groups=(), name=avi)
        changed = self._service.root / "users" / user / "projects" / avi / "README.md"
        changed.write_text("# Changed\n")


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


def container(number: int) -> dict[str, Any]:
    return {
        "id": f"c{number:08d}",
        "owner": owner_of(number),
        "kind": "job",
        "avi": None,
        "version": None,
        "ref": f"gavip-{job_name(number)}-1",
        "state": "CLOSED",
        "cpu": 1.0,
        "memory_mb": 400,
        "backend_state": {"name": "x"},
        "reason": "",
        "created_at": at(number),
        "ready_at": at(number),
        "closed_at": at(number) + timedelta(seconds=60),
    }


def attempt(number: int) -> dict[str, Any]:
    return {
        "job": job_name(number),
        "number": 1,
        "container": f"c{number:08d}",
        "token_hash": f"{number:064d}",
        "state": AttemptState(state_of(number).value),
        "memory_mb": 400,
        "failure": "",
        "exit_code": 0,
        "memory_peak_mb": 150.0 + number % 100,
        "cpu_seconds": 41.0,
        "course": [[float(second), 100 + second, 1.0] for second in range(0, 60, 3)],
        "step": "",
        "started_at": at(number),
        "running_at": at(number),
        "ended_at": at(number) + timedelta(seconds=60),
        "cleared_at": at(number) + timedelta(seconds=61),
    }


def results(number: int) -> Iterator[dict[str, Any]]:
    for place, (name, kind, content) in enumerate(
        (("sample.csv", "text/csv", TABLE), ("hr.png", "image/png", PICTURE), ("diagram.ipynb", "", b"{}"))
    ):
        yield {
            "job": job_name(number),
            "name": name,
            "place": place,
            "attempt": 1,
            "title": name,
            "media_type": kind or "application/x-ipynb+json",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }


def facts(number: int) -> dict[str, Any]:
    return {
        "job": job_name(number),
        "image": "avi-python",
        "image_digest": "sha256:" + "2" * 64,
        "platform": "",
        "environment": None,
        "archive_url": "http://archive",
        "archive_name": "Gaia",
        "archive_release": "DR3",
        "queries": [
            {
                "url": "http://archive",
                "adql": "SELECT source_id, ra, dec FROM gaiadr3.gaia_source WHERE phot_g_mean_mag < 9",
                "release": "DR3",
                "rows": 482,
                "at": at(number).isoformat(),
            }
        ],
        "key": f"{number // 40:064d}",
        "noted_at": at(number),
        "closed_at": at(number),
    }


def an_input(number: int) -> dict[str, Any]:
    return {
        "job": job_name(number),
        "parameter": "stars",
        "path": "data/stars.csv",
        "size": len(TABLE),
        "stamp": f"{number}",
        "sha256": DIGEST,
        "product": None,
        "state": "same",
    }


def events(number: int) -> Iterator[dict[str, Any]]:
    for place, state in enumerate(("QUEUED", state_of(number).value)):
        yield {
            "id": 2 * number + place + 1,
            "owner": owner_of(number),
            "at": at(number),
            "kind": "job.state",
            "subject": job_name(number),
            "data": {"state": state, "avi": "stars"},
        }


def product(number: int, chain: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": product_name(number),
        "owner": owner_of(number),
        "slug": "stars-of-a-field",
        "title": f"Stars of field {number}",
        "description": README,
        "state": "READY",
        "reason": "",
        "path": "",
        "job": job_name(number),
        "results": ["sample.csv"],
        "avi": avi_name(1),
        "version": VERSIONS[0],
        "avi_title": "Hertzsprung-Russell diagram",
        "authors": ["E. Hertzsprung", "H. N. Russell"],
        "provenance": chain,
        "files": 3,
        "bytes": 3 * len(TABLE),
        "copied_bytes": 3 * len(TABLE),
        "created_at": at(number),
        "ready_at": at(number),
    }


def product_files(number: int) -> Iterator[dict[str, Any]]:
    for name in ("tables/more.csv", "tables/others.csv", "tables/stars.csv"):
        yield {
            "product": product_name(number),
            "path": name,
            "size": len(TABLE),
            "sha256": DIGEST,
            "media_type": "text/csv",
        }


def shares(number: int) -> Iterator[dict[str, Any]]:
    """Yield who reads a product: everybody of most, one of the users of others, and of some nobody any more."""
    subjects = [("everyone", "")] if number % 3 else [("user", user) for user in USERS[:4]]
    for place, (kind, subject) in enumerate(subjects):
        yield {
            "id": f"h{number:08d}{place}",
            "product": product_name(number),
            "kind": kind,
            "subject": subject,
            "secret_hash": None,
            "created_at": at(number),
            "revoked_at": at(number) if number % 7 == 5 and number > 200 else None,
        }
    if number == 0:
        yield {
            "id": "h-link",
            "product": product_name(number),
            "kind": "link",
            "subject": "",
            "secret_hash": secret_hash(LINK),
            "created_at": at(number),
            "revoked_at": None,
        }
