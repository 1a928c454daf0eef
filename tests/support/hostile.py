"""An AVI whose pipelines do what no honest one does, each in a way of its own."""

from pathlib import Path

from tests.support.avis import notebook, write_avi

RUNNER = "import os, signal, time; os.kill(os.getppid(), signal.{}); time.sleep(1)"
"""Its own interpreter's parent is the program that reports for it."""
FLOOD = "line = 'x' * 1_000_000\nprint('begin')\nfor _ in range(1_000): print(line)"
BOMB = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
FORKS = "import subprocess\nkept = []\nwhile True: kept.append(subprocess.Popen(['sleep', '600']))"
WRITES = """
import itertools, os, pathlib
results = pathlib.Path(os.environ["GAVIP_RESULTS_DIR"])
for number in itertools.count(): (results / f"part-{number}").write_bytes(bytes(4 << 20))
"""
ASK = """
import json, os, pathlib, urllib.error, urllib.request

attempt = pathlib.Path(os.environ["GAVIP_ATTEMPT_DIR"])
results = pathlib.Path(os.environ["GAVIP_RESULTS_DIR"])
runner = pathlib.Path(f"/proc/{os.getppid()}/environ").read_bytes().split(b"\\0")
token = next(line.split(b"=", 1)[1].decode() for line in runner if line.startswith(b"GAVIP_TOKEN="))
answers = {}

def ask(what, path, body=None):
    request = urllib.request.Request(os.environ["GAVIP_API_URL"] + path, method="GET" if body is None else "POST")
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Content-Type", "application/json")
    try:
        data = None if body is None else json.dumps(body).encode()
        answers[what] = urllib.request.urlopen(request, data, timeout=20).status
    except urllib.error.HTTPError as error:
        answers[what] = error.code
"""
FORGE_PROGRESS = """
ask("200 %", "/attempts/self/progress", {"fraction": 2})
ask("less than nothing", "/attempts/self/progress", {"fraction": -1})
ask("a long message", "/attempts/self/progress", {"message": "x" * 501})
ask("of another job", "/attempts/self/progress", {"fraction": 0.5, "job": victim})
ask("at another job's address", f"/attempts/{victim}/progress", {"fraction": 1})
ask("another job", f"/jobs/{victim}")
ask("its result", f"/jobs/{victim}/results/sum.txt")
ask("cancel it", f"/jobs/{victim}/cancel", {})
ask("submit", "/jobs", {"avi": "works", "pipeline": "main"})
ask("5 MB", "/attempts/self/progress", {"message": "x" * 5_000_000})
ask("an honest one", "/attempts/self/progress", {"fraction": 0.5, "message": "half"})
(results / "answers.json").write_text(json.dumps(answers))
(results / "token.txt").write_text(token)
"""
FORGE_OUTCOME = """
import hashlib, shutil, signal, time
now = "2026-01-01T00:00:00Z"
told = {"status": "completed", "results": [], "started_at": now, "ended_at": now}

def entry(name, content=b""):
    return {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}

mine = results / "mine.txt"
mine.write_text("mine")
out = attempt / "outcome.json"
FORGERIES = {
    "nothing left": lambda: out.write_text(json.dumps({**told, "results": [entry("never-made.txt", b"x")]})),
    "two dots": lambda: out.write_text(json.dumps({**told, "results": [entry("../../secrets/service_token")]})),
    "an absolute path": lambda: out.write_text(json.dumps({**told, "results": [entry("/etc/passwd")]})),
    "a link out": lambda: ((results / "passwd").symlink_to("/etc/passwd"), out.write_text(json.dumps(
        {**told, "results": [entry("passwd", pathlib.Path("/etc/passwd").read_bytes())]}))),
    "a linked folder": lambda: (shutil.rmtree(results), results.symlink_to("/etc"), out.write_text(json.dumps(
        {**told, "results": [entry("passwd", pathlib.Path("/etc/passwd").read_bytes())]}))),
    "another size": lambda: out.write_text(json.dumps({**told, "results": [{**entry("mine.txt", b"mine"), "size": 5}]})),
    "gigabytes": lambda: out.write_text(json.dumps(
        {**told, "results": [{**entry("mine.txt", b"mine"), "size": 3 << 30}]})),
    "another job's id": lambda: out.write_text(json.dumps({**told, "job": victim})),
    "deep": lambda: out.write_text("[" * 1_000_000),
    "too long": lambda: out.write_text(json.dumps(told) + " " * (5 << 20)),
    "a link": lambda: out.symlink_to("/etc/passwd"),
    "a pipe": lambda: os.mkfifo(out),
    "a folder": lambda: out.mkdir(),
}
FORGERIES[how]()
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(5)
"""
FORGERIES = {
    "nothing left": "result `never-made.txt` is missing",
    "two dots": "`outcome.json` is not valid at results.0.name",
    "an absolute path": "`outcome.json` is not valid at results.0.name",
    "a link out": "result `passwd` is missing",
    "a linked folder": "result `passwd` is missing",
    "another size": "result `mine.txt` has 4 bytes, not 5",
    "gigabytes": "its results hold more than 128 MB",
    "another job's id": "`outcome.json` is not valid at job",
    "deep": "`outcome.json` is not valid at its start",
    "too long": "ended with exit status 137 before it reported an outcome",
    "a link": "ended with exit status 137 before it reported an outcome",
    "a pipe": "ended with exit status 137 before it reported an outcome",
    "a folder": "ended with exit status 137 before it reported an outcome",
}
"""How an outcome is forged -> what its owner is told."""
_MANIFEST = """
title = "Does what no honest pipeline does"
[pipelines.bomb]
memory = 128
time_limit = 120
"""


def write_hostile(folder: Path) -> Path:
    """Write the AVI and return its folder."""
    given = "victim: str = ''"
    pipelines = {
        "interrupts": notebook("import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(5)"),
        "interrupts_runner": notebook(RUNNER.format("SIGINT"), "print('went on')"),
        "kills_runner": notebook(RUNNER.format("SIGKILL")),
        "floods": notebook(FLOOD, "print('the end')"),
        "bomb": notebook(BOMB),
        "forks": notebook(FORKS),
        "writes": notebook(WRITES),
        "forges_progress": notebook(ASK, FORGE_PROGRESS, parameters=given),
        "forges_outcome": notebook(ASK, FORGE_OUTCOME, parameters=f"{given}\nhow: str = 'nothing left'"),
    }
    files = {f"pipelines/{name}.ipynb": text for name, text in pipelines.items()}
    return write_avi(folder, {"avi.toml": _MANIFEST, **files})
