"""The chain of a job as a picture: columns from the archive on the left to the results on the right."""

from collections import defaultdict
from dataclasses import dataclass, field

from avi_kernel.protocol.provenance import NodeKind, ProvenanceNode, ProvenanceView

BOX_WIDTH, BOX_HEIGHT = 176, 46
COLUMN, ROW = 228, 60
MARGIN = 8
MOST_IN_A_COLUMN = 8
LONGEST_LABEL = 23
KIND_WORDS: dict[NodeKind, str] = {
    "archive": "Archive",
    "query": "Query",
    "input": "Input file",
    "product": "Product",
    "parameters": "Values",
    "release": "AVI",
    "environment": "Packages",
    "image": "Image",
    "job": "Job",
    "result": "Result",
    "person": "Person",
}
_ORDER = list(KIND_WORDS)


@dataclass(frozen=True, kw_only=True)
class Box:
    """One node of the picture."""

    id: str
    kind: NodeKind
    word: str
    label: str
    title: str
    url: str
    x: int
    y: int


@dataclass(frozen=True, kw_only=True)
class Picture:
    """All of it, in units of its own."""

    width: int
    height: int
    boxes: list[Box]
    lines: list[str]
    """Paths, as SVG writes them."""
    left_out: int = 0
    """Nodes that only the list shows."""


@dataclass(frozen=True, kw_only=True)
class Station:
    """One node of the list, with what it leads back to."""

    id: str
    word: str
    node: ProvenanceNode
    comes_of: list[str] = field(default_factory=list)


def picture_of(view: ProvenanceView) -> Picture:
    """Return where each node lies, and the lines between them."""
    ranks = _ranks(view)
    columns = defaultdict[int, list[ProvenanceNode]](list)
    for node in view.nodes:
        columns[ranks[node.id]].append(node)
    ids = {node.id: anchor_of(number) for number, node in enumerate(view.nodes, 1)}
    boxes: dict[str, Box] = {}
    for rank, nodes in columns.items():
        shown = sorted(nodes, key=lambda node: _ORDER.index(node.kind))[:MOST_IN_A_COLUMN]
        boxes |= {node.id: _box(node, ids[node.id], x=rank, y=place) for place, node in enumerate(shown)}
    tallest = max((min(len(nodes), MOST_IN_A_COLUMN) for nodes in columns.values()), default=1)
    return Picture(
        width=MARGIN * 2 + COLUMN * max(columns, default=0) + BOX_WIDTH,
        height=MARGIN * 2 + ROW * (tallest - 1) + BOX_HEIGHT,
        boxes=[boxes[node.id] for node in view.nodes if node.id in boxes],
        lines=[
            _line(boxes[edge.target], boxes[edge.source])
            for edge in view.edges
            if edge.source in boxes and edge.target in boxes
        ],
        left_out=len(view.nodes) - len(boxes),
    )


def stations_of(view: ProvenanceView) -> list[Station]:
    """Return the nodes as a list, results first, each with what it comes of."""
    labels = {node.id: node.label for node in view.nodes}
    ids = {node.id: anchor_of(number) for number, node in enumerate(view.nodes, 1)}
    of = defaultdict[str, list[str]](list)
    for edge in view.edges:
        of[edge.source].append(labels[edge.target])
    ranks = _ranks(view)
    ordered = sorted(view.nodes, key=lambda node: -ranks[node.id])
    return [
        Station(id=ids[node.id], word=KIND_WORDS[node.kind], node=node, comes_of=of[node.id])
        for node in ordered
    ]


def anchor_of(number: int) -> str:
    """Return the name of a node's entry in the list."""
    return f"from-{number}"


def _ranks(view: ProvenanceView) -> dict[str, int]:
    """Return each node's column: one right of the last that it comes of; whatever goes in a circle stays where it is."""
    of = defaultdict[str, list[str]](list)
    for edge in view.edges:
        of[edge.source].append(edge.target)
    ranks = {node.id: 0 for node in view.nodes}
    for _ in view.nodes:
        moved = {
            node: max(ranks[target] + 1 for target in targets)
            for node, targets in of.items()
            if ranks[node] <= max(ranks[target] for target in targets)
        }
        if not moved or max(moved.values()) > len(view.nodes):
            break
        ranks |= moved
    return ranks


def _box(node: ProvenanceNode, anchor: str, *, x: int, y: int) -> Box:
    word = KIND_WORDS[node.kind]
    return Box(
        id=node.id,
        kind=node.kind,
        word=word,
        label=_short(node.label),
        title=f"{word}: {node.label}",
        url=node.url or f"#{anchor}",
        x=MARGIN + COLUMN * x,
        y=MARGIN + ROW * y,
    )


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"


def _line(left: Box, right: Box) -> str:
    x, y = left.x + BOX_WIDTH, left.y + BOX_HEIGHT // 2
    to_x, to_y = right.x, right.y + BOX_HEIGHT // 2
    bend = (to_x - x) // 2
    return f"M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"
