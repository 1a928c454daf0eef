"""A platform that has grown: the rows and files that the portal's pages are measured with."""

import random
from functools import partial
from typing import Any

from benchmarks.support.portal_avis import add_avis, add_uses
from benchmarks.support.portal_jobs import add_jobs, avi_of
from benchmarks.support.portal_names import (
    DIGEST,
    PICTURE,
    TABLE,
    USERS,
    avi_name,
    job_name,
    product_name,
    state_of,
)
from benchmarks.support.portal_pages import FOLDER
from benchmarks.support.portal_products import add_products
from gavip_hub.domain.job import JobState
from gavip_hub.storage.schema import Counter
from gavip_hub.testing import EPOCH
from tests.support.portal import README
from tests.support.service import RunningService

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
        self._in_steps(self._avis, 200, partial(add_avis, chance=self._chance))
        with self._core.database.transaction() as session:
            add_uses(session, self._chance, avis=self._avis)
        self._in_steps(self._jobs, AT_ONCE, partial(add_jobs, avis=self._avis))
        with self._core.database.transaction() as session:
            session.merge(Counter(name="events", value=2 * self._jobs))
        self._in_steps(self._products, AT_ONCE, partial(add_products, chain=self._chain()))
        self._write_files()
        for number, user in enumerate(USERS):
            self._begin_project(user, avi_name(number))

    def told(self, number: int, turn: int) -> dict[str, str]:
        """Return what stands in the addresses of pages that one of the users asks for."""
        job = self._shown_job(number)
        return {
            "avi": avi_name((turn * 20 + number * 7) % (self._avis // 10) * 10 + 1),
            "own": avi_name(number),
            "of_job": avi_of(job, avis=self._avis),
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

    def _shown_job(self, number: int) -> int:
        return self._newest(number, JobState.COMPLETED)

    def _failed_job(self, number: int) -> int:
        return self._newest(number, JobState.ERROR)

    def _newest(self, user: int, state: JobState) -> int:
        mine = range(self._jobs - len(USERS) + user, 0, -len(USERS))
        return next(number for number in mine if state_of(number) is state)

    def _chain(self) -> dict[str, Any] | None:
        provenance = self._service.service.context.services.provenance
        with self._core.database.reading() as reading:
            return provenance.snapshot(reading, job_name(self._shown_job(0)))

    def change_folder(self) -> None:
        """Change the large folder, so that who looks at it next is the first who does."""
        passing = self._service.root / "users" / USERS[0] / FOLDER / "passing"
        passing.touch()
        passing.unlink()

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
