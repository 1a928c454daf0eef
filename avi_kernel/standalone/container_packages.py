"""What an AVI's requirements.txt asks for beside its image: built once in a container of it, and kept for the next start."""

import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from avi_kernel.protocol.requirements import REQUIREMENTS_FILE
from avi_kernel.standalone import engine
from avi_kernel.standalone.container import FOLDER, PACKAGES, PYTHON, Box, follow
from avi_kernel.standalone.engine import ContainerProblem

INDEX = "https://pypi.org/simple"
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})


def kept_at(cache: Path, box: Box, requirements: Sequence[str]) -> Path:
    """Return where the packages of these words and this very image lie.

    It is none of the folders that a container may write to: what lies there is shown to the next one.
    """
    words = "\n".join([engine.image_id(box.image), *requirements])
    return cache / "dev-packages" / hashlib.sha256(words.encode()).hexdigest()[:32]


def build(box: Box, target: Path) -> None:
    """Fill a folder with packages; the one step of `gavip dev --image` in which a package's own programs run.

    Raises
    ------
    ContainerProblem
        They cannot be had; what pip says of it was printed.
    """
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    partial.mkdir(parents=True)
    index = os.environ.get("PIP_INDEX_URL") or INDEX
    builder = replace(box, name=f"{box.name}-packages").with_packages(partial, writable=True)
    # An index on this very machine is not seen from the engine's network.
    network = "host" if urlsplit(index).hostname in _LOOPBACK else "bridge"
    module = (PYTHON, "-I", "-m", "avi_kernel.building.into")
    command = builder.command(*module, f"{FOLDER}/{REQUIREMENTS_FILE}", PACKAGES, index, network=network)
    try:
        if follow(builder, command, told=sys.stdout.write):
            raise ContainerProblem(
                f"The packages of {REQUIREMENTS_FILE} could not be had.",
                "What was wrong stands above; docs/how-to/bring-packages.md tells what is accepted.",
            )
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
