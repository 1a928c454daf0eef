"""Where a job's results are from, in the words of others: W3C PROV with IVOA's terms, and a Process Run RO-Crate."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import quote

from prov.identifier import Namespace
from prov.model import ProvDocument
from rocrate.model import ContextEntity, File, Person, SoftwareApplication
from rocrate.rocrate import ROCrate
from typing_extensions import override

from avi_kernel.protocol.provenance import ProvenanceEdge, ProvenanceNode, ProvenanceView

VOPROV = Namespace("voprov", "http://www.ivoa.net/documents/ProvenanceDM/index.html#")
"""As the package `voprov`, the model's reference, names it."""
OpenResult = Callable[[str], BinaryIO]
PIECE = 256 * 1024
CRATE_VERSION = "1.1"
"""Of RO-Crate, on which the profile of runs stands."""
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
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
        if edge.role and edge.relation not in {"wasDerivedFrom", "wasInformedBy"}
        else {}
    )
    make(names[edge.source], names[edge.target], other_attributes=role or None)


def crate_json(view: ProvenanceView, *, base: str) -> str:
    """Return the chain as `ro-crate-metadata.json`; files are named by their addresses on the platform.

    Parameters
    ----------
    base
        The platform's public address.
    """
    made = _Crate(view, base, None)
    return json.dumps(made.crate.metadata.generate(), indent=1, sort_keys=True)


def crate_pieces(view: ProvenanceView, *, base: str, open_result: OpenResult) -> Iterator[bytes]:
    """Yield the crate as a zip with the job's results in it, piece by piece; nothing is held but a piece.

    Parameters
    ----------
    open_result
        Opens a result of the job by its name, when its turn has come.
    """
    yield from _Crate(view, base, open_result).crate.stream_zip(chunk_size=PIECE)


class ResultFile(File):  # type: ignore[misc] # rocrate tells no types
    """A result in a crate, which is opened when its turn comes and not by its path."""

    def __init__(
        self, crate: ROCrate, place: str, properties: dict[str, Any], opened: Callable[[], BinaryIO]
    ) -> None:
        super().__init__(crate, dest_path=place, properties=properties)
        self._opened = opened

    @override
    def stream(self, chunk_size: int = PIECE) -> Iterator[tuple[str, bytes]]:
        """Yield its content with the name that it has in the crate."""
        with self._opened() as file:
            piece = file.read(chunk_size)
            yield self.id, piece  # once for an empty file as well
            while piece := file.read(chunk_size):
                yield self.id, piece


class _Crate:
    """A crate of what a job made."""

    def __init__(self, view: ProvenanceView, base: str, open_result: OpenResult | None) -> None:
        self._open_result = open_result
        self._view = view
        self._base = base
        self._nodes = {node.id: node for node in view.nodes}
        self.crate = ROCrate(version=CRATE_VERSION)
        self._entities: dict[str, Any] = {}
        self._describe()
        for node in view.nodes:
            if node.kind != "job":
                self._entities[node.id] = self._entity(node)
        for node in view.nodes:
            if node.kind == "job":
                self._action(node)
        for edge in view.edges:
            if edge.relation == "wasDerivedFrom" and self._nodes[edge.source].kind in {"input", "product"}:
                self._entities[edge.source].append_to("isBasedOn", self._entities[edge.target])

    def _describe(self) -> None:
        crate, view = self.crate, self._view
        job = next(node for node in view.nodes if node.id == f"job:{view.of}")
        crate.name = f"{job.label} ({view.of})"
        crate.description = f"What the job {view.of} made, and what it comes of."
        crate.datePublished = view.made_at.isoformat(timespec="seconds")
        crate.license = NO_LICENSE
        profile = {"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
        crate.root_dataset["conformsTo"] = crate.add(ContextEntity(crate, PROFILE, properties=profile))

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
        if node.url:
            properties |= {
                "encodingFormat": told.get("kind", ""),
                "contentSize": told.get("size", "").removesuffix(" bytes"),
            }
            if self._open_result and node.id.startswith(f"result:{self._view.of}:"):
                opened = partial(self._open_result, told["file"])
                return self.crate.add(ResultFile(self.crate, f"results/{told['file']}", properties, opened))
            return self.crate.add_file(self._download(node), properties=properties)
        # Known by its hash alone: its owner's file, which nobody else reaches.
        file = self.crate.add(
            ContextEntity(self.crate, self._id(node), properties={"@type": "File", **properties})
        )
        file["alternateName"] = told.get("path") or told.get("file", "")
        return file

    def _action(self, node: ProvenanceNode) -> None:
        told = facts_of(node)
        leads = [edge for edge in self._view.edges if edge.source == node.id]
        used = [edge.target for edge in leads if edge.relation == "used"]
        software = [self._entities[target] for target in used if self._nodes[target].kind == "release"]
        others = [self._entities[target] for target in used if self._nodes[target].kind != "release"]
        made = [
            self._entities[edge.source]
            for edge in self._view.edges
            if edge.target == node.id and edge.relation == "wasGeneratedBy"
        ]
        people = [self._entities[edge.target] for edge in leads if edge.relation == "wasAssociatedWith"]
        properties: dict[str, Any] = {
            "name": f"{node.label} ({told.get('id', '')})",
            "startTime": told.get("started at", ""),
            "endTime": told.get("ended at", ""),
            "actionStatus": {
                "@id": f"http://schema.org/{_STATUS.get(told.get('state', ''), 'ActiveActionStatus')}"
            },
        }
        action = self.crate.add_action(
            software or others,
            identifier=self._id(node),
            object=others,
            result=made,
            properties=_filled(properties),
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
