"""Read an AVI's folder: manifest and what lies beside it become a `ReleaseSpec`; nothing is executed."""

from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from avi_kernel.protocol.declared import (
    LARGEST_SOURCE,
    cell_parameters,
    notebook_cells,
    task_parameters,
)
from avi_kernel.protocol.details import check_memory, merged
from avi_kernel.protocol.layout import MANIFEST_FILE
from avi_kernel.protocol.manifest import (
    Manifest,
    PipelineDetails,
    PipelineSpec,
    ReleaseSpec,
    Resources,
)
from avi_kernel.protocol.needs import with_steps
from avi_kernel.protocol.parameters import ParameterSpec
from avi_kernel.protocol.pictures import PictureProblem, check_picture
from avi_kernel.protocol.pipeline_tests import check_tests
from avi_kernel.protocol.problems import FolderProblem, problem_of
from avi_kernel.protocol.requirements import (
    LARGEST_REQUIREMENTS,
    REQUIREMENTS_FILE,
    RequirementProblem,
    read_requirements,
)
from avi_kernel.protocol.toml_lines import line_of
from avi_kernel.protocol.toml_text import parsed
from avi_kernel.protocol.wording import did_you_mean, listed

__all__ = ["FolderProblem", "read_release"]

INTERFACE_FILE = "app.ipynb"
OUTREACH_FILE = "app_outreach.ipynb"
PIPELINES_FOLDER = "pipelines"
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


def read_release(folder: Path, *, images: Collection[str] | None = None) -> ReleaseSpec:
    """Read an AVI's folder.

    Parameters
    ----------
    folder
        The working copy or checkout; only files truly inside it are read.
    images
        Names that are accepted as its image; None where nobody knows them.

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
        spec = reader.release()
        _require_image(spec.manifest.image, images)
    except FolderProblem as problem:
        raise reader.with_line(problem) from None
    return spec


class _FolderReader:
    """Finds and reads the files of one folder."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise FolderProblem(
                str(folder), "is not a folder; give the folder that holds avi.toml or app.ipynb"
            )
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
            pipelines=with_steps(found, manifest),
            interface=interface,
            outreach_interface=self._notebook(OUTREACH_FILE),
            dashboards=[name for path in self._found("dashboard_*.ipynb") if (name := self._notebook(path))],
            requirements=self._requirements(),
            readme=readme[:LONGEST_README],
            readme_cut=len(readme) > LONGEST_README,
        )
        _require_small(spec)
        if manifest.picture:
            self._check_picture(manifest.picture)
        check_memory(spec.pipelines)
        for pipeline in spec.pipelines:
            details = manifest.pipelines.get(pipeline.name, PipelineDetails())
            check_tests(self._folder, MANIFEST_FILE, pipeline.name, details.tests, pipeline.parameters)
        return spec

    def with_line(self, problem: FolderProblem) -> FolderProblem:
        """Return a problem with its line, where it is one of the manifest's keys."""
        if problem.file != MANIFEST_FILE or not problem.place:
            return problem
        text = self._text(MANIFEST_FILE, most=LARGEST_MANIFEST) or ""
        # What is missing has no line: that of its table is the next best.
        places = (problem.place[:count] for count in range(len(problem.place), 0, -1))
        return problem.at(next((line for place in places if (line := line_of(text, place))), None))

    def _manifest(self) -> Manifest:
        table = parsed(self._text(MANIFEST_FILE, most=LARGEST_MANIFEST) or "", MANIFEST_FILE)
        try:
            return Manifest.model_validate(table)
        except ValidationError as error:
            raise problem_of(MANIFEST_FILE, error, Manifest) from None

    def _check_picture(self, name: str) -> None:
        try:
            check_picture(self._folder, name)
        except PictureProblem as problem:
            raise FolderProblem(MANIFEST_FILE, str(problem), key="picture") from None

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
                    f"found: {listed(found)}{did_you_mean(name, found)}",
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
        for path in paths:
            if not path.isprintable():
                raise FolderProblem(path, "its name must be text that can be shown; rename it")
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
        self._require_file(path, name)
        if path.stat().st_size > most:
            raise FolderProblem(name, _too_large(name, most))
        return _decoded(path.read_bytes(), name)

    def _require_file(self, path: Path, name: str) -> None:
        try:
            whole = path.resolve()
        except RuntimeError:
            raise FolderProblem(name, "is a link that leads to itself; put the file in its place") from None
        if not whole.is_relative_to(self._folder):
            raise FolderProblem(name, "is a link out of the AVI's folder; put the file in its place")
        if path.is_symlink() and not path.exists():
            raise FolderProblem(name, "is a link to nothing; put the file in its place")
        if not path.is_file():
            raise FolderProblem(name, "is not a file; it must be a plain file, or not be there")


def _decoded(content: bytes, name: str) -> str:
    """Return a file's text as editors see it, with lines that end alike."""
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FolderProblem(
            name, f"is not text in UTF-8: byte 0x{content[error.start]:02x}; save it as UTF-8", line=line
        ) from None


def _require_image(image: str, known: Collection[str] | None) -> None:
    if known is not None and image not in known:
        raise FolderProblem(
            MANIFEST_FILE,
            f"{image!r} is none of this platform's images: {listed(known)}{did_you_mean(image, known)}",
            key="image",
        )


def _too_large(name: str, most: int) -> str:
    cure = "; clear the notebook's outputs" if name.endswith(".ipynb") else ""
    return f"is larger than {most // _KB} kB{cure}"


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
            parameters=merged(stem, declared, details.parameters),
            resources=Resources(memory=details.memory, cpu=details.cpu, time_limit=details.time_limit),
            hidden=details.hidden,
        )
    except ValidationError as error:
        if error.errors()[0]["loc"] == ("name",):
            raise FolderProblem(
                path, "a pipeline's file name is lower-case letters, digits, '_' and '-', a letter first"
            ) from None
        raise problem_of(path, error, PipelineSpec) from None
