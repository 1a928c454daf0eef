"""`make demo` in an empty Debian with only git, make, Python and CA certificates: no other command."""

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.needs import missing, need_program

REPOSITORY = Path(__file__).parents[2]
LONGEST = 900
KEPT_ENVIRONMENT = re.compile(
    r"^(SSL_CERT_FILE|SSL_CERT_DIR|PIP_CERT|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS|UV_.*|https?_proxy|HTTPS?_PROXY)$"
)

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(LONGEST + 300)]


@pytest.fixture
def debian(tmp_path: Path) -> Iterator[Path]:
    """An empty Debian 12 in a folder, with /proc and /dev, ended and unmounted afterwards."""
    if os.geteuid() != 0:
        missing("root", "a chroot can only be made by root")
    debootstrap = need_program("debootstrap", "apt-get install debootstrap")
    root = tmp_path / "debian"
    include = "--include=git,make,python3,ca-certificates"
    subprocess.run(
        [debootstrap, "--variant=minbase", include, "bookworm", root], check=True, stdout=subprocess.DEVNULL
    )
    for name in ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt"):
        if Path("/", name).exists():
            shutil.copy(Path("/", name), root / name)
    for name in ("proc", "dev"):
        subprocess.run(["mount", "--rbind", f"/{name}", root / name], check=True)
        subprocess.run(["mount", "--make-rslave", root / name], check=True)
    yield root
    for name in ("proc", "dev"):
        subprocess.run(["umount", "--recursive", "--lazy", root / name], check=True)


def start_demo(debian: Path) -> subprocess.Popen[str]:
    subprocess.run(["git", "clone", "-q", REPOSITORY, debian / "root/gavip"], check=True)
    kept = {name: value for name, value in os.environ.items() if KEPT_ENVIRONMENT.match(name)}
    return subprocess.Popen(
        ["chroot", debian, "sh", "-c", "cd /root/gavip && exec make demo PORT=18333"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", **kept},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """Everything printed up to the line with this word; bounded in time."""
    deadline = time.monotonic() + LONGEST
    seen: list[str] = []
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < deadline and selector.select(timeout=deadline - time.monotonic()):
            line = process.stdout.readline()
            seen.append(line)
            if not line or word in line:
                break
    return "".join(seen)


def test_demo_reaches_ready_from_nothing(debian: Path) -> None:
    began = time.monotonic()
    process = start_demo(debian)
    try:
        printed = read_until(process, "Ctrl-C")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)
    sys.stdout.write(f"{printed}\nfrom clone to ready: {time.monotonic() - began:.0f} s\n")
    assert "ready" in printed
    assert "COMPLETED" in printed
    for result in (".vot", ".png", ".ipynb"):
        assert result in printed
    assert "NOT ENFORCED" in printed
