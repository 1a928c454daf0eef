"""The manifest `avi.toml` and what a release is once its notebooks were read too."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from avi_kernel.protocol.base import (
    HOST_PATTERN,
    IMAGE_PATTERN,
    PIPELINE_PATTERN,
    SLUG_PATTERN,
    STORABLE,
    Line,
    Paragraph,
    ReportedText,
    Wire,
    require_storable,
)
from avi_kernel.protocol.parameters import MOST_PARAMETERS, Choices, Limit, ParameterName, ParameterSpec, Unit
from avi_kernel.protocol.pipeline_tests import MOST_TESTS, PipelineTest
from avi_kernel.protocol.wording import got

Slug = Annotated[str, Field(pattern=SLUG_PATTERN, min_length=2, max_length=20)]
PipelineName = Annotated[str, Field(pattern=PIPELINE_PATTERN)]
Host = Annotated[str, Field(pattern=HOST_PATTERN, max_length=260)]
MOST_MEMORY_MB = 10**9
LONGEST_EXPRESSION = 500
ImageName = Annotated[str, Field(pattern=IMAGE_PATTERN)]
DEFAULT_IMAGE = "avi-python"
Keyword = Annotated[str, Field(max_length=60), STORABLE]
Citation = Annotated[str, Field(max_length=5000), STORABLE]
MOST_PIPELINES = 200
MOST_AUTHORS = 100


class ParameterDetails(Wire):
    """What `avi.toml` adds to a parameter that the notebook declares."""

    title: Line = ""
    """Label of the form's field; default: the parameter's name."""
    help: Paragraph = ""
    """Shown below the field; default: the comment beside the declaration."""
    unit: Unit = ""
    """Shown behind the value."""
    minimum: Limit | None = None
    """Least value that is accepted."""
    maximum: Limit | None = None
    """Greatest value that is accepted."""
    choices: Choices = []
    """The only values that are accepted."""
    type: Literal["file"] | None = None
    """`file`: the text is the path of a file of the user's own, which the form lets them pick, the platform hashes and the code
    gets as an absolute path. The same as annotating it `Path`."""


class Resources(Wire):
    """What a container asks for."""

    memory: int | str | None = None
    """MB, or an arithmetic expression of the parameters that gives MB, such as `200 + 40 * radius`; None: the
    platform's default."""
    cpu: float = Field(1.0, gt=0, le=64)
    """Cores promised; more may be used while nobody else needs them."""
    time_limit: int = Field(3600, gt=0, le=30 * 86400)
    """Seconds."""

    @field_validator("memory", mode="before")
    @classmethod
    def _memory_is_possible(cls, memory: object) -> object:
        is_number = isinstance(memory, int) and not isinstance(memory, bool)
        if is_number and not 0 < memory <= MOST_MEMORY_MB:  # type: ignore[operator]
            raise ValueError(f"must be from 1 to {MOST_MEMORY_MB} MB; got {got(memory)}")
        if isinstance(memory, str) and len(require_storable(memory)) > LONGEST_EXPRESSION:
            raise ValueError(
                f"an expression has at most {LONGEST_EXPRESSION} characters; it has {len(memory)}"
            )
        if not (is_number or memory is None or isinstance(memory, str)):
            example = "`200 + 40 * radius`"
            raise ValueError(
                f"must be a whole number of MB, or an expression in quotes, such as {example}; got {got(memory)}"
            )
        return memory


class PipelineDetails(Resources):
    """The `[pipelines.<name>]` table of `avi.toml`."""

    title: Line = ""
    """Shown above the pipeline's form; default: its name."""
    summary: Paragraph = ""
    """One or two sentences on what it computes."""
    needs: list[PipelineName] = Field([], max_length=MOST_PIPELINES)
    """Pipelines (notebooks) that must have run first, in the same job."""
    parameters: dict[ParameterName, ParameterDetails] = Field({}, max_length=MOST_PARAMETERS)
    """Details of parameters that the notebook declares."""
    hidden: bool = False
    """A step that other pipelines need and nobody runs by itself."""
    tests: list[PipelineTest] = Field([], max_length=MOST_TESTS)
    """Runs on small inputs that a check makes, and what is expected of them."""


class InterfaceDetails(Wire):
    """The `[interface]` table: what the interface's server may hold."""

    memory: int = Field(512, ge=64, le=MOST_MEMORY_MB)
    """MB."""
    cpu: float = Field(0.25, gt=0, le=64)
    """Cores promised; more may be used while nobody else needs them."""


class Author(Wire):
    """Who wrote the AVI."""

    name: Line
    """As it is shown."""
    email: Line = ""
    """Where to write to."""
    affiliation: Line = ""
    """Institute or university."""
    orcid: Line = ""
    """ORCID iD, such as `0000-0002-1825-0097`."""


class Manifest(Wire):
    """The file `avi.toml`; every key may be left out."""

    title: Line = ""
    """Name shown to people."""
    summary: Paragraph = ""
    """One or two sentences for the catalogue."""
    authors: list[Author] = Field([], max_length=MOST_AUTHORS)
    """Who wrote it."""
    licence: Line = ""
    """SPDX identifier, such as `BSD-3-Clause`."""
    keywords: list[Keyword] = Field([], max_length=50)
    """Words to find it by."""
    cite: Citation = ""
    """How to cite it."""
    picture: Line = ""
    """Picture of the interface for the catalogue: path of a PNG, JPEG or WebP file in the folder, such as `docs/picture.png`, of 1 MB
    and 4000 pixels a side at most."""
    template: Line = ""
    """Template it was made from."""
    hosts: list[Host] = Field([], max_length=100)
    """Hosts that this AVI asks to reach besides the archive; an operator allows them."""
    image: ImageName = DEFAULT_IMAGE
    """Image that its containers run in, one of the platform's, such as `avi-python`, `avi-java` or `avi-fortran`; without
    containers it runs in the platform's own environment."""
    interface: InterfaceDetails = InterfaceDetails()
    """What the interface's server may hold."""
    pipelines: dict[PipelineName, PipelineDetails] = Field({}, max_length=MOST_PIPELINES)
    """Details of the pipelines found in `pipelines/`."""


class PipelineSpec(Wire):
    """One pipeline of a release, as forms, the scheduler and the runner see it."""

    name: PipelineName
    kind: Literal["notebook", "luigi", "environment", "check"]
    """`environment` and `check`: the platform's own, which fetch the packages that the AVI requires and try all of it."""
    path: str
    """Of the notebook or module, relative to the AVI's folder."""
    task: str | None = None
    """Luigi: name of the class in the module that is asked for."""
    title: Line = ""
    summary: Paragraph = ""
    parameters: list[ParameterSpec] = []
    resources: Resources = Resources()
    steps: list[str] = []
    """Paths of the notebooks that run before `path`, in order."""
    hidden: bool = False


class ReleaseSpec(Wire):
    """Everything a release declares: its manifest and what was found beside it."""

    manifest: Manifest
    pipelines: list[PipelineSpec] = []
    interface: str | None = None
    """Path of the interface notebook, or None where the AVI has only pipelines."""
    outreach_interface: str | None = None
    dashboards: list[str] = []
    requirements: list[str] = []
    """Packages that it needs beside those of its image, one a string."""
    readme: ReportedText = ""
    readme_cut: bool = False
    """Whether the file goes on where `readme` ends."""
