"""Read an AVI's folder: manifest and what lies beside it become a `ReleaseSpec`; nothing is executed."""

import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from avi_kernel.protocol.declared import (
    LARGEST_SOURCE,
    cell_parameters,
    notebook_cells,
    task_parameters,
)
from avi_kernel.protocol.manifest import (
    Manifest,
    ParameterDetails,
    PipelineDetails,
    PipelineSpec,
    ReleaseSpec,
    Resources,
)
from avi_kernel.protocol.parameters import MOST_PARAMETERS, ParameterSpec
from avi_kernel.protocol.pipeline_tests import check_tests
from avi_kernel.protocol.problems import FolderProblem, problem_of
from avi_kernel.protocol.requirements import (
    LARGEST_REQUIREMENTS,
    REQUIREMENTS_FILE,
    RequirementProblem,
    read_requirements,
)
from avi_kernel.protocol.toml_lines import line_of

__all__ = ["FolderProblem", "read_release"]

MANIFEST_FILE = "avi.toml"
INTERFACE_FILE = "app.ipynb"
OUTREACH_FILE = "app_outreach.ipynb"
PIPELINES_FOLDER = "pipelines"
NO_PART_OF_AN_AVI = frozenset(
    {
        ".git",
        ".gavip",
        ".venv",
        ".cache",
        "__pycache__",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".DS_Store",
    }
)
"""Names that tools leave in an AVI's folder: neither published nor looked at."""
README_FILES = ("README.md", "README.rst", "README.txt", "README")
_KB = 1024
LARGEST_MANIFEST = 256 * _KB
LARGEST_MODULE = LARGEST_SOURCE
MODULES_TOGETHER = 4 * LARGEST_MODULE
LARGEST_NOTEBOOK = 5 * _KB * _KB
LARGEST_README = 256 * _KB
LONGEST_README = 30_000
"""Characters that are shown of it; what follows is left out."""
LARGEST_SPEC = 1_000_000
"""Characters of all that a release declares, as it is kept and sent to everybody who looks at the AVI."""
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
        Naming file, line and key, and what would be accepted.
    """
    reader = _FolderReader(folder)
    try:
        return reader.release()
    except FolderProblem as problem:
        raise reader.with_line(problem) from None


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
        readme = self._readme()
        spec = ReleaseSpec(
            manifest=manifest,
            pipelines=_with_steps(found, manifest),
            interface=interface,
            outreach_interface=self._notebook(OUTREACH_FILE),
            dashboards=[name for path in self._found("dashboard_*.ipynb") if (name := self._notebook(path))],
            requirements=self._requirements(),
            readme=readme[:LONGEST_README],
            readme_cut=len(readme) > LONGEST_README,
        )
        _require_small(spec)
        for pipeline in spec.pipelines:
            details = manifest.pipelines.get(pipeline.name, PipelineDetails())
            check_tests(self._folder, MANIFEST_FILE, pipeline.name, details.tests, pipeline.parameters)
        return spec

    def with_line(self, problem: FolderProblem) -> FolderProblem:
        """Return a problem with its line, where it is one of the manifest's keys."""
        if problem.file != MANIFEST_FILE or not problem.place:
            return problem
        line = line_of(self._text(MANIFEST_FILE, most=LARGEST_MANIFEST) or "", problem.place)
        return FolderProblem(problem.file, problem.message, key=problem.key, place=problem.place, line=line)

    def _manifest(self) -> Manifest:
        table = _toml(self._text(MANIFEST_FILE, most=LARGEST_MANIFEST) or "")
        try:
            return Manifest.model_validate(table)
        except ValidationError as error:
            raise problem_of(MANIFEST_FILE, error, Manifest) from None

    def _pipelines(self, manifest: Manifest) -> dict[str, PipelineSpec]:
        found: dict[str, PipelineSpec] = {}
        modules = self._found(f"{PIPELINES_FOLDER}/*.py")
        self._require_small(modules)
        for path in self._found(f"{PIPELINES_FOLDER}/*.ipynb") + modules:
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

    def _require_small(self, modules: list[str]) -> None:
        size = sum((self._folder / path).lstat().st_size for path in modules)
        if size > MODULES_TOGETHER:
            raise FolderProblem(
                PIPELINES_FOLDER,
                f"its modules come to {size // _KB} kB; at most {MODULES_TOGETHER // _KB} kB are read",
            )

    def _pipeline(self, path: str, stem: str, details: PipelineDetails | None) -> PipelineSpec | None:
        if path.endswith(".ipynb"):
            text = self._text(path, most=LARGEST_NOTEBOOK) or ""
            return _pipeline(path, stem, None, cell_parameters(text, path), details)
        text = self._text(path, most=LARGEST_MODULE) or ""
        task = None if stem.startswith("_") else task_parameters(text, path, stem=stem)
        return _pipeline(path, stem, task[0], task[1], details) if task else None

    def _notebook(self, name: str) -> str | None:
        text = self._text(name, most=LARGEST_NOTEBOOK)
        if text is None:
            return None
        notebook_cells(text, name)
        return name

    def _readme(self) -> str:
        texts = (self._text(name, most=LARGEST_README) for name in README_FILES)
        return next((text for text in texts if text is not None), "")

    def _requirements(self) -> list[str]:
        text = self._text(REQUIREMENTS_FILE, most=LARGEST_REQUIREMENTS) or ""
        try:
            return read_requirements(text)
        except RequirementProblem as problem:
            raise FolderProblem(REQUIREMENTS_FILE, str(problem), line=problem.line) from None

    def _found(self, pattern: str) -> list[str]:
        paths = sorted(path.relative_to(self._folder).as_posix() for path in self._folder.glob(pattern))
        paths = [path for path in paths if ".ipynb_checkpoints" not in path]
        if len(paths) > _MANY:
            raise FolderProblem(pattern, f"at most {_MANY} are accepted; found {len(paths)}")
        return paths

    def _text(self, name: str, *, most: int) -> str | None:
        """Return a file's text, or None where there is none; a link out of the folder is refused.

        Parameters
        ----------
        most
            Bytes: what is larger is refused before any of it is read.
        """
        path = self._folder / name
        if not path.is_symlink() and not path.exists():
            return None
        if not path.resolve().is_relative_to(self._folder):
            raise FolderProblem(name, "is a link out of the AVI's folder")
        if not path.is_file():
            raise FolderProblem(name, "is not a file")
        if path.stat().st_size > most:
            raise FolderProblem(name, _too_large(name, most))
        try:
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise FolderProblem(name, "is not text in UTF-8") from None


