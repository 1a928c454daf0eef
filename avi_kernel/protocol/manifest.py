"""The manifest `avi.toml` and what a release is once its notebooks were read too."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from avi_kernel.protocol.base import Wire
from avi_kernel.protocol.parameters import ParameterName, ParameterSpec

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", min_length=2, max_length=20)]
PipelineName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+(:\d{1,5})?$")]


class ParameterDetails(Wire):
    """What `avi.toml` adds to a parameter that the notebook declares."""

    title: str = ""
    help: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: list[JsonValue] = []


class Resources(Wire):
    """What a container asks for."""

    memory: int | str | None = None
    """MB, or an arithmetic expression of the parameters that gives MB, such as `200 + 40 * radius`; None: the
    platform's default."""
    cpu: float = Field(1.0, gt=0, le=64)
    """Cores promised; more may be used while nobody else needs them."""
    time_limit: int = Field(3600, gt=0, le=30 * 86400)
    """Seconds."""


class PipelineDetails(Resources):
    """The `[pipelines.<name>]` table of `avi.toml`."""

    title: str = ""
    """Shown above the pipeline's form; default: its name."""
    summary: str = ""
    """One or two sentences on what it computes."""
    needs: list[PipelineName] = []
    """Pipelines (notebooks) that must have run first, in the same job."""
    parameters: dict[ParameterName, ParameterDetails] = {}
    """Details of parameters that the notebook declares."""
    hidden: bool = False
    """A step that other pipelines need and nobody runs by itself."""


class InterfaceDetails(Wire):
    """The `[interface]` table: what the interface's server may hold."""

    memory: int = Field(512, ge=64)
    """MB."""
    cpu: float = Field(0.25, gt=0, le=64)
    """Cores promised; more may be used while nobody else needs them."""


class Author(Wire):
    """Who wrote the AVI."""

    name: str
    email: str = ""
    affiliation: str = ""
    orcid: str = ""


class Manifest(Wire):
    """The file `avi.toml`; every key may be left out."""

    title: str = ""
    """Name shown to people."""
    summary: str = ""
    """One or two sentences for the catalogue."""
    authors: list[Author] = []
    """Who wrote it."""
    licence: str = ""
    """SPDX identifier, such as `BSD-3-Clause`."""
    keywords: list[str] = []
    """Words to find it by."""
    cite: str = ""
    """How to cite it."""
    template: str = ""
    """Template it was made from."""
    hosts: list[Host] = []
    """Hosts that this AVI asks to reach besides the archive; an operator allows them."""
    interface: InterfaceDetails = InterfaceDetails()
    """What the interface's server may hold."""
    pipelines: dict[PipelineName, PipelineDetails] = {}
    """Details of the pipelines found in `pipelines/`."""


class PipelineSpec(Wire):
    """One pipeline of a release, as forms, the scheduler and the runner see it."""

    name: PipelineName
    kind: Literal["notebook", "luigi"]
    path: str
    """Of the notebook or module, relative to the AVI's folder."""
    task: str | None = None
    """Luigi: name of the class in the module that is asked for."""
    title: str = ""
    summary: str = ""
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
    readme: str = ""
