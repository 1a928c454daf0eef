"""What was run already, for who is about to run it: their own jobs, and products that they may read."""

from collections.abc import Collection, Mapping

from pydantic import JsonValue

from avi_kernel.protocol.manifest import PipelineSpec
from avi_kernel.protocol.provenance import Offer
from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.clock import Clock
from gavip_hub.config import Gavip
from gavip_hub.domain.repetition import Made, key_of
from gavip_hub.services.known_inputs import KnownInputs
from gavip_hub.services.recipes import ReaderOf
from gavip_hub.services.surroundings import Surroundings
from gavip_hub.storage import provenance, recipes, releases
from gavip_hub.storage.database import Database
from gavip_hub.storage.product_schema import Product
from gavip_hub.storage.schema import Job


class OfferService:
    """Finds what was run already.

    Who asks learns of what they may read, and nothing of anything else: what they may not read is left out by the
    statement itself, so that it is no step and no moment more.
    """

    def __init__(
        self,
        *,
        database: Database,
        inputs: KnownInputs,
        surroundings: Surroundings,
        config: Gavip,
        clock: Clock,
        reader: ReaderOf,
        portal: str = "/services/gavip",
    ) -> None:
        self._database = database
        self._inputs = inputs
        self._surroundings = surroundings
        self._config = config
        self._clock = clock
        self._reader = reader
        self._portal = portal

    def offer(
        self,
        *,
        owner: str,
        groups: Collection[str],
        release: ReleaseView,
        pipeline: PipelineSpec,
        parameters: Mapping[str, JsonValue],
        products: bool = True,
    ) -> Offer | None:
        """Return what did just this: a completed job of somebody's own, or a product that they may read.

        None where there is none, or nobody can tell what makes the same.

        Parameters
        ----------
        parameters
            All of them, checked.
        products
            Whether who asks may be told of products.
        """
        key = self.key(owner=owner, release=release, pipeline=pipeline, parameters=parameters)
        if key is None:
            return None
        with self._database.reading() as session:
            job = provenance.with_key(session, owner=owner, key=key)
            reader = self._reader(owner, groups, self._clock.now())
            product = recipes.with_key(session, reader, key) if products else None
        if job is not None:
            return self._of_job(job)
        return self.of_product(product) if product else None

    def key(
        self, *, owner: str, release: ReleaseView, pipeline: PipelineSpec, parameters: Mapping[str, JsonValue]
    ) -> str | None:
        """Return what all have in common that make what these values would make now; None where nobody can tell."""
        around = self._surroundings.of(release.avi, release.version)
        files = [spec.name for spec in pipeline.parameters if spec.type == "file" and spec.name in parameters]
        hashes = {name: self._inputs.hash(owner, str(parameters[name])) for name in files}
        if not around.is_known or None in hashes.values():
            return None
        with self._database.reading() as session:
            row = releases.one(session, avi=release.avi, version=release.version)
            environment = row.environment if row else None
        made = Made(
            avi=release.avi,
            version=release.version,
            commit=release.commit,
            pipeline=pipeline.name,
            parameters=parameters,
            inputs={name: found or "" for name, found in hashes.items()},
            archive_url=self._config.archive_url,
            archive_release=self._config.archive_release,
            image_digest=around.digest,
            platform=around.platform,
            environment=environment or "",
        )
        return key_of(made)

    def of_product(self, product: Product) -> Offer:
        """Return a product as it is offered."""
        return Offer(
            product=product.id,
            owner=product.owner,
            title=product.title,
            ended_at=product.ready_at,
            url=f"{self._portal}/products/{product.id}",
        )

    def _of_job(self, job: Job) -> Offer:
        return Offer(job=job.id, owner=job.owner, ended_at=job.ended_at, url=f"{self._portal}/jobs/{job.id}")
