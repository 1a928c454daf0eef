"""The picture of a chain: everything left of what comes of it, and nothing that is no picture any more."""

from datetime import UTC, datetime

from avi_kernel.protocol.provenance import ProvenanceEdge, ProvenanceNode, ProvenanceView
from gavip_hub.handlers.provenance_picture import MOST_IN_A_COLUMN, picture_of, stations_of


def node(name, kind="result", **more):
    sort = {"job": "activity", "person": "agent"}.get(kind, "entity")
    return ProvenanceNode(id=name, kind=kind, type=sort, label=more.pop("label", name), **more)


def view(nodes, *pairs):
    edges = [ProvenanceEdge(source=source, target=target, relation="used") for source, target in pairs]
    return ProvenanceView(of="j", made_at=datetime(2026, 1, 1, tzinfo=UTC), nodes=nodes, edges=edges)


CHAIN = view(
    [node("r"), node("j", "job", url="/jobs/j"), node("q", "query"), node("a", "archive")],
    ("r", "j"),
    ("j", "q"),
    ("q", "a"),
    ("j", "a"),
)


def test_what_a_thing_comes_of_lies_left_of_it():
    places = {box.id: box.x for box in picture_of(CHAIN).boxes}
    assert places["a"] < places["q"] < places["j"] < places["r"]
    assert len(picture_of(CHAIN).lines) == 4


def test_a_box_leads_to_its_page_or_to_its_entry_in_the_list():
    urls = {box.id: box.url for box in picture_of(CHAIN).boxes}
    entries = {station.node.id: f"#{station.id}" for station in stations_of(CHAIN)}
    assert urls["j"] == "/jobs/j"
    assert urls["q"] == entries["q"]


def test_the_list_begins_with_the_results_and_tells_what_each_comes_of():
    first, *_, last = stations_of(CHAIN)
    assert (first.node.id, first.comes_of) == ("r", ["j"])
    assert (last.node.id, last.comes_of) == ("a", [])


def test_of_many_results_the_picture_shows_some_and_the_list_all():
    many = [node(f"r{number}") for number in range(50)]
    wide = view([node("j", "job"), *many], *((one.id, "j") for one in many))
    assert picture_of(wide).left_out == 50 - MOST_IN_A_COLUMN
    assert len(stations_of(wide)) == 51


def test_a_chain_that_goes_in_a_circle_is_drawn_all_the_same():
    circle = view([node("a"), node("b")], ("a", "b"), ("b", "a"))
    assert len(picture_of(circle).boxes) == 2


def test_an_empty_chain_is_a_picture():
    assert picture_of(view([])).boxes == []


def test_a_long_name_is_cut_in_the_box_and_whole_in_its_title():
    [box] = picture_of(view([node("r", label="x" * 100)])).boxes
    assert (len(box.label), box.title) == (23, f"Result: {'x' * 100}")
