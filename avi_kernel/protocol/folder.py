"""Read an AVI's folder: manifest and what lies beside it become a `ReleaseSpec`; nothing is executed."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from avi_kernel.protocol.declared import cell_parameters, notebook_cells, task_parameters
from avi_kernel.protocol.manifest import (
    Manifest,
    ParameterDetails,
    PipelineDetails,
    PipelineSpec,
    ReleaseSpec,
    Resources,
)
from avi_kernel.protocol.parameters import ParameterSpec
from avi_kernel.protocol.problems import FolderProblem, problem_of

__all__ = ["FolderProblem", "read_release"]

MANIFEST_FILE = "avi.toml"
INTERFACE_FILE = "app.ipynb"
OUTREACH_FILE = "app_outreach.ipynb"
PIPELINES_FOLDER = "pipelines"
README_FILES = ("README.md", "README.rst", "README.txt", "README")
LARGEST_FILE = 20 * 1024 * 1024
LONGEST_README = 200_000
_MANY = 100


def read_release(folder: Path) -> ReleaseSpec:
    """Read an AVI's folder.

    Parameters
    ----------
    folder
        The working copy or checkout; only files truly inside it are read.

    Returns
    -------
    ReleaseSpec
        Manifest, pipelines with their parameters and steps, interface notebooks and readme.

    Raises
    ------
    FolderProblem
        Naming file and key, and what would be accepted.
    """
    reader = _FolderReader(folder)
    return reader.release()


class _FolderReader:
    """Finds and reads the files of one folder."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise FolderProblem(str(folder), "is not a folder")
        self._folder = folder.resolve()

    def release(self) -> ReleaseSpec:
        manifest = self._manifest()
        found = self._pipelines(manifest)
        interface = self._notebook(INTERFACE_FILE)
        if interface is None and not found:
            raise FolderProblem(
                str(self._folder), f"is no AVI: it has neither {INTERFACE_FILE} nor a pipeline in pipelines/"
            )
        return ReleaseSpec(
            manifest=manifest,
            pipelines=_with_steps(found, manifest),
            interface=interface,
            outreach_interface=self._notebook(OUTREACH_FILE),
            dashboards=[name for path in self._found("dashboard_*.ipynb") if (name := self._notebook(path))],
            readme=self._readme(),
        )

    def _manifest(self) -> Manifest:
        text = self._text(MANIFEST_FILE)
        try:
            return Manifest.model_validate(tomllib.loads(text or ""))
        except tomllib.TOMLDecodeError as error:
            raise FolderProblem(MANIFEST_FILE, f"is not valid TOML: {error}") from None
        except ValidationError as error:
            raise problem_of(MANIFEST_FILE, error, Manifest) from None

    def _pipelines(self, manifest: Manifest) -> dict[str, PipelineSpec]:
        found: dict[str, PipelineSpec] = {}
        for path in self._found(f"{PIPELINES_FOLDER}/*.ipynb") + self._found(f"{PIPELINES_FOLDER}/*.py"):
            stem = Path(path).stem
            spec = self._pipeline(path, stem, manifest.pipelines.get(stem))
            if spec and stem in found:
                raise FolderProblem(path, f"there is also {found[stem].path}: give one of them another name")
            if spec:
                found[stem] = spec
        for name in manifest.pipelines:
            if name not in found:
                raise FolderProblem(
                    MANIFEST_FILE,
                    f"there is no pipelines/{name}.ipynb and no task in pipelines/{name}.py; "
                    f"found: {', '.join(found) or 'none'}",
                    key=f"pipelines.{name}",
                )
        return found

    def _pipeline(self, path: str, stem: str, details: PipelineDetails | None) -> PipelineSpec | None:
        text = self._text(path) or ""
        if path.endswith(".ipynb"):
            return _pipeline(path, stem, None, cell_parameters(text, path), details)
        task = None if stem.startswith("_") else task_parameters(text, path, stem=stem)
        return _pipeline(path, stem, task[0], task[1], details) if task else None

    def _notebook(self, name: str) -> str | None:
        text = self._text(name)
        if text is None:
            return None
        notebook_cells(text, name)
        return name

    def _readme(self) -> str:
        texts = (self._text(name) for name in README_FILES)
        return next((text[:LONGEST_README] for text in texts if text is not None), "")

    def _found(self, pattern: str) -> list[str]:
        paths = sorted(path.relative_to(self._folder).as_posix() for path in self._folder.glob(pattern))
        paths = [path for path in paths if ".ipynb_checkpoints" not in path]
        if len(paths) > _MANY:
            raise FolderProblem(pattern, f"at most {_MANY} are accepted; found {len(paths)}")
        return paths

    def _text(self, name: str) -> str | None:
        """Return a file's text, or None where there is none; a link out of the folder is refused."""
        path = self._folder / name
        if not path.is_symlink() and not path.exists():
            return None
        if not path.resolve().is_relative_to(self._folder):
            raise FolderProblem(name, "is a link out of the AVI's folder")
        if not path.is_file():
            raise FolderProblem(name, "is not a file")
        if path.stat().st_size > LARGEST_FILE:
            raise FolderProblem(
                name, f"is larger than {LARGEST_FILE // 1024**2} MB; clear the notebook's outputs"
            )
        try:
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise FolderProblem(name, "is not text in UTF-8") from None


