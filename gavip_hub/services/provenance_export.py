"""Where a job's results are from, in the words of others: W3C PROV with IVOA's terms, and a Workflow Run RO-Crate."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import quote

from prov.identifier import Namespace
from prov.model import ProvDocument
from rocrate.model import ContextEntity, Person, SoftwareApplication
from rocrate.rocrate import ROCrate

from avi_kernel.protocol.licences import USUAL, page_of
from avi_kernel.protocol.provenance import ProvenanceEdge, ProvenanceNode, ProvenanceView
from gavip_hub.services.workflow_entities import PIECE, PROFILES, StreamedFile, WorkflowEntities
from gavip_hub.services.workflows import Workflow

VOPROV = Namespace("voprov", "http://www.ivoa.net/documents/ProvenanceDM/index.html#")
"""As the package `voprov`, the model's reference, names it."""
OpenResult = Callable[[str], BinaryIO]
CRATE_VERSION = "1.1"
"""Of RO-Crate, on which the profile of runs stands."""
NO_LICENSE = "Not stated: ask who ran the job"
_IVOA: Mapping[str, str] = {
    "job": "Activity",
    "release": "ActivityDescription",
    "parameters": "ValueEntity",
    "query": "ValueEntity",
    "person": "Agent",
}
_DATASET = "DatasetEntity"
_SOFTWARE = frozenset({"release", "image", "environment"})
_FILES = frozenset({"input", "result"})
_DATASETS = frozenset({"archive", "product"})


def prov_json(view: ProvenanceView, *, base: str) -> str:
    """Return the chain as W3C PROV-JSON; each node tells its class of the IVOA's provenance model.

    Parameters
    ----------
    base
        The platform's public address.
    """
    own = Namespace("gavip", f"{base}/services/gavip/provenance#")
    document = ProvDocument()
    document.add_namespace(own)
    document.add_namespace(VOPROV)
    names = {node.id: own[quote(node.id, safe="")] for node in view.nodes}
    for node in view.nodes:
        _add_node(document, names[node.id], node, own)
    for edge in view.edges:
        _add_edge(document, edge, names)
    return str(document.serialize(format="json", indent=1))


def _add_node(document: ProvDocument, name: Any, node: ProvenanceNode, own: Namespace) -> None:
    told = facts_of(node)
    attributes: list[tuple[Any, Any]] = [
        ("prov:label", node.label),
        ("prov:type", VOPROV[_IVOA.get(node.kind, _DATASET)]),
        (VOPROV["name"], node.label),
        *((own[quote(key.replace(" ", "_"), safe="")], value) for key, value in told.items()),
    ]
    if node.type == "activity":
        document.activity(name, told.get("started at"), told.get("ended at"), attributes)
    elif node.type == "agent":
        document.agent(name, [*attributes, ("prov:type", document.valid_qualified_name("prov:Person"))])
    else:
        document.entity(name, attributes)


def _add_edge(document: ProvDocument, edge: ProvenanceEdge, names: Mapping[str, Any]) -> None:
    make = getattr(document, edge.relation)
    role = (
        {"prov:role": edge.role}
        if edge.role and edge.relation not in {"wasDerivedFrom", "wasInformedBy", "wasInfluencedBy"}
        else {}
    )
    make(names[edge.source], names[edge.target], other_attributes=role or None)


@dataclass(frozen=True, kw_only=True)
class CrateOf:
    """What a crate is made of: a chain, and what else is to be said of it.

    Parameters
    ----------
    base
        The platform's public address.
    workflow
        The program of the chain's own job; None: it is not open to who asks, and the crate tells of a process alone.
    name, description
        Of what the crate holds; default: what its job is.
    """

    view: ProvenanceView
    base: str
    workflow: Workflow | None = None
    name: str = ""
    description: str = ""
    licence: str = ""
    """Of what is in the crate, by SPDX's list; empty: none is stated."""


def crate_json(of: CrateOf) -> str:
    """Return the chain as `ro-crate-metadata.json`; files are named by their addresses on the platform."""
    return json.dumps(_Crate(of, None, frozenset()).crate.metadata.generate(), indent=1, sort_keys=True)


