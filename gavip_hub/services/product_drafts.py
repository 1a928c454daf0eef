"""What a product is to be, before it is made: of a path of its owner's space, or of a job's results."""

from typing import Any

from sqlalchemy.orm import Session

from avi_kernel.protocol.manifest import ReleaseSpec
from avi_kernel.protocol.products import ProductMake
from gavip_hub.clock import Clock
from gavip_hub.domain.products import ProductState, slug_of
from gavip_hub.domain.userpaths import checked
from gavip_hub.exceptions import BadParameter
from gavip_hub.services.jobs import JobService
from gavip_hub.services.recipes import Snapshot, no_snapshot
from gavip_hub.storage import releases
from gavip_hub.storage.database import Database
from gavip_hub.storage.ids import new_id
from gavip_hub.storage.product_schema import Product
from gavip_hub.storage.product_sources import Sources

_LONGEST_TITLE = 200


class ProductDrafts:
    """Drafts of products: rows that no table has yet."""

    def __init__(
        self,
        *,
        database: Database,
        jobs: JobService,
        sources: Sources,
        clock: Clock,
        snapshot: Snapshot = no_snapshot,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._sources = sources
        self._clock = clock
        self._snapshot = snapshot

    def of(self, owner: str, asked: ProductMake) -> Product:
        """Return what is asked for.

        Raises
        ------
        NotFound
            There is no such file, folder or job.
        BadParameter
            Neither a path nor a job was named, or it cannot be a product.
        """
        if bool(asked.path) == bool(asked.job):
            raise BadParameter("name either a path of your space, as data/maps, or a job", field="path")
        return self._of_job(owner, asked) if asked.job else self._of_path(owner, asked)

    def _of_path(self, owner: str, asked: ProductMake) -> Product:
        parts = checked(asked.path)
        if parts[0] == "shared":
            raise BadParameter(
                "What others share is theirs: ask them to share it further, or make a product of what you made of it",
                field="path",
            )
        files, size = self._sources.measure(owner, parts)
        if not files:
            raise BadParameter(
                f"{asked.path[:80]} holds no file that can be shared: hidden ones and links are left out",
                field="path",
            )
        return self._new(owner, asked, parts[-1], files=files, bytes=size, path="/".join(parts))

    def _of_job(self, owner: str, asked: ProductMake) -> Product:
        job = self._jobs.get(owner=owner, job=asked.job)
        entries = {entry.name: entry for entry in job.results}
        if missing := [name for name in asked.results if name not in entries]:
            named = ", ".join(entries) or "none"
            raise BadParameter(f"job {job.id} has no result {missing[0]}; it has: {named}", field="results")
        chosen = [entries[name] for name in asked.results or entries]
        if not chosen:
            raise BadParameter("The job has no results that could be shared.", field="job")
        title = job.title or (chosen[0].title if len(chosen) == 1 else "") or f"{job.avi} {job.pipeline}"
        source = {"job": job.id, "avi": job.avi, "version": job.version}
        made = self._new(
            owner, asked, title, files=len(chosen), bytes=sum(one.size for one in chosen), **source
        )
        made.results = [one.name for one in chosen]
        with self._database.reading() as session:
            made.provenance = self._snapshot(session, job.id)
        return made

    def _new(self, owner: str, asked: ProductMake, title: str, **columns: Any) -> Product:
        now, title = self._clock.now(), (asked.title.strip() or title)[:_LONGEST_TITLE]
        return Product(
            id=new_id("p", now=now),
            owner=owner,
            slug=slug_of(title),
            title=title,
            description=asked.description,
            licence=asked.licence,
            state=ProductState.MAKING,
            reason="",
            results=[],
            authors=[],
            avi_title="",
            copied_bytes=0,
            created_at=now,
            **{"path": "", **columns},
        )


def name_avi(session: Session, made: Product) -> None:
    """Say which AVI made a product, and who wrote that, where one did."""
    if not (made.avi and made.version):
        return
    release = releases.one(session, avi=made.avi, version=made.version)
    made.avi_title = made.avi
    if release is not None:
        manifest = ReleaseSpec.model_validate(release.spec).manifest
        made.authors = [author.name for author in manifest.authors]
        made.avi_title = manifest.title or made.avi_title
