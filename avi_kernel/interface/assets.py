"""Static files: all from this machine, under addresses that change with their content, cached for ever."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import tornado.web
from jupyter_core.paths import jupyter_path
from typing_extensions import override
from voila._version import __version__ as voila_version

from avi_kernel.interface.sources import joined, source_files

OWN = Path(__file__).parent / "share"
"""A Jupyter data folder: `voila/templates/gavip` below it is our template."""
NEEDED = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8")
"""Without both, no widget is drawn."""
WIDGET_BASE = "@jupyter-widgets/base"


@dataclass(frozen=True, kw_only=True)
class LabExtension:
    """One folder of browser code that a Python package brought along."""

    name: str
    folder: Path
    meta: dict[str, Any]

    @property
    def python_package(self) -> str:
        """The package whose import needs it, as far as the extension says."""
        first = str(self.meta["jupyterlab"].get("outputDir", "")).split("/")[0]
        # Voilà's own begin with "..", and two dots are in any code.
        return first if first.isidentifier() else ""

    @property
    def draws_widgets(self) -> bool:
        """Whether it is a library of widgets, rather than a part of JupyterLab's workbench."""
        return WIDGET_BASE in self.meta["jupyterlab"].get("sharedPackages", {})

    @property
    def entry(self) -> dict[str, Any]:
        """What the page's script wants to know, in JupyterLab's words."""
        return {"name": self.name, **self.meta["jupyterlab"]["_build"]}


class Assets:
    """What the browser may load, and under which addresses."""

    def __init__(self, *, base_url: str, folder: Path) -> None:
        self._base_url = base_url
        self._folder = folder

    @cached_property
    def roots(self) -> list[Path]:
        """Folders of the page's own files; the first that has a name wins."""
        return [
            OWN / "voila" / "templates" / "gavip" / "static",
            *_data_folders("voila/templates/base/static"),
            *_data_folders("nbconvert/templates/lab/static"),
        ]

    @cached_property
    def extensions(self) -> list[LabExtension]:
        """The two that draw widgets, and libraries of widgets that the AVI's own code names."""
        return chosen(joined(source_files(self._folder)))

    @cached_property
    def version(self) -> str:
        """A word that changes when any of the files does: part of every address."""
        digest = hashlib.sha256(voila_version.encode())
        for path in [*sorted(self.roots[0].iterdir()), OWN / "bundle.json"]:
            digest.update(path.read_bytes())
        for extension in self.extensions:
            digest.update(f"{extension.name} {extension.meta.get('version')}".encode())
        return digest.hexdigest()[:12]

    def find(self, name: str) -> Path | None:
        """Return the file of a name below `static_url` or, with an extension's name before it, `extensions_url`."""
        candidates = [root / name for root in self.roots]
        candidates += [
            extension.folder / name.removeprefix(extension.name + "/")
            for extension in self.extensions
            if name.startswith(extension.name + "/")
        ]
        return next((path for path in candidates if path.is_file()), None)

    @property
    def static_url(self) -> str:
        """Address of the page's own files, without a slash at the end."""
        return f"{self._base_url}voila/static/{self.version}"

    @property
    def extensions_url(self) -> str:
        """Address of the extensions."""
        return f"{self._base_url}voila/labextensions/{self.version}"

    def page_config(self) -> dict[str, Any]:
        """Return what the page's script reads: stock Voilà scans the whole machine for it at each page."""
        return {
            "appVersion": voila_version,
            "appUrl": "voila/",
            "baseUrl": self._base_url,
            "terminalsAvailable": False,
            "fullStaticUrl": self.static_url,
            "fullLabextensionsUrl": self.extensions_url,
            "federated_extensions": [extension.entry for extension in self.extensions],
            "disabledExtensions": [],
            "extensionConfig": {},
            "jupyterLabTheme": "light",
            # Both None, in the words of Voilà's script: the MathJax that it brings along, not the one of a CDN.
            "fullMathjaxUrl": None,
            "mathjaxConfig": None,
            "progressiveRendering": False,
        }


class AssetHandler(tornado.web.StaticFileHandler):
    """Serve public library code from several folders; anybody may read it, and keep it for ever."""

    roots: list[Path]

    @override
    def initialize(self, roots: Iterable[Path]) -> None:  # type: ignore[override]  # several folders for one
        self.roots = list(roots)
        super().initialize(path=str(self.roots[0]))

    @override
    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        for candidate in self.roots:
            path = candidate / self.path
            if path.is_file():
                self.root = str(candidate)
                return super().validate_absolute_path(self.root, str(path))
        raise tornado.web.HTTPError(404)

    @override
    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.set_header("X-Content-Type-Options", "nosniff")


class ExtensionHandler(AssetHandler):
    """Serve the chosen extensions and no other."""

    @override
    def initialize(self, extensions: Iterable[LabExtension]) -> None:  # type: ignore[override]
        self._extensions = list(extensions)
        super().initialize([extension.folder for extension in self._extensions])

    @override
    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        for extension in self._extensions:
            if self.path.startswith(extension.name + "/"):
                self.root = str(extension.folder)
                rest = self.path.removeprefix(extension.name + "/")
                return tornado.web.StaticFileHandler.validate_absolute_path(
                    self, self.root, str(extension.folder / rest)
                )
        raise tornado.web.HTTPError(404)


def _data_folders(relative: str) -> list[Path]:
    return [Path(root) / relative for root in jupyter_path() if (Path(root) / relative).is_dir()]


def _installed() -> Iterable[LabExtension]:
    """Yield every extension on Jupyter's path, those of Voilà's own included; the first of a name wins."""
    seen: set[str] = set()
    for root in [*_data_folders("labextensions"), *_data_folders("voila/labextensions")]:
        for manifest in [*root.glob("*/package.json"), *root.glob("@*/*/package.json")]:
            meta = json.loads(manifest.read_text())
            if meta["name"] not in seen and "_build" in meta.get("jupyterlab", {}):
                seen.add(meta["name"])
                yield LabExtension(name=meta["name"], folder=manifest.parent, meta=meta)


def chosen(code: str) -> list[LabExtension]:
    """Return the two that draw widgets, and the libraries of widgets that this code names."""
    return [
        extension
        for extension in _installed()
        if extension.name in NEEDED
        or (extension.draws_widgets and extension.python_package and extension.python_package in code)
    ]
