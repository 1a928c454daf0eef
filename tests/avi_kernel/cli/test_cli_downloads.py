"""A download lands where its user said, whatever a platform calls it."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from avi_kernel.client import Client
from gavip_hub.handlers.openapi import document
from gavip_hub.handlers.routes import API_HANDLERS

COMMAND = str(Path(sys.executable).with_name("gavip"))
ODD = ["../escaped", "/tmp/gavip-escaped", "..", ".bashrc", "a/../../escaped", "-rf", "a\nb", "", "C:\\x"]
CONTENT = b"from a malicious platform"


class Malicious(BaseHTTPRequestHandler):
    """A platform that has a file of every name."""

    def do_GET(self) -> None:
        served = json.dumps(document(API_HANDLERS, version="1")).encode()
        self._answer(served if self.path.endswith("/openapi.json") else CONTENT)

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Disposition", "attachment; filename=../escaped")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Malicious)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where the user is; nothing around it may change."""
    for name in ("CONFIG", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "settings" / name))
    folder = tmp_path / "around" / "here"
    folder.mkdir(parents=True)
    return folder


def gavip(here: Path, url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [COMMAND, "--url", url, *arguments],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def files(here: Path) -> list[str]:
    """All files in and around the user's folder."""
    return sorted(str(path.relative_to(here.parent)) for path in here.parent.rglob("*") if path.is_file())


def test_a_result_is_saved_under_its_name(here, url):
    assert gavip(here, url, "job", "result", "j1", "plot.png").returncode == 0
    assert files(here) == ["here/plot.png"]


@pytest.mark.parametrize("name", ODD)
def test_a_name_that_is_no_plain_file_name_is_not_taken_for_a_path(here, url, name):
    ran = gavip(here, url, "job", "result", "j1", "--", name)
    assert ran.returncode == 2
    assert "--output" in ran.stderr
    assert files(here) == []
    assert not Path("/tmp/gavip-escaped").exists()


def test_the_user_may_say_where(here, url):
    ran = gavip(here, url, "job", "result", "j1", "../escaped", "-o", "mine.txt")
    assert ran.returncode == 0
    assert files(here) == ["here/mine.txt"]


@pytest.mark.parametrize("name", ODD)
def test_the_client_takes_it_for_no_path_either(here, url, name):
    with closing(Client(url, "token")) as client, pytest.raises(ValueError, match="plain file name"):
        client.download("j1", name, here)
    assert files(here) == []
