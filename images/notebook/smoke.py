"""Run in the image: Lab answers on a socket as a user's notebook server, and its kernel is the AVIs' own."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

LAB = Path("/opt/gavip/lab")
PATIENCE = 120.0


class SocketConnection(http.client.HTTPConnection):
    """HTTP through a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Hub(BaseHTTPRequestHandler):
    """What a server asks of the Hub before it serves: whether it is there."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"version": "6.1.1"}')

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *_: object) -> None:
        """Keep the test's own words readable."""


@contextmanager
def hub() -> Iterator[str]:
    """Be a Hub for a while; its API's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hub/api"
    server.shutdown()


def answer(path: str, address: str) -> tuple[int, str]:
    """Ask until somebody listens."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(OSError):
            connection = SocketConnection(path)
            connection.request("GET", address)
            response = connection.getresponse()
            return response.status, response.read().decode()
        time.sleep(0.1)
    raise AssertionError("nothing answered")


def check_lab_is_kept_apart() -> None:
    assert find_spec("jupyterlab") is None
    assert (LAB / "bin/jupyter-lab").exists()
    extensions = {path.name for path in (LAB / "share/jupyter/labextensions").iterdir()}
    assert {"@jupyter-widgets", "jupyter-matplotlib"} <= extensions, extensions
    assert not {"@voila-dashboards"} & extensions


def check_lab_answers() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sock = f"{folder}/s.sock"
        command = [
            LAB / "bin/jupyter-lab",
            f"--ServerApp.sock={sock}",
            "--no-browser",
            "--IdentityProvider.token=",
            f"--notebook-dir={folder}",
        ]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
            try:
                status, page = answer(sock, "/lab")
                assert (status, "JupyterLab" in page) == (200, True), page[:500]
                kernels = json.loads(answer(sock, "/api/kernelspecs")[1])["kernelspecs"]
            finally:
                server.terminate()
    assert [kernel["spec"]["argv"][0] for kernel in kernels.values()] == ["/opt/gavip/bin/python"], kernels


def check_the_platforms_own_start_leads_to_lab() -> None:
    env = {"JUPYTERHUB_USER": "ada", "JUPYTERHUB_API_TOKEN": "t", "JUPYTERHUB_HOST": ""}
    env |= {"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/", "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-ada"}
    command = [sys.executable, "-m", "avi_kernel.interface.notebook"]
    with tempfile.TemporaryDirectory() as folder, hub() as api:
        sock = f"{folder}/s.sock"
        env |= {"JUPYTERHUB_API_URL": api, "GAVIP_SOCKET": sock, "GAVIP_USER_SPACE": folder}
        env |= {"JUPYTERHUB_SERVICE_URL": f"http+unix://{quote(sock, safe='')}/user/ada/"}
        with subprocess.Popen(command, env={**os.environ, **env}, stderr=subprocess.DEVNULL) as server:
            try:
                status, _ = answer(sock, "/user/ada/lab")
                program = Path(f"/proc/{server.pid}/cmdline").read_bytes().decode()
            finally:
                server.terminate()
    assert status == 302, status  # to the Hub's sign-in
    assert str(LAB) in program, program


def check_a_notebook_runs_where_avis_do() -> None:
    program = "import sys, numpy, astropy; print(sys.prefix)"
    given = {
        "cells": [
            {
                "cell_type": "code",
                "id": "a",
                "source": program,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "prototype.ipynb").write_text(json.dumps(given))
        command = [
            LAB / "bin/jupyter-execute",
            "--output=done",
            "--kernel_name=python3",
            f"{folder}/prototype.ipynb",
        ]
        subprocess.run(command, check=True, capture_output=True)
        cell = json.loads(Path(folder, "done.ipynb").read_text())["cells"][0]
    assert cell["outputs"][0]["text"] == ["/opt/gavip\n"], cell["outputs"]


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            check()
            print(f"ok {name.removeprefix('check_')}", flush=True)