def _too_large(name: str, most: int) -> str:
    cure = "; clear the notebook's outputs" if name.endswith(".ipynb") else ""
    return f"is larger than {most // _KB} kB{cure}"


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise FolderProblem(MANIFEST_FILE, "is not valid TOML: it is nested too deeply") from None
    except ValueError as error:  # besides what is no TOML: a number of thousands of digits
        raise FolderProblem(MANIFEST_FILE, f"is not valid TOML: {error}") from None


def _require_small(spec: ReleaseSpec) -> None:
    size = len(spec.model_dump_json())
    if size > LARGEST_SPEC:
        raise FolderProblem(
            MANIFEST_FILE,
            f"manifest and parameters of all pipelines come to {size // 1000} kB; "
            f"at most {LARGEST_SPEC // 1000} kB are accepted: shorten texts and defaults",
        )


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
    _check_needs(needs, found)
    return [_with_its_steps(spec, needs, found) for spec in found.values()]


def _with_its_steps(
    spec: PipelineSpec, needs: dict[str, list[str]], found: dict[str, PipelineSpec]
) -> PipelineSpec:
    order: dict[str, None] = {}
    _put_in_order(spec.name, needs, order)
    steps = [found[name] for name in order if name != spec.name]
    parameters = {p.name: p for step in [spec, *steps][::-1] for p in step.parameters}
    own_first = {p.name: parameters[p.name] for step in [spec, *steps] for p in step.parameters}
    if len(own_first) > MOST_PARAMETERS:
        raise FolderProblem(
            spec.path,
            f"has {len(own_first)} parameters with those of the notebooks it needs; "
            f"at most {MOST_PARAMETERS} are accepted",
        )
    changes = {"steps": [step.path for step in steps], "parameters": list(own_first.values())}
    return spec.model_copy(update=changes)


def _check_needs(needs: dict[str, list[str]], found: dict[str, PipelineSpec]) -> None:
    for name, needed in needs.items():
        key = f"pipelines.{name}.needs"
        for one in [name, *needed]:
            if one not in found:
                raise FolderProblem(
                    MANIFEST_FILE, f"there is no pipeline {one!r}; found: {', '.join(found)}", key=key
                )
            if found[one].kind != "notebook":
                raise FolderProblem(
                    MANIFEST_FILE,
                    f"{found[one].path} is a Luigi task: only notebooks need notebooks",
                    key=key,
                )
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle = error.args[1][::-1]
        raise FolderProblem(
            MANIFEST_FILE,
            f"the pipelines need one another in a circle: {' -> '.join(circle)}",
            key=f"pipelines.{circle[0]}.needs",
        ) from None


def _put_in_order(name: str, needs: dict[str, list[str]], order: dict[str, None]) -> None:
    """Add what a pipeline needs and itself, each once: needs first, and those in the order of the manifest."""
    for needed in needs.get(name, []):
        if needed not in order:
            _put_in_order(needed, needs, order)
    order[name] = None