def _pipeline(
    path: str, stem: str, task: str | None, declared: list[ParameterSpec], details: PipelineDetails | None
) -> PipelineSpec:
    details = details or PipelineDetails()
    try:
        return PipelineSpec(
            name=stem,
            kind="luigi" if task else "notebook",
            path=path,
            task=task,
            title=details.title or stem.replace("_", " ").replace("-", " ").capitalize(),
            summary=details.summary,
            parameters=_merged(stem, declared, details.parameters),
            resources=Resources(memory=details.memory, cpu=details.cpu, time_limit=details.time_limit),
            hidden=details.hidden,
        )
    except ValidationError as error:
        if error.errors()[0]["loc"] == ("name",):
            raise FolderProblem(
                path, "a pipeline's file name is lower-case letters, digits, '_' and '-', a letter first"
            ) from None
        raise problem_of(path, error, PipelineSpec) from None


def _merged(
    pipeline: str, declared: list[ParameterSpec], details: dict[str, ParameterDetails]
) -> list[ParameterSpec]:
    names = [spec.name for spec in declared]
    for name in details:
        if name not in names:
            raise FolderProblem(
                MANIFEST_FILE,
                f"the pipeline declares no such parameter; it has: {', '.join(names) or 'none'}",
                key=f"pipelines.{pipeline}.parameters.{name}",
            )
    return [_with_details(pipeline, spec, details.get(spec.name)) for spec in declared]


def _with_details(pipeline: str, spec: ParameterSpec, details: ParameterDetails | None) -> ParameterSpec:
    added = details.model_dump(exclude_unset=True) if details else {}
    key = f"pipelines.{pipeline}.parameters.{spec.name}"
    try:
        merged = ParameterSpec.model_validate({**spec.model_dump(), **added})
    except ValidationError as error:
        raise problem_of(MANIFEST_FILE, error, ParameterSpec, within=key) from None
    _check_limits(merged, key)
    return merged


def _check_limits(spec: ParameterSpec, key: str) -> None:
    if spec.minimum is not None and spec.maximum is not None and spec.minimum > spec.maximum:
        raise FolderProblem(
            MANIFEST_FILE, f"minimum {spec.minimum:g} is above maximum {spec.maximum:g}", key=key
        )
    for choice in spec.choices:
        try:
            same = spec.model_copy(update={"choices": []}).check(choice) == choice
        except ValueError as error:
            raise FolderProblem(MANIFEST_FILE, str(error), key=f"{key}.choices") from None
        if not same:
            raise FolderProblem(MANIFEST_FILE, f"{choice!r} is not of type {spec.type}", key=f"{key}.choices")


def _with_steps(found: dict[str, PipelineSpec], manifest: Manifest) -> list[PipelineSpec]:
    """Give each pipeline the notebooks it needs, in order, and their parameters after its own."""
    needs = {name: details.needs for name, details in manifest.pipelines.items() if details.needs}
    specs = []
    for name, spec in found.items():
        steps = [found[step] for step in _ordered(name, needs, found, ())[:-1]]
        parameters = {p.name: p for step in [spec, *steps][::-1] for p in step.parameters}
        own_first = {p.name: parameters[p.name] for step in [spec, *steps] for p in step.parameters}
        specs.append(
            spec.model_copy(update={"steps": [s.path for s in steps], "parameters": list(own_first.values())})
        )
    return specs


def _ordered(
    name: str, needs: dict[str, list[str]], found: dict[str, PipelineSpec], above: tuple[str, ...]
) -> list[str]:
    """Return what a pipeline needs and itself, each once, needs first."""
    key = f"pipelines.{(above or (name,))[-1]}.needs"
    if name in above:
        circle = " -> ".join([*above[above.index(name) :], name])
        raise FolderProblem(MANIFEST_FILE, f"the pipelines need one another in a circle: {circle}", key=key)
    if name not in found:
        raise FolderProblem(
            MANIFEST_FILE, f"there is no pipeline {name!r}; found: {', '.join(found)}", key=key
        )
    if (above or needs.get(name)) and found[name].kind != "notebook":
        raise FolderProblem(
            MANIFEST_FILE, f"{found[name].path} is a Luigi task: only notebooks need notebooks", key=key
        )
    order: list[str] = []
    for needed in needs.get(name, []):
        order += [step for step in _ordered(needed, needs, found, (*above, name)) if step not in order]
    return [*order, name]
