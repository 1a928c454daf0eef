"""Whom an AVI calls is noted, by whichever way it calls; nothing undeclared is let out."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from avi_kernel.checking.calls import Calls
from avi_kernel.checking.surroundings import CALLS_VARIABLE, HOOK, Surroundings


def said_by(code: str, env: dict[str, str]) -> str:
    """Run Python as an AVI's is run, and return what it printed."""
    found = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def calls_of(folder: Path, code: str, *, declared: list[str], upstream: str | None = None):
    """Return the calls that code makes, and what it printed."""

    async def run():
        async with Calls(folder=folder / "calls", declared=declared, upstream=upstream) as calls:
            around = Surroundings(
                folder=folder, scratch=folder, proxy=calls.address, notes=calls.notes, outer=os.environ
            )
            env = around.environment(around.fresh("it"))
            said = await asyncio.to_thread(said_by, code, env)
        return calls.so_far(), said

    return asyncio.run(run())


ASK = """
import urllib.request
try:
    print(urllib.request.urlopen("{}", timeout=10).read().decode())
except OSError as error:
    print(error)
"""


class Archive(BaseHTTPRequestHandler):
    """Answers who asks it, or asks another through it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"stars")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listening() -> Iterator[int]:
    """Serve on loopback; yield the port."""
    with HTTPServer(("127.0.0.1", 0), Archive) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_declared_host_is_reached_and_noted(tmp_path):
    with listening() as port:
        host = f"127.0.0.1:{port}"
        calls, said = calls_of(tmp_path, ASK.format(f"http://{host}/"), declared=[host])
    assert said == "stars"
    assert [(call.host, call.port, call.declared, call.times) for call in calls] == [
        ("127.0.0.1", port, True, 1)
    ]


def test_an_undeclared_host_is_noted_and_refused(tmp_path):
    calls, said = calls_of(tmp_path, ASK.format("http://catalogue.example/"), declared=["archive.example"])
    assert "403" in said
    assert [(call.host, call.port, call.declared) for call in calls] == [("catalogue.example", 80, False)]


def test_an_encrypted_call_is_noted_by_its_host_alone(tmp_path):
    calls, _ = calls_of(tmp_path, ASK.format("https://catalogue.example/secret"), declared=[])
    assert [(call.host, call.port) for call in calls] == [("catalogue.example", 443)]


@pytest.mark.parametrize(
    ("code", "called"),
    [
        ("socket.getaddrinfo('catalogue.example', 443)", ("catalogue.example", 443)),
        ("socket.gethostbyname('catalogue.example')", ("catalogue.example", 0)),
        ("socket.create_connection(('192.0.2.7', 80), timeout=5)", ("192.0.2.7", 80)),
        ("socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.7', 53))", ("192.0.2.7", 53)),
    ],
)
def test_who_passes_by_the_proxy_is_noted_and_gets_nowhere(tmp_path, code, called):
    program = f"import socket\ntry:\n    {code}\nexcept OSError as error:\n    print('refused')"
    calls, said = calls_of(tmp_path, program, declared=[])
    assert said == "refused"
    assert [(call.host, call.port) for call in calls] == [called]


def test_its_own_machine_may_be_called_and_is_no_host(tmp_path):
    code = "import socket\nsocket.getaddrinfo('localhost', 80)\nsocket.create_server(('127.0.0.1', 0))\nprint('fine')"
    assert calls_of(tmp_path, code, declared=[]) == ([], "fine")


def test_what_an_avi_writes_into_the_notes_ends_nothing(tmp_path):
    code = f"""
import os, pathlib
notes = pathlib.Path(os.environ["{CALLS_VARIABLE}"])
notes.write_bytes(b"\\xff\\x00 nonsense\\n99999999 far.example\\n" + b"1 x" * 100000)
notes.with_name("proxy.log").write_text("[]\\n{{}}\\nno json\\n")
"""
    calls, _ = calls_of(tmp_path, code, declared=[])
    assert "far.example" in [call.host for call in calls]


def test_in_a_box_the_declared_go_through_the_boxs_own_proxy(tmp_path):
    async def run():
        async with Calls(folder=tmp_path / "outer", declared=[host], upstream=None) as outer:
            inner = await asyncio.to_thread(
                calls_of, tmp_path, ASK.format(f"http://{host}/"), declared=[host], upstream=outer.address
            )
        return inner, outer.so_far()

    with listening() as port:
        host = f"127.0.0.1:{port}"
        (calls, said), outside = asyncio.run(run())
    assert said == "stars"
    assert [call.host for call in calls] == [call.host for call in outside] == ["127.0.0.1"]


def test_no_secret_and_no_address_of_the_platform_reaches_a_run(tmp_path):
    outer = {
        "GAVIP_TOKEN": "t",
        "JUPYTERHUB_API_TOKEN": "t",
        "GAVIP_API_URL": "u",
        "GAVIP_ARCHIVE_URL": "a",
        "PATH": "p",
    }
    around = Surroundings(
        folder=tmp_path, scratch=tmp_path, proxy="http://p", notes=tmp_path / "n", outer=outer
    )
    env = around.environment(around.fresh("it"), api="http://127.0.0.1:9/api")
    assert not env.keys() & {"GAVIP_TOKEN", "JUPYTERHUB_API_TOKEN", "GAVIP_API_URL"}
    assert env["GAVIP_ARCHIVE_URL"] == "a"
    assert env["NO_PROXY"] == "127.0.0.1:9"
    assert str(HOOK) in env["PYTHONPATH"]


def test_in_a_box_the_undeclared_are_in_the_boxs_own_record_too(tmp_path):
    async def run(host):
        async with Calls(folder=tmp_path / "outer", declared=[host], upstream=None) as outer:
            inner = await asyncio.to_thread(
                calls_of, tmp_path, ASK.format(f"http://{host}/"), declared=[], upstream=outer.address
            )
        return inner, outer.so_far()

    with listening() as port:
        (calls, said), outside = asyncio.run(run(f"127.0.0.1:{port}"))
    assert "403" in said
    assert [call.declared for call in calls] == [False]
    assert [call.host for call in outside] == ["127.0.0.1"]
