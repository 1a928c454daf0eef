"""Where something is from: things, what was done, who did it, and how these hang together, in the words of W3C PROV."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from avi_kernel.protocol.base import Line, Paragraph, ReportedText, Wire

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
Relation = Literal[
    "used", "wasGeneratedBy", "wasAssociatedWith", "wasDerivedFrom", "wasInformedBy", "wasInfluencedBy"
]
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
    """A job of one's own, or a product."""
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
    """What was run before, from the same release, parameters, input bytes, packages and archive release."""

    job: str | None = None
    """One's own."""
    product: str | None = None
    """Or a product that one may read."""
    owner: str = ""
    title: ReportedText = ""
    ended_at: datetime | None = None
    url: str


class ProductInput(Wire):
    """A file that a product's job read, and what whoever runs it again would read instead."""

    parameter: str
    path: str
    """As its owner named it."""
    sha256: str
    yours: str = ""
    """Path of a file with the same content that the asker may read; empty: none is known."""


class ProductAgainView(Wire):
    """What running a product's job again would meet."""

    product: str
    avi: str = ""
    version: str = ""
    pipeline: str = ""
    parameters: dict[str, JsonValue] = {}
    inputs: list[ProductInput] = []
    reason: str = ""
    """Why it cannot be run again; empty where it can."""


class RunProductAgain(Wire):
    """Run a product's job again, for oneself."""

    inputs: dict[Line, Paragraph] = {}
    """Parameter -> path of a file of one's own, where none with the same content is known."""
    even_if_inputs_differ: bool = False
    """Though such a file holds something else."""


class AnswerAsk(Wire):
    """Ask for what was computed, and have nothing run."""

    pipeline: Line
    """Its name."""
    version: Line | None = None
    """Default: the newest."""
    parameters: dict[str, JsonValue] = {}
    """Values for the pipeline's parameters; what is left out has its default."""


class Computed(Wire):
    """A product that is there, and the values that it was made with."""

    offer: Offer
    version: str
    pipeline: str
    parameters: dict[str, JsonValue]
    """Of a file the beginning of its SHA-256."""


class AnswerView(Wire):
    """A product of just these values, or what else there is."""

    answer: Offer | None = None
    """None: these values were not computed, or nobody shares that with the asker."""
    computed: list[Computed] = []
    """What was, newest first, where there is no answer."""
