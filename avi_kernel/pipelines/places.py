"""Where a job finds its folders, told by its environment alone; see docs/explanation/contracts.md."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

RESULTS_VARIABLE = "GAVIP_RESULTS_DIR"
NOTES_VARIABLE = "GAVIP_PROGRESS_FILE"
TITLES_VARIABLE = "GAVIP_TITLES_FILE"
QUERIES_VARIABLE = "GAVIP_QUERIES_FILE"
NO_KERNEL_VARIABLE = "GAVIP_NO_KERNEL"
"""Set for the platform's own jobs: they need no kernel, and one would run what a release's packages run at their import."""
SECRETS = ("GAVIP_TOKEN", "JUPYTERHUB_API_TOKEN")


@dataclass(frozen=True, kw_only=True)
class JobPlaces:
    """The folders of one attempt."""

    code: Path
    """The AVI's checkout; read-only."""
    work: Path
    """The AVI's folder in the user-space, kept from job to job."""
    attempt: Path
    """This attempt's own."""

    @classmethod
    def of_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read them from the variables that every backend sets."""
        return cls(
            code=Path(environ["GAVIP_CODE_DIR"]),
            work=Path(environ["GAVIP_WORK_DIR"]),
            attempt=Path(environ["GAVIP_ATTEMPT_DIR"]),
        )

    @property
    def results(self) -> Path:
        """Folder of the files that become results."""
        return self.attempt / "results"

    @property
    def notes(self) -> Path:
        """File in which user code leaves its progress."""
        return self.attempt / "progress.json"

    @property
    def titles(self) -> Path:
        """File in which user code leaves the titles of results, one JSON value a line."""
        return self.attempt / "titles.jsonl"

    @property
    def queries(self) -> Path:
        """File in which connectors leave what they asked of archives, one JSON object a line."""
        return self.attempt / "queries.jsonl"

    def child_environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the process that runs the author's code.

        The attempt's token stays behind, and what is said to its runner alone. Caches go to the AVI's own folder
        where the home is read-only, or matplotlib would look for all fonts again in every job.
        """
        left = (*SECRETS, NO_KERNEL_VARIABLE)
        kept = {name: value for name, value in environ.items() if name not in left}
        own = {
            RESULTS_VARIABLE: str(self.results),
            NOTES_VARIABLE: str(self.notes),
            TITLES_VARIABLE: str(self.titles),
            QUERIES_VARIABLE: str(self.queries),
            "PYTHONUNBUFFERED": "1",
            "IPYTHONDIR": str(Path(tempfile.gettempdir()) / "ipython"),
        }
        return {**self._caches(environ), **kept, **own}

    def _caches(self, environ: Mapping[str, str]) -> dict[str, str]:
        if os.access(environ.get("HOME", ""), os.W_OK):
            return {}
        cache = self.work / ".cache"
        return {
            "XDG_CACHE_HOME": str(cache),
            "XDG_CONFIG_HOME": str(self.work / ".config"),
            "MPLCONFIGDIR": str(cache / "matplotlib"),
        }
