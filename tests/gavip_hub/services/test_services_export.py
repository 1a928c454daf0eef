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

from avi_kernel.protocol.manifest import PipelineSpec
from avi_kernel.protocol.parameters import ParameterSpec
from avi_kernel.protocol.provenance import ProvenanceEdge, ProvenanceFact, ProvenanceNode, ProvenanceView
from gavip_hub.services.provenance_export import CrateOf, crate_json, crate_pieces, prov_json
from gavip_hub.services.workflows import Workflow

AS_IN_1_1 = {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
}
"""Words that RO-Crate 1.1 names otherwise than the version that the library brings."""
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


@pytest.fixture
def workflow(tmp_path):
    """The program of the chain's job, whose file is there."""
    (tmp_path / "checkout/pipelines").mkdir(parents=True)
    (tmp_path / "checkout/pipelines/match.ipynb").write_text("{}")
    parameters = [
        ParameterSpec(name="stars", type="file"),
        ParameterSpec(name="radius", type="number", default=2.0, unit="deg", help="How far."),
    ]
    spec = PipelineSpec(
        name="match", kind="notebook", path="pipelines/match.ipynb", title="Match", parameters=parameters
    )
    return Workflow(
        avi="stars",
        version="1.0",
        licence="BSD-3-Clause",
        pipeline=spec,
        parameters={"stars": "data/a.csv", "radius": 2.5},
        folder=tmp_path / "checkout",
    )


def graph_of(text):
    return {entity["@id"]: entity for entity in json.loads(text)["@graph"]}


def listed(value):
    return [one["@id"] for one in (value if isinstance(value, list) else [value])]


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
    graph = graph_of(crate_json(CrateOf(view=chain, base=BASE)))
    action = graph["#job%3Aj1"]
    [program] = listed(action["instrument"])
    assert graph[program]["@type"] == "SoftwareApplication"
    assert listed(action["result"]) == [f"{BASE}/services/gavip/api/jobs/j1/results/a.csv"]
    assert action["startTime"].startswith("2026-01-01")
    assert "agent" in action
    assert graph["#input%3A1"]["isBasedOn"] == [{"@id": "#product%3Ap1"}]
    assert graph["#product%3Ap1"]["isBasedOn"] == [{"@id": "#result%3Aj0%3Ab.csv"}]
    assert graph["#job%3Aj0"]["result"] == [{"@id": "#result%3Aj0%3Ab.csv"}]


def test_a_job_is_the_run_of_a_workflow_with_typed_inputs_and_outputs(chain, workflow):
    graph = graph_of(crate_json(CrateOf(view=chain, base=BASE, workflow=workflow)))
    main = graph[graph["./"]["mainEntity"]["@id"]]
    assert main["@type"] == ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    action = graph["#job%3Aj1"]
    assert listed(action["instrument"]) == [main["@id"]]
    kinds = {
        name: graph[name]["additionalType"] for name in [*listed(main["input"]), *listed(main["output"])]
    }
    assert kinds == {"#input-stars": "File", "#input-radius": "Float", "#output-a.csv": "File"}
    radius = graph["#value-radius"]
    assert (radius["value"], listed(radius["exampleOfWork"])) == (2.5, ["#input-radius"])
    assert {"#value-radius", "#input%3A1"} <= set(listed(action["object"]))


@pytest.mark.parametrize("lacks", ["release", "file"])
def test_what_is_not_open_or_not_there_is_told_as_a_process(chain, workflow, lacks):
    if lacks == "file":
        (workflow.folder / "pipelines/match.ipynb").unlink()
    of = CrateOf(view=chain, base=BASE, workflow=workflow if lacks == "file" else None)
    pieces = crate_pieces(of, open_result=lambda _: io.BytesIO(b"x"))
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as crate:
        graph = graph_of(crate.read("ro-crate-metadata.json"))
    assert listed(graph["./"]["conformsTo"]) == ["https://w3id.org/ro/wfrun/process/0.5"]
    assert "mainEntity" not in graph["./"]


def test_results_that_a_product_does_not_hold_are_named_and_not_packed(chain):
    opened = []
    of = CrateOf(view=chain, base=BASE)
    pieces = crate_pieces(
        of, open_result=lambda name: opened.append(name) or io.BytesIO(b"x"), names={"b.csv"}
    )
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as crate:
        assert "results/a.csv" not in crate.namelist()
    assert opened == []


def faults_of(folder, profile):
    """Return what the validator finds, at the level of what must be."""
    settings = services.ValidationSettings(
        rocrate_uri=folder,
        profile_identifier=profile,
        requirement_severity=models.Severity.REQUIRED,
        skip_checks=["ro-crate-1.1_3.1", "ro-crate-1.1_3.2"],  # they ask w3id.org for the context
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rdflib's, of its own future
        issues = services.validate(settings).get_issues()
    return [f"{issue.check.identifier} {issue.message}" for issue in issues]


@pytest.fixture
def without_network(monkeypatch):
    """The validator asks w3id.org for the words of crates: the library that makes them has these, too."""
    words = json.loads((files("rocrate") / "data" / "ro-crate.jsonld").read_text("utf-8"))
    words["@context"] |= AS_IN_1_1
    monkeypatch.setattr(document_loader, "_fetch_json_ld", lambda _: words)


@pytest.mark.parametrize(
    "profile", [pytest.param("process-run-crate", marks=pytest.mark.acceptance), "workflow-run-crate"]
)
def test_a_crate_is_valid_by_the_profiles_of_runs(chain, workflow, tmp_path, without_network, profile):
    of = CrateOf(
        view=chain,
        base=BASE,
        workflow=workflow if profile.startswith("workflow") else None,
        licence="CC-BY-4.0",
    )
    pieces = crate_pieces(of, open_result=lambda _: io.BytesIO(b"x\n1\n"))
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as crate:
        crate.extractall(tmp_path / "crate")
    assert faults_of(tmp_path / "crate", profile) == []
