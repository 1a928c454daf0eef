"""What jobs and products ran with: read of what was kept of a job, and kept beside its products for good."""

from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from gavip_hub.domain.job import JobState
from gavip_hub.domain.products import Reader
from gavip_hub.domain.repetition import Made, is_product, key_of
from gavip_hub.services.inputs import SAME
from gavip_hub.storage import jobs, products, provenance, recipes
from gavip_hub.storage.jobs import Held
from gavip_hub.storage.product_schema import Product
from gavip_hub.storage.schema import Job

_MADE = TypeAdapter(Made)


def made_of(session: Session, job: Job) -> Made | None:
    """Return what a job's results depend on; None where that was not kept, or an input changed while it ran."""
    facts = provenance.facts(session, job.id)
    inputs = provenance.inputs(session, job.id)
    if facts is None or facts.noted_at is None or any(row.state != SAME for row in inputs):
        return None
    return Made(
        avi=job.avi,
        version=job.version,
        commit=job.commit,
        pipeline=job.pipeline,
        parameters=job.parameters,
        inputs={row.parameter: row.sha256 or "" for row in inputs},
        archive_url=facts.archive_url,
        archive_release=facts.archive_release,
        image_digest=facts.image_digest,
        platform=facts.platform,
        environment=facts.environment or "",
        gavip=facts.gavip,
        queries=facts.queries,
    )


def key_for(session: Session, job: Job) -> str | None:
    """Return by what a job's results are offered; None where nobody can tell what makes the same."""
    made = made_of(session, job)
    if made is None or job.state is not JobState.COMPLETED or not (made.image_digest or made.platform):
        return None
    return key_of(made)


ReaderOf = Callable[[str, Collection[str], datetime], Reader]
"""Tells as whom somebody reads products at a moment, by name and the groups that they were told to be in."""
Snapshot = Callable[[Session, str], dict[str, Any] | None]
"""Tells the chain of a job, as it is kept with a product; None where it cannot."""


def no_snapshot(_session: Session, _job: str) -> None:
    """Tell nothing: where nobody asks for chains."""


def keep_recipe(session: Session, product: Product, snapshot: Snapshot = no_snapshot) -> None:
    """Keep what a product's job ran with beside it, as soon as all of that is known; else nothing is done yet.

    Its chain is told anew then: who makes a product of a job that has just completed is faster than its hashes and queries.
    """
    # The job is held: who closes it looks for its products then, and one of the two finds the other.
    job = jobs.locked(session, product.job) if product.job else None
    facts = provenance.facts(session, job.id) if job else None
    if job is None or facts is None or facts.closed_at is None:
        return
    product.provenance = snapshot(session, job.id) or product.provenance
    made = made_of(session, job)
    if made is not None:
        of_job = {entry.name for entry in jobs.results_of(session, [job.id])[job.id]}
        whole = of_job == set(product.results)
        recipes.keep(session, product.id, key=facts.key, whole=whole, made=asdict(made))


def recipe_of(session: Session, product: str) -> Made | None:
    """Return what a product's job ran with; None where it is of no job, or that was not kept."""
    row = recipes.of(session, product)
    return _MADE.validate_python(row.made) if row else None


def repeatable(session: Session, reader: Reader, again_of: str, *, avi: str) -> str | None:
    """Return the pipeline of what somebody may repeat: a job of theirs, or a product that they may read; None: nothing."""
    if not is_product(again_of):
        found = jobs.owned(session, owner=reader.name, job=again_of, avi=avi)
        return found.pipeline if found else None
    product = products.readable(session, again_of, reader)
    made = recipe_of(session, product.id) if product and product.avi == avi else None
    return made.pipeline if made else None


def repeated(session: Session, job: Job | Held, reader: Reader) -> str | None:
    """Return the job or product that a job is to be compared with; None where it repeats nothing that has results.

    Parameters
    ----------
    reader
        The job's owner.
    """
    before = job.again_of or ""
    if not before or repeatable(session, reader, before, avi=job.avi) != job.pipeline:
        return None
    if is_product(before):
        return before
    found = jobs.owned(session, owner=job.owner, job=before)
    return before if found and found.state is JobState.COMPLETED else None
