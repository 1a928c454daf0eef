"""The first page's commands in an empty Debian with only git, make, Python and CA certificates: no other command."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gavip_hub.supervise.installation import free_ports
from tests.support.examples import lines_of
from tests.support.needs import missing, need_program

REPOSITORY = Path(__file__).parents[2]
LONGEST = 900
KEPT_ENVIRONMENT = re.compile(
    r"^(SSL_CERT_FILE|SSL_CERT_DIR|PIP_CERT|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS|UV_.*|https?_proxy|HTTPS?_PROXY)$"
)

IN_CHROOT = """
mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" || exit 1
exec chroot "$1" sh -c "cd /root && $2"
"""
"""Mounts and processes are in namespaces of their own: however the test ends, none of them is left."""

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(LONGEST + 300)]


@pytest.fixture
def debian(tmp_path: Path) -> Path:
    """An empty Debian 12 in a folder."""
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
    return root


def pasted(published: str, port: int) -> str:
    """Return the commands under *Try it* of the first page, in order, for a port that nobody has."""
    first = [line.text for line in lines_of(REPOSITORY / "README.md")][:3]
    assert first == ["git clone <this repository> gavip", "cd gavip", "make demo"]
    return " && ".join(first).replace("<this repository>", published) + f" PORT={port}"


def start_demo(debian: Path) -> subprocess.Popen[str]:
    subprocess.run(["git", "clone", "-q", "--bare", REPOSITORY, debian / "srv/gavip.git"], check=True)
    commands = pasted("/srv/gavip.git", free_ports(1)[0])
    kept = {name: value for name, value in os.environ.items() if KEPT_ENVIRONMENT.match(name)}
    return subprocess.Popen(
        [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            IN_CHROOT,
            "sh",
            debian,
            commands,
        ],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", **kept},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """Everything printed up to the line with this word; a process that is silent for too long is ended."""
    seen: list[str] = []
    patience = threading.Timer(LONGEST, process.kill)
    patience.start()
    for line in process.stdout:
        seen.append(line)
        if word in line:
            break
    patience.cancel()
    return "".join(seen)


def test_demo_reaches_ready_from_nothing(debian: Path) -> None:
    began = time.monotonic()
    with start_demo(debian) as process:
        try:
            printed = read_until(process, "Ctrl-C")
            ready_after = time.monotonic() - began
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=60)
    sys.stdout.write(f"{printed}\nfrom clone to ready: {ready_after:.0f} s\n")
    assert "ready" in printed
    assert "COMPLETED" in printed
    for result in (".vot", ".png", ".ipynb"):
        assert result in printed
    assert "NOT ENFORCED" in printed
