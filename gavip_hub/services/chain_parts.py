"""Parts of chains that were kept with products."""

from collections import defaultdict

from avi_kernel.protocol.provenance import NodeKind, ProvenanceEdge, ProvenanceNode, ProvenanceView

_OWNERS_ALONE: frozenset[NodeKind] = frozenset({"job", "result"})
"""Their pages are shown to nobody else."""


def behind(
    view: ProvenanceView, start: str, *, lead_on: bool
) -> tuple[list[ProvenanceNode], list[ProvenanceEdge]]:
    """Return what one node of a chain comes of, with the node itself; nothing where it is not there.

    Parameters
    ----------
    lead_on
        Whether jobs and results lead on to their pages, which only their owner may see.
    """
    leads: dict[str, list[ProvenanceEdge]] = defaultdict(list)
    for edge in view.edges:
        leads[edge.source].append(edge)
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [edge.target for edge in leads[name]]
    nodes = [node if lead_on else _closed(node) for node in view.nodes if node.id in found]
    return nodes, [edge for edge in view.edges if nodes and edge.source in found]


def _closed(node: ProvenanceNode) -> ProvenanceNode:
    return node.model_copy(update={"url": ""}) if node.kind in _OWNERS_ALONE else node
