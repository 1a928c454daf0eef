"""Loaded by every Python of an AVI that is checked, before any of its code: notes whom it calls, and lets none of it out.

A box has no network but its two ways out; so has what is checked here. Calls through the proxy are noted by the proxy.
"""

import os
import sys
from typing import Any

FILE = "GAVIP_CHECK_CALLS"
_LOOKED_UP = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_SENT = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_OWN = frozenset({"", "localhost", "::1", "::", "0.0.0.0", "0", "<broadcast>"})  # noqa: S104 - names, not bound to


def _watch(file: str) -> None:
    names: set[str] = set()

    def note(host: str, port: Any) -> None:
        number = port if isinstance(port, int) else 0
        with open(file, "a", encoding="utf-8") as calls:  # noqa: PTH123 - the start of every Python waits for this
            calls.write(f"{number} {host.encode('ascii', 'backslashreplace').decode()[:255]}\n")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _LOOKED_UP:
            host = _text(arguments[0])
            if not _is_own(host):
                names.add(host)
                note(host, arguments[1] if len(arguments) > 1 else 0)
                import socket  # noqa: PLC0415 - loaded by then

                raise socket.gaierror(
                    socket.EAI_AGAIN, "No host is looked up in a box: ask through its proxy"
                )
        elif event in _SENT and isinstance(arguments[1], tuple):
            host = _text(arguments[1][0])
            if not _is_own(host):
                note(host, arguments[1][1])
                raise OSError(101, "Network is unreachable")

    sys.addaudithook(hook)


def _text(host: Any) -> str:
    if isinstance(host, bytes | bytearray):
        return bytes(host).decode("ascii", "replace").lower()
    return str(host or "").lower()


def _is_own(host: str) -> bool:
    return (
        host in _OWN
        or host.startswith("127.")
        or host.endswith(".localhost")
        or host == os.uname().nodename.lower()
    )


if os.environ.get(FILE):
    _watch(os.environ[FILE])
