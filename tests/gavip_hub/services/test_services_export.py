"""A chain in the words of others: read back by the standards' own libraries."""

import io
import json
import warnings
import zipfile
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from prov.model import ProvActivity, ProvAgent, ProvDocument, ProvEntity
from rocrate_validator import models, services
from rocrate_validator.utils import document_loader

from avi_kernel.protocol.provenance import ProvenanceEdge, ProvenanceFact, ProvenanceNode, ProvenanceView
from gavip_hub.services.provenance_export import crate_json, crate_pieces, prov_json

BASE = "https://gavip.example.org"


def node(name, what, sort="entity", url="", **facts):
    told = [ProvenanceFact(name=fact.replace("_", " "), value=value) for fact, value in facts.items()]
    return ProvenanceNode(id=name, kind=what, type=sort, label=f"The {what} <é>", facts=told, url=url)


@pytest.fixture(params=["", 'a"b\\c\nd', "é 😀"])
def chain(request):
    odd = request.param
    return ProvenanceView(
        of="j1",
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        nodes=[
            node(
                "job:j1",
                "job",
                "activity",
                url="/services/gavip/jobs/j1",
                id="j1",
                state="COMPLETED",
                started_at="2026-01-01T00:00:00+00:00",
                ended_at="2026-01-01T00:01:00+00:00",
            ),
            node("person:ann", "person", "agent"),
            node("release:stars:1.0", "release", commit="c" * 40),
            node("parameters:j1", "parameters", radius=odd),
            node("input:1", "input", path=f"data/{odd}a.csv", **{"SHA-256": "1" * 64}),
            node("query:j1:1", "query", ADQL=f"SELECT '{odd}'"),
            node("archive:https://a/tap:DR3", "archive", address="https://a/tap"),
            node(
                "result:j1:a.csv",
                "result",
                url="/services/gavip/jobs/j1/results/a.csv",
                file="a.csv",
                kind="text/csv",
                size="12 bytes",
            ),
            # A product of somebody else, and the job that made it, which has no page for this reader.
            node("product:p1", "product", url="/services/gavip/products/p1", id="p1", made_by=odd),
            node("result:j0:b.csv", "result", file=f"{odd}b.csv", **{"SHA-256": "1" * 64}),
            node("job:j0", "job", "activity", id="j0", state="COMPLETED"),
        ],
        edges=[
            ProvenanceEdge(source="job:j1", target="person:ann", relation="wasAssociatedWith", role="ran it"),
            ProvenanceEdge(source="job:j1", target="release:stars:1.0", relation="used", role="program"),
            ProvenanceEdge(source="job:j1", target="parameters:j1", relation="used"),
            ProvenanceEdge(source="job:j1", target="input:1", relation="used", role="stars"),
            ProvenanceEdge(source="job:j1", target="query:j1:1", relation="used"),
            ProvenanceEdge(
                source="query:j1:1", target="archive:https://a/tap:DR3", relation="wasDerivedFrom"
            ),
            ProvenanceEdge(source="result:j1:a.csv", target="job:j1", relation="wasGeneratedBy"),
            ProvenanceEdge(source="input:1", target="product:p1", relation="wasDerivedFrom"),
            ProvenanceEdge(source="product:p1", target="result:j0:b.csv", relation="wasDerivedFrom"),
            ProvenanceEdge(source="result:j0:b.csv", target="job:j0", relation="wasGeneratedBy"),
            ProvenanceEdge(source="job:j0", target="release:stars:1.0", relation="used", role="program"),
        ],
    )


def test_prov_is_read_back_with_everything_in_it(chain):
    read = ProvDocument.deserialize(content=prov_json(chain, base=BASE), format="json")
    counts = [len(list(read.get_records(kind))) for kind in (ProvActivity, ProvAgent, ProvEntity)]
    assert counts == [2, 1, 8]
    assert len(list(read.get_records())) == 11 + len(chain.edges)


def test_prov_tells_the_classes_of_the_ivoas_model(chain):
    text = prov_json(chain, base=BASE)
    for word in (
        "voprov:Activity",
        "voprov:DatasetEntity",
        "voprov:ActivityDescription",
        "voprov:ValueEntity",
    ):
        assert word in text


def test_a_crate_tells_an_action_with_its_program_its_files_and_who_ran_it(chain):
    graph = {entity["@id"]: entity for entity in json.loads(crate_json(chain, base=BASE))["@graph"]}
    action = graph["#job%3Aj1"]
    [program] = [action["instrument"]] if isinstance(action["instrument"], dict) else action["instrument"]
    assert graph[program["@id"]]["@type"] == "SoftwareApplication"
    made = action["result"][0] if isinstance(action["result"], list) else action["result"]
    assert made["@id"] == f"{BASE}/services/gavip/api/jobs/j1/results/a.csv"
    assert action["startTime"].startswith("2026-01-01")
    assert "agent" in action
    assert graph["#input%3A1"]["isBasedOn"] == [{"@id": "#product%3Ap1"}]
    assert graph["#product%3Ap1"]["isBasedOn"] == [{"@id": "#result%3Aj0%3Ab.csv"}]
    assert graph["#job%3Aj0"]["result"] == [{"@id": "#result%3Aj0%3Ab.csv"}]


@pytest.fixture
def without_network(monkeypatch):
    """The validator asks w3id.org for the words of crates: the library that makes them has these, too."""
    words = json.loads((files("rocrate") / "data" / "ro-crate.jsonld").read_text("utf-8"))
    monkeypatch.setattr(document_loader, "_fetch_json_ld", lambda _: words)


def test_a_crate_is_valid_by_the_profile_of_process_runs(chain, tmp_path, without_network):
    pieces = crate_pieces(chain, base=BASE, open_result=lambda _: io.BytesIO(b"x\n1\n"))
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as crate:
        crate.extractall(tmp_path)
    settings = services.ValidationSettings(
        rocrate_uri=tmp_path,
        profile_identifier="process-run-crate",
        requirement_severity=models.Severity.REQUIRED,
        skip_checks=["ro-crate-1.1_3.1", "ro-crate-1.1_3.2"],  # they ask w3id.org for the context
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rdflib's, of its own future
        issues = services.validate(settings).get_issues()
    assert [f"{issue.check.identifier} {issue.message}" for issue in issues] == []
