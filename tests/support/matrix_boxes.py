"""Containers as a door to products: an AVI whose jobs try everything below `shared`, and tell what they saw."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.avis import notebook, write_avi
from tests.support.matrix import CONTENT, DOORS, FILE, PEOPLE, Act, Answer, Door, Who
from tests.support.matrix_doors import AVI, PARAMETER, PIPELINE, input_answer
from tests.support.matrix_world import Clients, World
from tests.support.published import follow

OWN = "own.csv"
"""A file of everybody's own."""
_TRIES = """
import json, os
from pathlib import Path
home = Path(os.environ["GAVIP_USER_SPACE"])

def works(act, *given):
    try:
        act(*given)
    except OSError:
        return False
    return True

def tried(file):
    mine = file.parent / "mine"
    return {
        "write": any([
            works(mine.write_text, "x"), works(mine.mkdir), works(mine.symlink_to, file), works(os.link, file, mine),
            works(file.write_text, "x"), works(os.chmod, file, 0o666), works(os.rename, file, mine),
            works(os.utime, file, (1, 1)),
        ]),
        "remove": any([works(file.unlink), works(os.rename, file.parent, file.parent.parent / "mine")]),
    }

files = sorted((home / "shared").rglob("*.csv"))
seen = {str(file.parent.relative_to(home)): {"text": file.read_text(), **tried(file)} for file in files}
print("SEEN", json.dumps(seen))
text = Path(stars).read_text()
print("INPUT", json.dumps(text))
Path(os.environ["GAVIP_RESULTS_DIR"], "read.txt").write_text(text)
"""
LOOKS = """
import os, time
from pathlib import Path
shared = Path(os.environ["GAVIP_USER_SPACE"], "shared")
seen, saw = None, time.time()
for _ in range(6000):
    began = time.time()
    try:
        found = sorted(f"{path.relative_to(shared)}={path.read_text()}" for path in shared.rglob("*.txt"))
    except FileNotFoundError:  # it was taken while it was looked at
        continue
    if found != seen:
        seen = found
        print("SEES", saw, *found, flush=True)
    saw = began
    time.sleep(0.1)
"""
"""Tells what it sees whenever that is something else, and when the last look began that saw what was there before."""


def avi_that_tries(folder: Path) -> Path:
    """Write the AVI and return its folder."""
    pipelines = "[pipelines.match]\n[pipelines.looks]\n"
    return write_avi(
        folder,
        {
            "avi.toml": f'title = "Cross-match"\n{pipelines}',
            "pipelines/match.ipynb": notebook(
                _TRIES, parameters="from pathlib import Path\n\nstars: Path\nseed: int = 1"
            ),
            "pipelines/looks.ipynb": notebook(LOOKS),
        },
    )


@dataclass(kw_only=True)
class ContainerDoor:
    """One job of each person, which all run side by side."""

    world: World
    clients: Clients
    _said: dict[str, dict[str, Any]] = field(default_factory=dict)
    _named: dict[Who, str] = field(default_factory=dict)
    """The input that a job of theirs took."""

    def run(self) -> None:
        """Run the jobs of all; everybody must have a file of their own."""
        jobs = {who: self._submit(who) for who in DOORS[Door.CONTAINER].who}
        for who, job in jobs.items():
            with self.clients(PEOPLE[who]) as client:
                seen = follow(client, job, seconds=150)
                text = client.get(f"/jobs/{job}/log").json()["text"]
            assert seen["phase"] == "COMPLETED", text
            self._said[who] = {word: json.loads(rest) for word, rest in _told(text)}

    def ask(self, who: Who, act: Act) -> Answer:
        said = self._said[who]
        seen = next((said["SEEN"][place] for place in self.world.places(who) if place in said["SEEN"]), None)
        if act == Act.USE:
            is_read = said["INPUT"] == CONTENT
            return Answer.YES if self._named[who].startswith("shared/") and is_read else Answer.UNKNOWN
        if seen is None:
            return Answer.UNKNOWN
        if act in (Act.WRITE, Act.REMOVE):
            return Answer.YES if seen[str(act.name).lower()] else Answer.FORBIDDEN
        return Answer.YES if act == Act.LIST or seen["text"] == CONTENT else Answer.UNKNOWN

    def _submit(self, who: Who) -> str:
        """Submit a job that reads the product, and where that is refused one that reads a file of one's own."""
        for path in [*(f"{place}/{FILE}" for place in self.world.places(who)), OWN]:
            body = {"avi": AVI, "pipeline": PIPELINE, "parameters": {PARAMETER: path}}
            with self.clients(PEOPLE[who]) as client:
                answer: httpx.Response = client.post("/jobs", json=body)
            if input_answer(answer) == Answer.YES:
                self._named[who] = path
                return str(answer.json()["id"])
        raise AssertionError(answer.text)


def _told(text: str) -> list[tuple[str, str]]:
    lines = (line.partition(" ") for line in text.splitlines())
    return [(word, rest) for word, _, rest in lines if word in ("SEEN", "INPUT")]