def crate_pieces(
    of: CrateOf, *, open_result: OpenResult, names: Collection[str] | None = None
) -> Iterator[bytes]:
    """Yield the crate as a zip with the job's results in it, piece by piece; nothing is held but a piece.

    Parameters
    ----------
    open_result
        Opens a result of the job by its name, when its turn has come.
    names
        Of results that can be opened; None: all.
    """
    yield from _Crate(of, open_result, names).crate.stream_zip(chunk_size=PIECE)


class _Crate:
    """A crate of what a job made."""

    def __init__(self, of: CrateOf, open_result: OpenResult | None, names: Collection[str] | None) -> None:
        self._open_result, self._names = open_result, names
        self._view, self._base = of.view, of.base
        self._nodes = {node.id: node for node in of.view.nodes}
        self.crate = ROCrate(version=CRATE_VERSION)
        self._entities: dict[str, Any] = {}
        self._workflow = self._described(of)
        for node in of.view.nodes:
            if node.kind != "job" and not self._is_told_by_workflow(node):
                self._entities[node.id] = self._entity(node)
        for node in of.view.nodes:
            if node.kind == "job":
                self._action(node)
        for edge in of.view.edges:
            if edge.relation == "wasDerivedFrom" and self._nodes[edge.source].kind in {"input", "product"}:
                self._entities[edge.source].append_to("isBasedOn", self._entities[edge.target])
        if self._workflow:
            self._workflow.close()

    def _described(self, of: CrateOf) -> WorkflowEntities | None:
        crate, view = self.crate, of.view
        job = next(node for node in view.nodes if node.id == f"job:{view.of}")
        crate.name = of.name or f"{job.label} ({view.of})"
        crate.description = of.description or f"What the job {view.of} made, and what it comes of."
        crate.datePublished = view.made_at.isoformat(timespec="seconds")
        crate.license = self._licence(of.licence)
        # A crate with files in it, and no file of the workflow, is none of a workflow.
        workflow = (
            of.workflow if self._open_result is None or (of.workflow and of.workflow.is_there) else None
        )
        profiles = list(PROFILES.items())[: len(PROFILES) if workflow else 1]
        crate.root_dataset["conformsTo"] = [
            crate.add(
                ContextEntity(
                    crate, url, properties={"@type": "CreativeWork", "name": name, "version": version}
                )
            )
            for url, (name, version) in profiles
        ]
        if workflow is None:
            return None
        address = f"{self._base}/services/gavip/avis/{workflow.avi}?version={quote(workflow.version)}"
        return WorkflowEntities(crate, workflow, address=address, inside=self._open_result is not None)

    def _licence(self, licence: str) -> Any:
        """Return under which terms the crate may be used: an entity that says where they are, or that they are unknown."""
        if not licence:
            return NO_LICENSE
        about = {"@type": "CreativeWork", "name": USUAL.get(licence, licence), "identifier": licence}
        return self.crate.add(ContextEntity(self.crate, page_of(licence), properties=about))

    def _is_told_by_workflow(self, node: ProvenanceNode) -> bool:
        """Tell whether a node is the program of the chain's own job, or the values that it got."""
        own = f"job:{self._view.of}"
        # Another job of the chain may have run in the same release: it needs a program as well.
        others = {edge.target for edge in self._view.edges if edge.relation == "used" and edge.source != own}
        told = {self._program, f"parameters:{self._view.of}"} - others
        return self._workflow is not None and node.id in told

    @property
    def _program(self) -> str:
        """The node of the release in which the chain's own job ran."""
        own = f"job:{self._view.of}"
        used = [edge.target for edge in self._view.edges if edge.source == own and edge.relation == "used"]
        return next((target for target in used if self._nodes[target].kind == "release"), "")

    def _entity(self, node: ProvenanceNode) -> Any:
        told = facts_of(node)
        if node.kind in _FILES:
            return self._file(node, told)
        properties: dict[str, Any] = {"name": node.label, "description": _sentence(node)}
        if node.kind == "person":
            return self.crate.add(Person(self.crate, self._id(node), properties=properties))
        if node.kind in _SOFTWARE:
            version = told.get("commit") or told.get("digest") or told.get("lock") or "unknown"
            properties |= {"version": version, "url": self._address(node)}
            return self.crate.add(SoftwareApplication(self.crate, self._id(node), properties=properties))
        if node.kind in _DATASETS:
            properties |= {"@type": "Dataset", "url": told.get("address") or self._address(node)}
        else:
            properties |= {"@type": "PropertyValue", "value": _sentence(node)}
        return self.crate.add(ContextEntity(self.crate, self._id(node), properties=properties))

    def _file(self, node: ProvenanceNode, told: Mapping[str, str]) -> Any:
        properties = _filled({"name": node.label, "sha256": told.get("SHA-256")})
        if "file" in told:
            properties |= {
                "encodingFormat": told.get("kind", ""),
                "contentSize": told.get("size", "").removesuffix(" bytes"),
            }
        if self._is_inside(node, told):
            assert self._open_result is not None  # noqa: S101  # it is inside
            opened = partial(self._open_result, told["file"])
            return self.crate.add(StreamedFile(self.crate, f"results/{told['file']}", properties, opened))
        if node.url:
            return self.crate.add_file(self._download(node), properties=properties)
        # Known by its hash alone: its owner's file, which nobody else reaches.
        file = self.crate.add(
            ContextEntity(self.crate, self._id(node), properties={"@type": "File", **properties})
        )
        file["alternateName"] = told.get("path") or told.get("file", "")
        return file

    def _is_inside(self, node: ProvenanceNode, told: Mapping[str, str]) -> bool:
        if self._open_result is None or not node.id.startswith(f"result:{self._view.of}:"):
            return False
        return self._names is None or told.get("file") in self._names

    def _action(self, node: ProvenanceNode) -> None:
        is_own = node.id == f"job:{self._view.of}"
        leads = [edge for edge in self._view.edges if edge.source == node.id]
        used = [edge for edge in leads if edge.relation == "used" and edge.target in self._entities]
        software = [self._entities[one.target] for one in used if self._nodes[one.target].kind == "release"]
        others = [self._entities[one.target] for one in used if self._nodes[one.target].kind != "release"]
        made = {
            edge.source: self._entities[edge.source]
            for edge in self._view.edges
            if edge.target == node.id and edge.relation == "wasGeneratedBy"
        }
        if self._workflow and is_own:
            files = {one.role: self._entities[one.target] for one in used if one.role}
            around = [one for one in others if "SoftwareApplication" in one.type]
            if around:
                self._workflow.main["softwareRequirements"] = around
            values = self._workflow.values(files)
            others = [*(one for one in others if one not in around and one not in values), *values]
            software = [self._workflow.main]
            for name, entity in made.items():
                self._workflow.made(facts_of(self._nodes[name]).get("file", name), entity)
        people = [self._entities[one.target] for one in leads if one.relation == "wasAssociatedWith"]
        self._add_action(node, software or others, others, list(made.values()), people)

    def _add_action(
        self, node: ProvenanceNode, instrument: list[Any], used: list[Any], made: list[Any], people: list[Any]
    ) -> None:
        told = facts_of(node)
        status = _STATUS.get(told.get("state", ""), "ActiveActionStatus")
        properties: dict[str, Any] = {
            "name": f"{node.label} ({told.get('id', '')})",
            "startTime": told.get("started at", ""),
            "endTime": told.get("ended at", ""),
            "actionStatus": {"@id": f"http://schema.org/{status}"},
        }
        action = self.crate.add_action(
            instrument, identifier=self._id(node), object=used, result=made, properties=_filled(properties)
        )
        if people:
            action["agent"] = people
        self.crate.root_dataset.append_to("mentions", action)

    def _id(self, node: ProvenanceNode) -> str:
        return f"#{quote(node.id, safe='')}"

    def _address(self, node: ProvenanceNode) -> str:
        return f"{self._base}{node.url}" if node.url else f"{self._base}/services/gavip/"

    def _download(self, node: ProvenanceNode) -> str:
        return f"{self._base}{node.url.replace('/jobs/', '/api/jobs/', 1)}"


_STATUS: Mapping[str, str] = {
    "COMPLETED": "CompletedActionStatus",
    "ERROR": "FailedActionStatus",
    "ABORTED": "FailedActionStatus",
}


def facts_of(node: ProvenanceNode) -> dict[str, str]:
    """Return what is known of a node, by name."""
    return {fact.name: fact.value for fact in node.facts}


def _sentence(node: ProvenanceNode) -> str:
    return "; ".join(f"{fact.name}: {fact.value}" for fact in node.facts) or node.label


def _filled(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value}
