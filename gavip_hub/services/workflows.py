"""The program of a job as others name it: a workflow with typed inputs and outputs, and the file that it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import JsonValue

from avi_kernel.protocol.manifest import PipelineSpec
from gavip_hub.exceptions import NotFound
from gavip_hub.services.releases import ReleaseService
from gavip_hub.storage.beneath import open_file


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A pipeline of a release, and the values with which it ran."""

    avi: str
    version: str
    licence: str
    pipeline: PipelineSpec
    parameters: Mapping[str, JsonValue]
    folder: Path

    def open(self) -> BinaryIO:
        """Open its notebook or module; the caller closes it.

        Raises
        ------
        NotFound
            It is not there, or a link.
        """
        return open_file(self.folder, self.pipeline.path.split("/"))

    @property
    def is_there(self) -> bool:
        """Whether its file can be had."""
        try:
            self.open().close()
        except (NotFound, OSError, ValueError):
            return False
        return True


class WorkflowService:
    """Finds programs, for who may run them: their source is no secret to those."""

    def __init__(self, *, releases: ReleaseService) -> None:
        self._releases = releases

    def of(
        self, *, viewer: str, avi: str, version: str, pipeline: str, parameters: Mapping[str, JsonValue]
    ) -> Workflow | None:
        """Return a pipeline as a workflow; None where its release is not open to who asks."""
        try:
            release = self._releases.get(viewer=viewer, avi=avi, version=version)
        except NotFound:
            return None
        spec = next((one for one in release.spec.pipelines if one.name == pipeline), None)
        if spec is None:
            return None
        return Workflow(
            avi=avi,
            version=version,
            licence=release.spec.manifest.licence,
            pipeline=spec,
            parameters=parameters,
            folder=self._releases.checkout_of(avi, release.commit),
        )
