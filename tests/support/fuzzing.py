"""Fuzz the running REST interface by schemathesis: one process for each asker, all at once."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.support.platform import Platform

GRACE_SECONDS = 120
"""What schemathesis may take beyond its time: it ends the example at hand, and writes its report."""
STREAM = "events.stream"
"""Has no end to wait for; it is asked oddly by other means."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one asker's fuzzing found out."""

    asker: str
    folder: Path
    code: int

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Return schemathesis' own report."""
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return found

    @property
    def failures(self) -> str:
        """Return what schemathesis has to say where something did not conform, requests to repeat included."""
        text = (self.folder / "log.txt").read_text(errors="replace")
        return "" if self.code == 0 else text[-20_000:]

    @cached_property
    def answers(self) -> Counter[tuple[str, int]]:
        """Return how often each operation answered with each status."""
        return Counter(
            (label, answer["response"]["status_code"])
            for label, answer in self._interactions()
            if answer["response"]
        )

    @property
    def requests(self) -> int:
        return self.answers.total()

    def succeeded(self) -> set[str]:
        """Return the operations that did at least once what they are for."""
        return {operation for operation, status in self.answers if status < 300}

    def _interactions(self) -> Iterator[tuple[str, Any]]:
        """Yield every request as it was sent, with its operation and its answer."""
        with (self.folder / "events.ndjson").open() as lines:
            for line in lines:
                recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
                cases = recorder.get("cases", {})
                for case, answer in recorder.get("interactions", {}).items():
                    yield _operation(cases[case]["value"]), answer


def _operation(case: Mapping[str, Any]) -> str:
    return f"{case['method']} {case['path']}"


def fuzz(
    platform: Platform,
    tokens: Mapping[str, str],
    *,
    known: Mapping[str, Sequence[str]],
    seconds: float,
    seed: int,
    folder: Path,
) -> list[Told]:
    """Have each asker send what the OpenAPI document allows, and what it does not, for so many seconds.

    Parameters
    ----------
    tokens
        Asker -> token; an empty one is sent by nobody.
    known
        Parameter -> values that name what is there; half of the requests take one of these.
    """
    running = {}
    for asker, token in tokens.items():
        own = folder / asker
        own.mkdir(parents=True)
        (own / "schemathesis.toml").write_text(_settings(platform, token, known))
        running[asker] = _start(platform, own, seconds=seconds, seed=seed)
    try:
        codes = {asker: process.wait(seconds + GRACE_SECONDS) for asker, process in running.items()}
    finally:
        for process in running.values():
            process.kill()
    return [Told(asker=asker, folder=folder / asker, code=code) for asker, code in codes.items()]


def _settings(platform: Platform, token: str, known: Mapping[str, Sequence[str]]) -> str:
    """Return schemathesis' settings: TOML writes a string, a list and a number as JSON does."""
    host = platform.api.removeprefix("http://").partition("/")[0]
    settings: dict[str, Any] = {
        "base-url": f"http://127.0.0.1:{platform.port}/services/gavip/api",
        "headers.Host": host,
        # What a document cannot say is refused too: whether an AVI is there, what a pipeline accepts.
        "checks.positive_data_acceptance.enabled": False,
        # Nor that a job which has only been submitted has used nothing yet.
        "checks.ensure_resource_availability.enabled": False,
        "continue-on-failure": True,
        "request-timeout": 30,
        "warnings": False,
        "generation.database": "none",
        "reports.json.path": "report.json",
        "reports.ndjson.path": "events.ndjson",
    }
    if token:
        settings["headers.Authorization"] = f"Bearer {token}"
    for number, (parameter, values) in enumerate(known.items()):
        settings[f"dictionaries.known-{number}.values"] = values
        settings[f'parameters."{parameter}".dictionary'] = f"known-{number}"
        settings[f'parameters."{parameter}".probability'] = 0.5
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())


def _start(platform: Platform, folder: Path, *, seconds: float, seed: int) -> "subprocess.Popen[bytes]":
    command = [
        Path(sys.executable).with_name("schemathesis"),
        "--config-file=schemathesis.toml",
        "run",
        f"http://127.0.0.1:{platform.port}/services/gavip/api/openapi.json",
        f"--max-time={seconds:.0f}",
        f"--seed={seed}",
        f"--exclude-operation-id={STREAM}",
        "--no-color",
    ]
    with (folder / "log.txt").open("wb") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
