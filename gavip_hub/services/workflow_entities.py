"""A job's program, its typed inputs and outputs, and the values that it got, as entities of a Workflow Run RO-Crate."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO
from urllib.parse import quote

from rocrate.model import ComputerLanguage, ContextEntity, File
from rocrate.model.computationalworkflow import ComputationalWorkflow
from rocrate.rocrate import ROCrate
from typing_extensions import override

from avi_kernel.protocol.parameters import ParameterSpec, ParameterType
from gavip_hub.services.workflows import Workflow

PIECE = 256 * 1024
PROFILES: Mapping[str, tuple[str, str]] = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
"""The second stands on the two others."""
_FORMAL = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
_TYPES: Mapping[ParameterType, str] = {
    "integer": "Integer",
    "number": "Float",
    "string": "Text",
    "boolean": "Boolean",
    "file": "File",
}
_LANGUAGES = {
    "notebook": ("#jupyter", "Jupyter Notebook", "https://jupyter.org"),
    "luigi": ("#python", "Python", "https://www.python.org"),
}


class StreamedFile(File):  # type: ignore[misc] # rocrate tells no types
    """A file in a crate, which is opened when its turn comes and not by its path."""

    def __init__(
        self, crate: ROCrate, place: str, properties: dict[str, Any], opened: Callable[[], BinaryIO]
    ) -> None:
        super().__init__(crate, dest_path=place, properties=properties)
        self._opened = opened

    @override
    def stream(self, chunk_size: int = PIECE) -> Iterator[tuple[str, bytes]]:
        """Yield its content with the name that it has in the crate."""
        with self._opened() as file:
            piece = file.read(chunk_size)
            yield self.id, piece  # once for an empty file as well
            while piece := file.read(chunk_size):
                yield self.id, piece


class StreamedWorkflow(StreamedFile, ComputationalWorkflow):  # type: ignore[misc]
    """A workflow's file in a crate, opened when its turn comes."""


class WorkflowEntities:
    """Adds a workflow to a crate, once.

    Parameters
    ----------
    address
        Of the AVI's page.
    inside
        Whether the workflow's own file is to lie in the crate.
    """

    def __init__(self, crate: ROCrate, workflow: Workflow, *, address: str, inside: bool) -> None:
        self._crate = crate
        self._workflow = workflow
        self.main = self._main(address, inside=inside)
        crate.mainEntity = self.main
        self._inputs = {spec.name: self._input(spec) for spec in workflow.pipeline.parameters}
        self._outputs: list[Any] = []

    def values(self, files: Mapping[str, Any]) -> list[Any]:
        """Add the values that it got; return them, each an example of its formal parameter.

        Parameters
        ----------
        files
            Parameter -> entity of the file that it named.
        """
        found = []
        for name, value in self._workflow.parameters.items():
            if name not in self._inputs:
                continue
            entity = files.get(name) or self._value(name, value)
            self._join(self._inputs[name], entity)
            found.append(entity)
        return found

    def made(self, name: str, entity: Any) -> None:
        """Note that a file is what the workflow made under this name."""
        formal = self._formal(f"#output-{quote(name, safe='')}", name, "File")
        self._outputs.append(formal)
        self._join(formal, entity)

    def close(self) -> None:
        """Tell the workflow's inputs and outputs."""
        self.main["input"] = list(self._inputs.values())
        if self._outputs:
            self.main["output"] = self._outputs

    def _main(self, address: str, *, inside: bool) -> Any:
        workflow, crate = self._workflow, self._crate
        place, name, url = _LANGUAGES.get(workflow.pipeline.kind, _LANGUAGES["notebook"])
        language = crate.add(ComputerLanguage(crate, identifier=place, properties={"name": name, "url": url}))
        properties = {
            "name": workflow.pipeline.title or workflow.pipeline.name,
            "version": workflow.version,
            "url": address,
            "programmingLanguage": language,
        }
        if workflow.licence:
            properties["license"] = workflow.licence
        if inside:
            place = f"workflow/{workflow.pipeline.path}"
            return crate.add(StreamedWorkflow(crate, place, properties, workflow.open))
        # Its file lies elsewhere: named by the page that tells what it is.
        place = f"{address}#{quote(workflow.pipeline.path)}"
        return crate.add(ComputationalWorkflow(crate, place, properties=properties))

    def _input(self, spec: ParameterSpec) -> Any:
        more: dict[str, Any] = {"valueRequired": spec.required}
        if spec.default is not None:
            more["defaultValue"] = str(spec.default)
        if spec.title or spec.help:
            more["description"] = spec.help or spec.title
        if spec.unit:
            more["unitText"] = spec.unit
        return self._formal(f"#input-{spec.name}", spec.name, _TYPES[spec.type], **more)

    def _formal(self, identifier: str, name: str, kind: str, **more: Any) -> Any:
        properties = {"@type": "FormalParameter", "name": name, "additionalType": kind, **more}
        properties["conformsTo"] = {"@id": _FORMAL}
        return self._crate.add(ContextEntity(self._crate, identifier, properties=properties))

    def _value(self, name: str, value: Any) -> Any:
        properties = {"@type": "PropertyValue", "name": name, "value": value}
        return self._crate.add(ContextEntity(self._crate, f"#value-{name}", properties=properties))

    def _join(self, formal: Any, entity: Any) -> None:
        entity.append_to("exampleOfWork", formal)
        formal.append_to("workExample", entity)
