"""What the platform relies on in every image; run in it, as a box is: `python -I - < images/contract.py`."""

import os
import stat
import sys
import sysconfig
from collections.abc import Iterator
from importlib.util import cache_from_source
from pathlib import Path

PREFIX = Path("/opt/gavip")
ANYONES = {"/tmp", "/var/tmp", "/run/lock"}
UNCOMPILED = 0.01
"""Some packages carry templates and samples of other Pythons that no compiler takes."""


def every_file(root: str) -> Iterator[tuple[Path, os.stat_result]]:
    """Walk what the image itself holds: what the engine mounts lies on other devices."""
    if not Path(root).exists():  # the base has no environment yet
        return
    device = Path(root).lstat().st_dev
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if Path(folder, name).lstat().st_dev == device]
        for name in (*folders, *files):
            yield Path(folder, name), Path(folder, name).lstat()


def check_nobody_gains_rights() -> None:
    found = [
        path for path, status in every_file("/") if stat.S_ISREG(status.st_mode) and status.st_mode & 0o6000
    ]
    assert not found, found


def check_only_scratch_is_anyones() -> None:
    found = {
        str(path) for path, status in every_file("/") if not path.is_symlink() and status.st_mode & 0o002
    }
    assert not found - ANYONES, found


def check_everything_may_be_read() -> None:
    for path, status in every_file(str(PREFIX)):
        wanted = 0o005 if stat.S_ISDIR(status.st_mode) else 0o004
        assert stat.S_ISLNK(status.st_mode) or status.st_mode & wanted == wanted, path


def check_root_is_read_only() -> None:
    for folder in ("/", "/opt", "/var/tmp", "/home"):
        try:
            Path(folder, "written").write_text("")
        except OSError:
            continue
        raise AssertionError(f"{folder} can be written to")


def check_byte_code_is_there() -> None:
    for libraries in (sysconfig.get_path("stdlib"), *map(str, PREFIX.glob("**/site-packages"))):
        sources = [path for path, _ in every_file(libraries) if path.suffix == ".py"]
        missing = [path for path in sources if not Path(cache_from_source(str(path))).exists()]
        assert len(missing) <= UNCOMPILED * len(sources), (libraries, len(missing), missing[:5])


def check_nothing_is_left_of_the_build() -> None:
    assert not any(Path("/var/lib/apt/lists").iterdir())
    assert not Path("/build").exists()
    left = [*PREFIX.glob(".lock"), *PREFIX.glob("lab/.lock")]
    for name in ("pip", "uv", "rfc3987_syntax"):
        left += PREFIX.glob(f"**/site-packages/{name}")
    # Builds of AVIs' packages run in the image of AVIs, and by its own pip.
    own = set(PREFIX.glob("lib/python3*/site-packages/pip"))
    assert not set(left) - own, left


def check_environment() -> None:
    assert os.environ["LANG"] == "C.UTF-8"
    assert os.environ["PYTHONDONTWRITEBYTECODE"] == "1"
    assert os.environ["PATH"].split(":")[0] == "/opt/gavip/bin"
    assert sys.getfilesystemencoding() == "utf-8"
    assert not any(
        name in os.environ for name in ("HTTP_PROXY", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "SSL_CERT_FILE")
    )


def check_interpreter() -> None:
    if not PREFIX.exists():
        return
    assert sys.executable == "/opt/gavip/bin/python", sys.executable
    assert sys.prefix == str(PREFIX)
    assert sys.version_info[:2] == (3, 11)


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            check()
            print(f"ok {name.removeprefix('check_')}")
