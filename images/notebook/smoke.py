"""Run in the image: Lab answers on a socket as a user's notebook server, and its kernel is the AVIs' own."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

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
    hub = {
        "JUPYTERHUB_API_URL": "http://127.0.0.1:1/hub/api",
        "JUPYTERHUB_USER": "ada",
        "JUPYTERHUB_API_TOKEN": "t",
    }
    hub |= {
        "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/",
        "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-ada",
        "JUPYTERHUB_HOST": "",
    }
    with tempfile.TemporaryDirectory() as folder:
        hub |= {"GAVIP_SOCKET": f"{folder}/s.sock", "GAVIP_USER_SPACE": folder}
        hub |= {"JUPYTERHUB_SERVICE_URL": f"http+unix://{folder.replace('/', '%2F')}%2Fs.sock/user/ada/"}
        command = [sys.executable, "-m", "avi_kernel.interface.notebook"]
        with subprocess.Popen(command, env={**os.environ, **hub}, stderr=subprocess.DEVNULL) as server:
            try:
                status, _ = answer(hub["GAVIP_SOCKET"], "/user/ada/lab")
                program = Path(f"/proc/{server.pid}/cmdline").read_bytes().decode()
            finally:
                server.terminate()
    assert status == 302, status
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
