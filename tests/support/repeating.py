"""A desk at which jobs are run, shared, run again and offered: real database, real folders, and a clock that tests move."""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from avi_kernel.protocol.api import JobSubmit
from avi_kernel.protocol.manifest import Manifest, PipelineSpec, ReleaseSpec
from avi_kernel.protocol.parameters import ParameterSpec, check_parameters
from avi_kernel.protocol.products import ProductMake
from avi_kernel.protocol.provenance import ComparisonView, Offer
from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.backends.comparing import Comparer
from gavip_hub.exceptions import GavipError
from gavip_hub.services.again_products import ProductAgainService
from gavip_hub.services.answers import AnswerService
from gavip_hub.services.comparing import ComparisonMaker
from gavip_hub.services.inputs import InputFiles
from gavip_hub.services.jobs import JobService
from gavip_hub.services.keeping import ProvenanceKeeper
from gavip_hub.services.known_inputs import KnownInputs
from gavip_hub.services.offers import OfferService
from gavip_hub.services.provenance import ProvenanceService
from gavip_hub.services.releases import ReleaseService
from gavip_hub.services.shared_files import SharedFiles
from gavip_hub.services.shared_inputs import opening_shared
from gavip_hub.services.surroundings import Surroundings
from gavip_hub.storage.database import Database
from gavip_hub.storage.repositories import Repositories
from gavip_hub.storage.schema import Avi, Environment, Release
from gavip_hub.storage.userfiles import UserFiles
from gavip_hub.testing import exit_record
from tests.support.engine import prepared
from tests.support.products import GROUPS, ProductDesk

STARS = b"ra,dec\n1,2\n"
MATCH = PipelineSpec(
    name="match",
    kind="notebook",
    path="pipelines/match.ipynb",
    parameters=[
        ParameterSpec(name="stars", type="file"),
        ParameterSpec(name="radius", type="number", default=2.0),
        ParameterSpec(name="seed", type="integer", default=1),
    ],
)
OTHER = MATCH.model_copy(update={"name": "other"})
SPEC = ReleaseSpec(manifest=Manifest(title="Stars"), pipelines=[MATCH, OTHER])


