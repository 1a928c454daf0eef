"""Where something is from: things, what was done, who did it, and how these hang together, in the words of W3C PROV."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from avi_kernel.protocol.base import ReportedText, Wire

NodeKind = Literal[
    "archive",
    "query",
    "input",
    "product",
    "parameters",
    "release",
    "environment",
    "image",
    "job",
    "result",
    "person",
]
Relation = Literal["used", "wasGeneratedBy", "wasAssociatedWith", "wasDerivedFrom", "wasInformedBy"]
InputState = Literal["waiting", "hashed", "same", "changed", "gone", "holes"]
Verdict = Literal["waiting", "reproduced", "differs", "not_compared"]


class ProvenanceFact(Wire):
    """One thing that is known."""

    name: str
    value: ReportedText


class ProvenanceNode(Wire):
    """A thing, an activity or somebody."""

    id: str
    kind: NodeKind
    type: Literal["entity", "activity", "agent"]
    label: ReportedText
    facts: list[ProvenanceFact] = []
    url: str = ""
    """Its page in the portal."""


class ProvenanceEdge(Wire):
    """How two of them hang together; it points back in time, as in PROV."""

    source: str
    target: str
    relation: Relation
    role: str = ""


class ProvenanceView(Wire):
    """The chain of a job, and of all its results, back to the archive."""

    of: str
    """The job."""
    made_at: datetime
    nodes: list[ProvenanceNode]
    edges: list[ProvenanceEdge]
    notes: list[str] = []
    """What is to be known beside, in words: an input that changed, a thing that was not kept."""


class InputView(Wire):
    """A file that a job reads."""

    parameter: str
    path: str
    size: int | None = None
    sha256: Annotated[str, Field(max_length=64)] | None = None
    """None: not taken yet, or not to be had."""
    product: str | None = None
    state: InputState
    """`waiting` for its hash, `hashed` while the job runs, `same` to its end, `changed` while it ran, `gone`, or mostly `holes`."""


class InputChange(Wire):
    """An input that is not what it was."""

    parameter: str
    path: str
    words: str


class AgainView(Wire):
    """What running a job again would meet."""

    job: str
    differing: list[InputChange] = []
    """Empty: all that is known is as it was."""
    reason: str = ""
    """Why it cannot be run again; empty where it can."""


class ComparisonView(Wire):
    """What came of a job that was run again, beside what had come of it before."""

    job: str
    before: str
    verdict: Verdict
    differences: dict[str, ReportedText] = {}
    """Result -> how it differs, in words."""
    alike: list[str] = []
    """Results of other bytes that mean the same."""
    changes: list[ReportedText] = []
    """What the second did not run with as the first did, in words."""
    made_at: datetime | None = None


class RunAgain(Wire):
    """Run a job again with the same everything."""

    even_if_inputs_differ: bool = False
    """Though an input is not what it was."""


class Offer(Wire):
    """What was run before, from the same release, parameters, input bytes and archive release."""

    job: str
    ended_at: datetime | None = None
    url: str
