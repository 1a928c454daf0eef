"""A small HTTP server that plays the platform to one attempt, and a runner against it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from avi_kernel.protocol.folder import read_release
from avi_kernel.protocol.runs import JobDocument, Outcome, Progress

AVIS = Path(__file__).parents[1] / "data" / "avis"
TOKEN = "token-of-the-attempt"


@dataclass
class PlayedPlatform:
    """What the platform said and heard."""

    document: JobDocument
    url: str = ""
    progress: list[Progress] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    refusals: dict[str, list[int]] = field(default_factory=dict)
    """Path -> statuses to answer with before it behaves."""
    heard: threading.Condition = field(default_factory=threading.Condition)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        with self.heard:
            self.heard.notify_all()
            if self.refusals.get(path):
                status = self.refusals[path].pop(0)
                return status, b'{"error": "refused", "message": "refused for a test", "field": null}'
            match method, path:
                case "GET", "/attempts/self":
                    return 200, self.document.model_dump_json().encode()
                case "POST", "/attempts/self/progress":
                    self.progress.append(Progress.model_validate_json(body))
                    return 204, b""
                case "POST", "/attempts/self/outcome":
                    self.outcomes.append(Outcome.model_validate_json(body))
                    return 204, b""
            return 404, b"{}"


@contextmanager
def played_platform(document: JobDocument) -> Iterator[PlayedPlatform]:
    """Serve one attempt on a free loopback port."""
    platform = PlayedPlatform(document)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            status, content = platform.answer(self.command, self.path, body) if known else (401, b"{}")
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer  # noqa: N815 - http.server's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    platform.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def document_of(
    avi: str, pipeline: str = "main", *, folder: Path | None = None, **parameters: Any
) -> JobDocument:
    """Make the document of a job of one of the test AVIs."""
    release = read_release(folder or AVIS / avi)
    spec = next(p for p in release.pipelines if p.name == pipeline)
    return JobDocument(
        job="job1",
        attempt=1,
        owner="scientist",
        avi=avi,
        version="1.0.0",
        pipeline=spec,
        parameters=parameters,
        memory_mb=512,
        time_limit=600,
        heartbeat=1.0,
    )


def notebook_avi(folder: Path, *cells: str) -> Path:
    """Make an AVI with one pipeline `main` of these cells."""
    (folder / "pipelines").mkdir(parents=True)
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(cells)
        ],
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (folder / "pipelines" / "main.ipynb").write_text(json.dumps(notebook))
    return folder


@dataclass
class Ran:
    """A job that ran to its end."""

    exit_code: int
    log: str
    attempt: Path
    platform: PlayedPlatform

    @property
    def outcome(self) -> Outcome:
        return Outcome.model_validate(json.loads((self.attempt / "outcome.json").read_text()))

    def result(self, name: str) -> str:
        return (self.attempt / "results" / name).read_text()


def job_environment(root: Path, code: Path, url: str) -> dict[str, str]:
    """Make folders and environment of one attempt, as a backend does."""
    for name in ("work", "attempt"):
        (root / name).mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": str(root),
        "GAVIP_API_URL": url,
        "GAVIP_TOKEN": TOKEN,
        "GAVIP_USER": "scientist",
        "GAVIP_USER_SPACE": str(root),
        "GAVIP_WORK_DIR": str(root / "work"),
        "GAVIP_CODE_DIR": str(code),
        "GAVIP_ATTEMPT_DIR": str(root / "attempt"),
    }


def start_runner(environ: Mapping[str, str]) -> "subprocess.Popen[str]":
    """Start the runner as a container does."""
    return subprocess.Popen(
        [sys.executable, "-m", "avi_kernel", "run"],
        env=dict(environ),
        cwd=environ["GAVIP_WORK_DIR"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_job(root: Path, document: JobDocument, *, code: Path | None = None) -> Ran:
    """Run one job to its end, with everything in a temporary folder."""
    with played_platform(document) as platform:
        return finish(root, platform, code or AVIS / document.avi)


def finish(root: Path, platform: PlayedPlatform, code: Path) -> Ran:
    """Run the job of a platform that is played already."""
    runner = start_runner(job_environment(root, code, platform.url))
    log, _ = runner.communicate(timeout=120)
    return Ran(runner.returncode, log, root / "attempt", platform)