class RepeatDesk(ProductDesk):
    """Products and what repeats them; everybody has the same list of stars under the same name."""

    def __init__(self, database: Database, root: Path, *, product: str = "") -> None:
        super().__init__(database, root)
        self.product = product
        self.image_digest = "sha256:" + "1" * 64
        # Files are written by the machine's own clock, and jobs start after that.
        ahead = datetime.now(UTC) - self.clock.now()
        self.clock.advance(ahead.total_seconds() + 86_400)
        self._prepare(database, root)
        if product:  # a copy of a desk at which all was done
            return
        for owner in ("ann", "bob", "carl"):
            self.write("stars.csv", STARS, owner=owner)
        self.published("1.0")

    def _prepare(self, database: Database, root: Path) -> None:
        config, clock = self.engine.config, self.clock
        common: dict[str, Any] = {"database": database, "clock": clock, "reader": self.showing.reader}
        shared = opening_shared(database, SharedFiles(root=root))
        inputs = InputFiles(files=UserFiles(root=root), shared=shared)
        known = KnownInputs(database=database, inputs=inputs)
        surroundings = Surroundings(
            config=config, image_of=lambda _avi, _version: "python", digest_of=lambda _name: self.image_digest
        )
        self.jobs = JobService(quotas=self.engine.quotas, config=config, inputs=inputs, **common)
        repositories = Repositories(root=root)
        self.releases = ReleaseService(
            repositories=repositories, config=config, database=database, clock=clock
        )
        self.offers = OfferService(inputs=known, surroundings=surroundings, config=config, **common)
        self.answers = AnswerService(releases=self.releases, offers=self.offers, **common)
        self.repeats = ProductAgainService(jobs=self.jobs, releases=self.releases, known=known, **common)
        self.provenance = ProvenanceService(**common)
        self.keeper = ProvenanceKeeper(
            inputs=inputs,
            folders=self.engine.folders,
            config=config,
            surroundings=surroundings,
            snapshot=self.provenance.snapshot,
            **common,
        )
        self.comparisons = ComparisonMaker(
            folders=self.engine.folders, blobs=self.blobs, comparer=Comparer(root=root, bwrap=None), **common
        )

    def published(
        self, version: str, *, commit: str = "c0ffee", avi: str = "maps", visibility: str = "public"
    ) -> None:
        """Publish a release of dora's."""
        with self.engine.database.transaction() as session:
            if session.get(Avi, avi) is None:
                session.add(Avi(name=avi, owner="dora", title="Maps", created_at=self.clock.now()))
                session.flush()
            session.add(
                Release(
                    id=f"r{avi}{version}",
                    avi=avi,
                    version=version,
                    commit=commit,
                    digest=version,
                    spec=SPEC.model_dump(mode="json"),
                    state="READY",
                    visibility=visibility,
                    submitter="dora",
                    created_at=self.clock.now(),
                )
            )

    def lock(self, environment: str, version: str = "1.0") -> None:
        """Let a release have other packages."""
        with self.engine.database.transaction() as session:
            session.add(Environment(id=environment, lock={}))
            session.flush()
            release = session.get(Release, f"rmaps{version}")
            assert release is not None
            release.environment = environment

    def release(self, version: str = "1.0", *, viewer: str = "bob") -> ReleaseView:
        return self.releases.usable(viewer=viewer, avi="maps", version=version)

    def submit(
        self, *, owner: str = "ann", version: str = "1.0", again_of: str | None = None, **values: Any
    ) -> str:
        """Submit a job of the pipeline."""
        parameters = {"stars": "stars.csv", **values}
        request = JobSubmit(avi="maps", pipeline="match", parameters=parameters, again_of=again_of)
        release = self.release(version, viewer=owner)
        return self.jobs.submit(owner=owner, groups=GROUPS[owner], request=request, release=release).id

    async def end(self, job: str, *, owner: str = "ann", meanwhile: Any = None, **ending: Any) -> str:
        """Let a job run to its end, and have kept what is to be kept of it."""
        state = partial(self.engine.state, owner=owner)
        async with self.engine.loop():
            await self.engine.until(lambda: state(job) == "RUNNING")
            self.keeper.note()
            self.keeper.look()
            if meanwhile:
                meanwhile()
            if ending.get("status") == "error":
                error = {"code": "notebook", "message": "It failed."}
                self.engine.write_outcome(job, results={"found.csv": b"x"}, error=error, **ending)
            else:
                results = ending.pop("results", {"found.csv": b"a,b\n1,2\n", "log.txt": b"done"})
                self.engine.write_outcome(job, results=results, **ending)
            self.engine.backend.engine.end(f"gavip-{job}-1", exit_record())  # type: ignore[attr-defined]
            await self.engine.until(lambda: state(job) in ("COMPLETED", "ERROR"))
        self.keeper.look()
        return job

    def product_of(self, job: str, *, owner: str = "ann", results: list[str] | None = None) -> str:
        """Return a product of a job's results that is ready."""
        asked = ProductMake(job=job, results=results or [])
        product = self.products.make(owner=owner, groups=GROUPS[owner], asked=asked).id
        self.maker.look()
        return product

    async def shared(self, kind: str = "user", subject: str = "bob", **values: Any) -> str:
        """Return a product of a job of ann's that is shared."""
        product = self.product_of(await self.end(self.submit(**values)))
        self.share(product, kind, subject)
        return product

    def offered(
        self,
        who: str = "bob",
        *,
        groups: list[str] | None = None,
        version: str = "1.0",
        pipeline: PipelineSpec = MATCH,
        **values: Any,
    ) -> Offer | None:
        """Return what somebody is offered who is about to run this."""
        try:
            release = self.release(version, viewer=who)
        except GavipError:
            return None
        parameters = check_parameters(pipeline.parameters, {"stars": "stars.csv", **values})
        return self.offers.offer(
            owner=who,
            groups=GROUPS[who] if groups is None else groups,
            release=release,
            pipeline=pipeline,
            parameters=parameters,
        )

    def compared(self, job: str, *, owner: str = "bob") -> ComparisonView:
        """Return how a job compares with what it repeats."""
        self.comparisons.look()
        return self.provenance.comparison(owner=owner, job=job)


@pytest.fixture(scope="module")
def shared_already(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> tuple[Path, str]:
    """Return a folder in which ann ran a job and shared its product with bob, to be copied: running takes its time."""
    root = tmp_path_factory.mktemp("shared")
    shutil.copyfile(migrated_sqlite, root / "gavip.sqlite")
    database = prepared(f"sqlite:///{root}/gavip.sqlite")
    try:
        return root, asyncio.run(RepeatDesk(database, root).shared())
    finally:
        database.close()


@pytest.fixture
def shared_desk(shared_already: tuple[Path, str], tmp_path: Path) -> Iterator[RepeatDesk]:
    """A desk of one's own at which bob reads ann's product."""
    folder, product = shared_already
    root = tmp_path / "root"
    shutil.copytree(folder, root, symlinks=True)
    database = Database(url=f"sqlite:///{root}/gavip.sqlite")
    yield RepeatDesk(database, root, product=product)
    database.close()
