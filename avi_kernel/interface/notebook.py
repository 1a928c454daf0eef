"""`python -m avi_kernel.interface.notebook`: JupyterLab as a user's notebook server, behind the Hub."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from avi_kernel import fast_imports

LAB_EXTENSIONS = Path(__file__).parent / "lab"
"""What JupyterLab has of the platform: a button that makes an AVI of a notebook, and defaults of its settings."""


def arguments(env: Mapping[str, str]) -> list[str]:
    """Return how to start the server: on the box's socket, in the user's own space."""
    home = env.get("GAVIP_USER_SPACE") or env.get("HOME", ".")
    chosen = [
        f"--ServerApp.root_dir={home}",
        # As whom it runs is the platform's decision; where nothing is sandboxed that may be root.
        "--ServerApp.allow_root=True",
        "--LabApp.extension_manager=readonly",
        f"--LabApp.extra_labextensions_path={LAB_EXTENSIONS}",
        # A box reaches no news of JupyterLab's, and its version is the platform's: nobody is asked about them.
        f"--LabApp.app_settings_dir={LAB_EXTENSIONS / 'settings'}",
    ]
    if socket := env.get("GAVIP_SOCKET"):
        chosen.append(f"--ServerApp.sock={socket}")
    return chosen


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return what to set before the Hub's own start-up code reads it."""
    chosen = {"JUPYTERHUB_SINGLEUSER_EXTENSION": "1"}
    if "JUPYTERHUB_API_URL" in env and "JUPYTERHUB_USER" in env:
        # The Hub names its own address here, which a box cannot reach.
        chosen["JUPYTERHUB_ACTIVITY_URL"] = (
            f"{env['JUPYTERHUB_API_URL']}/users/{env['JUPYTERHUB_USER']}/activity"
        )
    return chosen


def lab() -> Path | None:
    """Return the server's program where Lab has an environment of its own, as in the image `notebook`.

    It lies inside this one, which stays what notebooks run in: Lab's packages are not to be imported by a prototype
    that becomes an AVI (docs/adr/0080).
    """
    program = Path(sys.prefix, "lab", "bin", "jupyterhub-singleuser")
    return program if program.is_file() else None


def main() -> None:
    """Become the server."""
    if (program := lab()) is not None:
        os.environ.update(environment(os.environ))
        os.execv(program, [str(program), *arguments(os.environ), *sys.argv[1:]])  # noqa: S606 - a program of the image
    fast_imports.apply()
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != Path.cwd()]
    os.environ.update(environment(os.environ))
    from jupyterhub.singleuser.extension import main as serve  # noqa: PLC0415 - after the mend and the environment

    sys.argv = ["jupyterhub-singleuser", *arguments(os.environ), *sys.argv[1:]]
    serve()


if __name__ == "__main__":
    main()
