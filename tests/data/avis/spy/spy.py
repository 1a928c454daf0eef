"""What a stranger's process tries to read: each try is noted with what came of it."""

import json
import os
import socket
import urllib.request
from pathlib import Path

SECONDS = 10


def look(plan):
    """Try all that a plan names; return by kind and name what was got, or why nothing."""
    return {
        "files": _each(_read, plan["files"]),
        "sockets": _each(_talk, plan["sockets"]),
        "addresses": _each(_ask, plan["addresses"]),
        "environments": _environments(plan["words"]),
        "owners": sorted({owner for owner, _ in _tokens()}),
        "token": _each(_use_token, plan["uses"]),
        "listed": _each(os.listdir, plan["folders"]),
    }


def _each(attempt, tries):
    return {name: _tried(attempt, what) for name, what in tries.items()}


def _tried(attempt, what):
    try:
        return {"got": attempt(what)}
    except Exception as error:  # noqa: BLE001 - whatever it was, it is what the test wants to see
        return {"refused": f"{type(error).__name__}: {error}"}


def _read(path):
    with Path(path).open("rb") as file:
        return file.read(100).decode("latin-1")


def _talk(address):
    """Say something to a socket; what answers has been reached."""
    family, kind, where = address
    with socket.socket(getattr(socket, family), getattr(socket, kind)) as line:
        line.settimeout(SECONDS)
        line.connect(tuple(where) if isinstance(where, list) else where)
        line.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return line.recv(100).decode("latin-1")


def _ask(url):
    """Ask as any library would: through the proxy that the environment names."""
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return answer.read(100).decode("latin-1")


def _environments(words):
    """Return those of the words that stand in the environment of any process."""
    return [word for word in words if any(word in text for text in _texts())]


def _tokens():
    """Return whose job's token can be read, and the token."""
    for text in _texts():
        known = dict(line.split("=", 1) for line in text.split("\0") if "=" in line)
        if "GAVIP_TOKEN" in known:
            yield known.get("GAVIP_USER", "nobody"), known["GAVIP_TOKEN"]


def _texts():
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            yield path.read_text(errors="replace")
        except OSError:
            continue


def _use_token(use):
    """Ask the platform with the box's own token; return the status."""
    _, method, path, body = use
    own = [token for owner, token in _tokens() if owner == os.environ["GAVIP_USER"]]
    token = os.environ.get("JUPYTERHUB_API_TOKEN") or own[0]
    base = os.environ["GAVIP_API_URL"].removesuffix("/services/gavip/api")
    request = urllib.request.Request(
        base + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
