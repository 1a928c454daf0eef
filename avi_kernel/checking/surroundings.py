"""Where what is checked runs: folders of its own, an environment without secrets, and no way out but the check's proxy."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from avi_kernel.pipelines.places import SECRETS

HOOK = Path(__file__).parent / "hook"
CALLS_VARIABLE = "GAVIP_CHECK_CALLS"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# What tells of the platform that the check itself runs on, or of the person at this machine.
_LEFT_OUT = ("JUPYTERHUB_", "GAVIP_API", "GAVIP_ATTEMPT", "GAVIP_TOKEN", "GAVIP_REQUEST", "SSH_", "PYTEST_")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all runs of one check have in common.

    Attributes
    ----------
    scratch
        Where everything goes that they write.
    proxy
        Address of the check's proxy.
    notes
        File in which the hook notes calls.
    outer
        The environment of the check itself.
    """

    folder: Path
    scratch: Path
    proxy: str
    notes: Path
    outer: Mapping[str, str]

    def fresh(self, name: str) -> Path:
        """Return a new folder for one run: nothing that an earlier one kept may help it."""
        taken = len(list(self.scratch.glob("run-*")))
        folder = self.scratch / f"run-{taken + 1}-{name}"
        for below in ("home/.cache", "home/.config", "tmp"):
            (folder / below).mkdir(parents=True)  # astropy warns of one that is named and not there
        return folder

    def environment(self, run: Path, *, role: str = "scientist", api: str = "") -> dict[str, str]:
        """Return the environment of a run.

        Parameters
        ----------
        run
            Its folder, as `fresh` made it.
        role
            Whom its user plays.
        api
            Address of its own little platform, which is asked without the proxy.
        """
        kept = {name: value for name, value in self.outer.items() if not _is_left_out(name)}
        home = run / "home"
        return {
            **kept,
            **self._ways_out(api),
            "HOME": str(home),
            "TMPDIR": str(run / "tmp"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "IPYTHONDIR": str(home / ".ipython"),
            "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
            "JUPYTER_RUNTIME_DIR": str(home / ".runtime"),
            # To look for all fonts takes seconds, and is no work of the AVI's.
            "MPLCONFIGDIR": str(self.scratch / "matplotlib"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(HOOK), kept.get("PYTHONPATH")])),
            "GAVIP_CODE_DIR": str(self.folder),
            "GAVIP_WORK_DIR": str(run / "work"),
            "GAVIP_USER_SPACE": str(run),
            "GAVIP_DEV_PROFILE": role,
            "GAVIP_USER": "checker",
            CALLS_VARIABLE: str(self.notes),
        }

    def _ways_out(self, api: str) -> dict[str, str]:
        around = ",".join(filter(None, [_given(self.outer, "NO_PROXY"), urlsplit(api).netloc]))
        ways = {"HTTP_PROXY": self.proxy, "HTTPS_PROXY": self.proxy, "NO_PROXY": around}
        return ways | {name.lower(): value for name, value in ways.items()}


def upstream_of(environ: Mapping[str, str]) -> str | None:
    """Return the proxy that the check itself has to use."""
    return _given(environ, "HTTPS_PROXY") or _given(environ, "HTTP_PROXY") or None


def _given(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.lower()) or ""


def _is_left_out(name: str) -> bool:
    return name in SECRETS or name.upper() in PROXIES or name.upper().startswith(_LEFT_OUT)
