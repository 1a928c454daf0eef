"""The one process that holds the engine's socket: `python -m gavip_hub.backends.docker.steward --root <data root>`.

Hub and service ask it over a socket of its own to start, look at, stop and remove containers, and for the platform's own images
as archives (`shelf`); nothing more. What they ask for is looked at again here (`lawful`), and turned into the engine's words here.
"""

import argparse
import json
import logging
import os
import signal
import socketserver
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import override

from gavip_hub.backends.base import Observation
from gavip_hub.backends.docker.frames import frames
from gavip_hub.backends.docker.launcher import docker_launcher, docker_shelf
from gavip_hub.backends.docker.lawful import require_lawful, require_name
from gavip_hub.backends.docker.shelf import Shelf
from gavip_hub.backends.launched import Launcher
from gavip_hub.backends.runtime import steward_socket
from gavip_hub.config import load_config
from gavip_hub.domain.container import ContainerSpec
from gavip_hub.exceptions import BadRequest, GavipError, Unavailable

SPEC = TypeAdapter(ContainerSpec)
LONGEST_REQUEST = 1024 * 1024

log = logging.getLogger("gavip.steward")


class Request(BaseModel):
    """One line from Hub or service."""

    act: str
    name: str = ""
    id: str = ""
    names: list[str] = []
    spec: dict[str, Any] = {}


class Steward(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers on a socket that only the platform's own user can connect to.

    Parameters
    ----------
    path
        The socket.
    launcher
        What holds the engine.
    shelf
        The images that may leave it.
    root
        The data root.
    most_memory_mb
        What one container may have.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, path: Path, *, launcher: Launcher, shelf: Shelf, root: Path, most_memory_mb: int
    ) -> None:
        self._launcher = launcher
        self._shelf = shelf
        self._root = root
        self._most_memory_mb = most_memory_mb
        self._of_one: dict[str, Callable[[str], Any]] = {
            "look": lambda name: _told(launcher.look(name)),
            "stop": launcher.stop,
            "remove": launcher.remove,
            "log_file": self._log_file,
        }
        self._of_all: dict[str, Callable[[], Any]] = {
            "names": launcher.names,
            "clear_unfinished": launcher.clear_unfinished,
            "images": lambda: [asdict(image) for image in shelf.known()],
            "ping": lambda: "ok",
        }
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            super().__init__(str(path), _Line)
        finally:
            os.umask(before)

    def answers(self, line: bytes) -> Generator[bytes]:
        """Yield what is sent for one line: its answer, and an image where one is asked for."""
        told, image = self._answer(line)
        yield json.dumps(told).encode() + b"\n"
        try:
            yield from frames(image) if image is not None else ()
        except GavipError as error:  # who reads sees that the end is missing
            log.warning("An image is not saved: %s", error)

    def _answer(self, line: bytes) -> tuple[dict[str, Any], Iterable[bytes] | None]:
        """Do what one line says; every refusal is an answer, and so is every failure: who asked must not take it for our end."""
        try:
            request = Request.model_validate_json(line)
            if request.act == "save_image":
                return {"answer": "ok"}, self._begun(request)
            return {"answer": self._act(request)}, None
        except ValidationError as error:
            return _refused("bad_request", str(error))
        except GavipError as error:
            return _refused(error.error, error.message)
        except OSError as error:
            return _refused(Unavailable.error, f"The steward of containers could not do it: {error}")
        except Exception:
            log.exception("An act failed")
            return _refused(GavipError.error, "The steward of containers failed; its log says how.")

    def _begun(self, request: Request) -> Iterable[bytes]:
        """Return an image of which the first piece has come: until then a refusal can be told."""
        pieces = self._shelf.saved(request.name, request.id)
        return chain([next(pieces, b"")], pieces)

    def _act(self, request: Request) -> Any:
        if request.act == "launch":
            spec = SPEC.validate_python(request.spec)
            require_lawful(spec, root=self._root, most_memory_mb=self._most_memory_mb)
            return self._launcher.launch(spec)
        if request.act == "look_all":
            for name in request.names:
                require_name(name)
            return [_told(seen) for seen in self._launcher.look_all(request.names)]
        if request.act in self._of_one:
            require_name(request.name)
            return self._of_one[request.act](request.name)
        if request.act in self._of_all:
            return self._of_all[request.act]()
        raise BadRequest(f"There is no act {request.act!r}.")

    def _log_file(self, name: str) -> str | None:
        file = self._launcher.log_file(name)
        return str(file) if file else None


def _refused(error: str, message: str) -> tuple[dict[str, Any], None]:
    return {"error": error, "message": message}, None


def _told(seen: Observation) -> dict[str, Any]:
    return {"liveness": seen.liveness, "exit": seen.exit and seen.exit.model_dump(mode="json")}


class _Line(socketserver.StreamRequestHandler):
    """One connection: one line, one answer, and an image where one is asked for."""

    @override
    def handle(self) -> None:
        line = self.rfile.readline(LONGEST_REQUEST)
        with closing(cast("Steward", self.server).answers(line)) as answers:
            for part in answers:
                self.wfile.write(part)


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the data root")
    config = load_config(parser.parse_args().root)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    launcher = docker_launcher(config)
    path = steward_socket(config.root)
    with Steward(
        path,
        launcher=launcher,
        shelf=docker_shelf(config),
        root=config.root,
        most_memory_mb=config.platform_memory_mb,
    ) as steward:
        # In a thread of its own: `shutdown` waits for the loop, and a signal comes to the thread that runs it.
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: threading.Thread(target=steward.shutdown).start())
        log.info("Answering at %s", path)
        launcher.spares.fill_soon()
        steward.serve_forever(poll_interval=0.1)
    launcher.spares.empty()


if __name__ == "__main__":
    main()
