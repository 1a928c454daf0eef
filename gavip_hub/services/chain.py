"""The chain from a job back to the archive, through the jobs whose results it reads."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from avi_kernel.protocol.provenance import (
    NodeKind,
    ProvenanceEdge,
    ProvenanceFact,
    ProvenanceNode,
    ProvenanceView,
    Relation,
)
from avi_kernel.protocol.runs import ResultEntry
from gavip_hub.domain.products import ProductState, Reader, leaf_of
from gavip_hub.domain.repetition import is_product
from gavip_hub.services.chain_parts import behind
from gavip_hub.storage import attempts, jobs, products, provenance
from gavip_hub.storage.product_schema import Product
from gavip_hub.storage.provenance_schema import Facts, Input
from gavip_hub.storage.schema import Job

MOST_JOBS = 12
"""Of a chain: more would be no picture."""
MOST_NODES = 200
"""Beyond which what lies behind a product is left out: each product keeps the chain of all before it."""
_TYPES: Mapping[NodeKind, Any] = {"job": "activity", "person": "agent"}
_OF_JOB = re.compile(r"jobs/([A-Za-z0-9_-]{1,64})/([0-9]{1,6})/results/([A-Za-z0-9][A-Za-z0-9._-]{0,99})")
_STATES = {
    "changed": "changed while the job ran, so that nobody knows which content it read",
    "gone": "was gone before its content was hashed, or before the job ended",
    "holes": "is mostly holes, and was not hashed",
}
NOT_KEPT = "This job ran before the platform kept what jobs start with: image, packages, archive and inputs are not known."
REPORTED = "Queries are told as the job's own code reported them; the platform saw only that it may reach the archive."


class Chain:
    """Nodes and edges, each once, however many ways lead to them.

    Parameters
    ----------
    reader
        The owner of its jobs: what of products they may not read by now is left out.
    """

    def __init__(self, *, session: Session, portal: str, reader: Reader) -> None:
        self._session = session
        self._reader = reader
        self._portal = portal
        self._jobs: set[str] = set()
        self.nodes: dict[str, ProvenanceNode] = {}
        self._edges: dict[ProvenanceEdge, None] = {}
        self.notes: list[str] = []

    @property
    def edges(self) -> list[ProvenanceEdge]:
        """How nodes hang together."""
        return list(self._edges)

    def add(self, job: Job) -> str:
        """Add a job with all that it comes of and all that came of it; return its node's id."""
        node = self._without_results(job)
        for entry in jobs.results_of(self._session, [job.id])[job.id]:
            self._result(job, entry)
        return node

    def _without_results(self, job: Job) -> str:
        node = f"job:{job.id}"
        if job.id in self._jobs:
            return node
        self._jobs.add(job.id)
        self._node(
            node, "job", job.title or job.pipeline, self._of_job(job), url=f"{self._portal}/jobs/{job.id}"
        )
        self._agents(job, node)
        self._plan(job, node)
        if facts := provenance.facts(self._session, job.id):
            self._surroundings(facts, node)
        else:
            self._note(NOT_KEPT)
        for row in provenance.inputs(self._session, job.id):
            self._input(job, row, node)
        self._again(job, node)
        return node

    def _of_job(self, job: Job) -> dict[str, Any]:
        starts = attempts.of_job(self._session, job.id)
        last = starts[-1] if starts else None
        return {
            "id": job.id,
            "pipeline": job.pipeline,
            "state": job.state.value,
            "asked for at": job.created_at.isoformat(timespec="seconds"),
            "started at": job.started_at and job.started_at.isoformat(timespec="seconds"),
            "ended at": job.ended_at and job.ended_at.isoformat(timespec="seconds"),
            "memory given": f"{job.memory_mb} MB",
            "memory used at most": last and last.memory_peak_mb and f"{last.memory_peak_mb:.0f} MB",
            "processor time": last and last.cpu_seconds is not None and f"{last.cpu_seconds:.1f} s",
        }

    def _agents(self, job: Job, of: str) -> None:
        person = self._node(f"person:{job.owner}", "person", job.owner, {})
        self._edge(of, person, "wasAssociatedWith", "ran it")

    def _plan(self, job: Job, of: str) -> None:
        release = self._node(
            f"release:{job.avi}:{job.version}",
            "release",
            f"{job.avi} {job.version}",
            {"commit": job.commit},
            url=f"{self._portal}/avis/{job.avi}?version={job.version}",
        )
        self._edge(of, release, "used", "program")
        if job.parameters:
            told = {name: str(value)[:200] for name, value in job.parameters.items()}
            node = self._node(f"parameters:{job.id}", "parameters", "Parameters", told)
            self._edge(of, node, "used", "parameters")

    def _surroundings(self, facts: Facts, of: str) -> None:
        if facts.image_digest:
            told = {"name": facts.image, "digest": facts.image_digest}
            self._edge(
                of, self._node(f"image:{facts.image_digest}", "image", facts.image, told), "used", "image"
            )
        elif facts.platform:
            told = {"digest of its packages": facts.platform, "version": facts.gavip}
            node = self._node(f"image:{facts.platform}", "image", "The platform's own packages", told)
            self._edge(of, node, "used", "image")
        if facts.environment:
            told = {"lock": facts.environment}
            node = self._node(
                f"environment:{facts.environment}", "environment", "Packages of the release", told
            )
            self._edge(of, node, "used", "packages")
        self._queries(facts, of)

    def _queries(self, facts: Facts, of: str) -> None:
        for number, query in enumerate(facts.queries, 1):
            told = {
                "ADQL": query.get("adql"),
                "rows": query.get("rows"),
                "asked at": query.get("at"),
                "told by": "the job's own code",
            }
            node = self._node(f"query:{facts.job}:{number}", "query", f"Query {number}", told)
            self._edge(of, node, "used", "rows of an archive")
            self._edge(node, self._archive(query, facts), "wasDerivedFrom")
        if facts.queries:
            self._note(REPORTED)

    def _archive(self, query: Mapping[str, Any], facts: Facts) -> str:
        """Return the node of the archive that a query names."""
        url = str(query.get("url") or facts.archive_url)
        release = str(query.get("release") or "")
        name = str(query.get("archive") or url)
        label = f"{name}, {release}" if release else name
        return self._node(
            f"archive:{url}:{release}", "archive", label, {"address": url, "data release": release}
        )

    def _input(self, job: Job, row: Input, of: str) -> None:
        told = {"path": row.path, "size": f"{row.size} bytes", "SHA-256": row.sha256, "state": row.state}
        if row.state in _STATES:
            self._note(f"Input {row.parameter}, {row.path}, {_STATES[row.state]}.")
        if (result := self._earlier(job, row)) is not None:
            self._edge(of, result, "used", row.parameter)
            return
        name = row.path.rpartition("/")[2]
        if row.product is None and row.sha256:
            told["the same bytes as"] = self._twin(row.sha256)
        node = self._node(f"input:{row.sha256 or job.id + ':' + row.parameter}", "input", name, told)
        self._edge(of, node, "used", row.parameter)
        if product := products.any_one(self._session, row.product or ""):
            self._of_product(product, node, row, reader=job.owner)

    def _twin(self, sha256: str) -> str | None:
        """Return which product, of those that the owner may read by now, holds a content: a copy of it tells where it is from."""
        found = products.holding(self._session, sha256, self._reader)
        return found and f"{found[1]} of the product {found[0].id} by {found[0].owner}"

    def _of_product(self, product: Product, file: str, row: Input, *, reader: str) -> None:
        """Add the product that an input is a file of, and what it had come of when it was made.

        All of it is as its reader could see it then: words that its owner changes later are not told.
        """
        node, leaf = self._product(product), leaf_of(product.slug, product.id)
        self._edge(file, node, "wasDerivedFrom")
        if product.provenance is None:
            return
        kept = ProvenanceView.model_validate(product.provenance)
        result = f"result:{product.job}:{row.path.partition(f'/{leaf}/')[2]}"
        self._kept(kept, result, node, whole=reader == product.owner, leaf=leaf)

    def _product(self, product: Product) -> str:
        told = {
            "id": product.id,
            "made by": product.owner,
            "made at": product.ready_at and product.ready_at.isoformat(timespec="seconds"),
        }
        is_there = product.state != ProductState.REMOVED
        url = f"{self._portal}/products/{product.id}" if is_there else ""
        leaf = leaf_of(product.slug, product.id)
        return self._node(f"product:{product.id}", "product", leaf, told, url=url)

    def _kept(self, view: ProvenanceView, start: str, product: str, *, whole: bool, leaf: str) -> None:
        nodes, edges = behind(view, start, lead_on=whole)
        if len(self.nodes) + len(nodes) > MOST_NODES:
            self._note(
                f"What lies behind the product {leaf} is too much for one chain: see the product's own."
            )
            return
        if nodes:
            self._edge(product, start, "wasDerivedFrom")
        for one in nodes:
            self.nodes.setdefault(one.id, one)
        for edge in edges:
            self._edges.setdefault(edge)
        for words in view.notes:
            self._note(words if words in (REPORTED, NOT_KEPT) else f"Of the product {leaf}: {words}")

    def _earlier(self, job: Job, row: Input) -> str | None:
        """Return the node of an earlier job's result where this input is one, with that job's own chain."""
        found = _OF_JOB.fullmatch(row.path)
        if found is None or len(self._jobs) >= MOST_JOBS:
            return None
        before = jobs.owned(self._session, owner=job.owner, job=found[1])
        if before is None or before.id == job.id:
            return None
        entries = jobs.results_of(self._session, [before.id])[before.id]
        # Its bytes count, not its name: another attempt may have left another file there.
        used = next((one for one in entries if one.name == found[3] and one.sha256 == row.sha256), None)
        if used is None:
            return None
        self._without_results(before)
        return self._result(before, used)

    def _result(self, job: Job, entry: ResultEntry) -> str:
        told = {
            "file": entry.name,
            "kind": entry.media_type,
            "size": f"{entry.size} bytes",
            "SHA-256": entry.sha256,
        }
        url = f"{self._portal}/jobs/{job.id}/results/{entry.name}"
        node = self._node(f"result:{job.id}:{entry.name}", "result", entry.title or entry.name, told, url=url)
        self._edge(node, f"job:{job.id}", "wasGeneratedBy")
        return node

    def _again(self, job: Job, of: str) -> None:
        if is_product(job.again_of or ""):
            product = products.readable(self._session, job.again_of or "", self._reader)
            if product is not None:
                self._edge(of, self._product(product), "wasInfluencedBy", "run again")
            return
        before = jobs.owned(self._session, owner=job.owner, job=job.again_of or "")
        if before is not None and before.id != job.id:
            url = f"{self._portal}/jobs/{before.id}"
            node = f"job:{before.id}"
            if node not in self.nodes:
                self._node(node, "job", before.title or before.pipeline, self._of_job(before), url=url)
            self._edge(of, node, "wasInformedBy", "run again")

    def _node(self, name: str, kind: NodeKind, label: str, facts: Mapping[str, Any], *, url: str = "") -> str:
        if name not in self.nodes:
            told = [
                ProvenanceFact(name=fact, value=str(value))
                for fact, value in facts.items()
                if value is not None and value is not False and value != ""
            ]
            self.nodes[name] = ProvenanceNode(
                id=name, kind=kind, type=_TYPES.get(kind, "entity"), label=label, facts=told, url=url
            )
        return name

    def _edge(self, source: str, target: str, relation: Relation, role: str = "") -> None:
        edge = ProvenanceEdge(source=source, target=target, relation=relation, role=role)
        self._edges.setdefault(edge)

    def _note(self, words: str) -> None:
        if words not in self.notes:
            self.notes.append(words)
