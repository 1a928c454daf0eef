"""An HTTP server that answers as it is told: the failures that a real archive shows too seldom."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TABLE = """\
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">
<INFO name="QUERY_STATUS" value="OK"/>
<TABLE><FIELD name="n" datatype="int"/><DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE>
{after}</RESOURCE></VOTABLE>"""


@dataclass(frozen=True)
class Answer:
    """One answer of the server."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Bytes after which the connection breaks."""


def table(*values: int, overflow: bool = False) -> Answer:
    """Return an answer with a table of one column `n`."""
    rows = "".join(f"<TR><TD>{value}</TD></TR>" for value in values)
    after = '<INFO name="QUERY_STATUS" value="OVERFLOW"/>' if overflow else ""
    return Answer(
        body=TABLE.format(rows=rows, after=after), headers={"Content-Type": "application/x-votable+xml"}
    )


def busy(status: int = 503, **headers: str) -> Answer:
    """Return a refusal of the moment."""
    return Answer(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


class ScriptedArchive(ThreadingHTTPServer):
    """Gives its answers in order, and the last one again and again."""

    daemon_threads = True

    def __init__(self, *answers: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._answers = list(answers)
        self.requests: list[tuple[str, str, bytes]] = []
        """Method, path and body of each."""

    @property
    def url(self) -> str:
        """Its TAP address."""
        return f"http://127.0.0.1:{self.server_port}/tap"

    def answer_with(self, *answers: Answer) -> None:
        """Change what comes next; for answers that name the server's own address."""
        self._answers = list(answers)

    def next_answer(self, method: str, path: str, body: bytes) -> Answer:
        """Note a request and return what it is answered."""
        self.requests.append((method, path, body))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedArchive

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.next_answer(self.command, self.path, body)
        content = answer.body.encode()
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: answer.cut_after])
        self.close_connection = True

    do_GET = do_POST = do_DELETE = do_CONNECT = _answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@contextmanager
def scripted_archive(*answers: Answer) -> Iterator[ScriptedArchive]:
    """Serve these answers."""
    server = ScriptedArchive(*answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def closed_port() -> int:
    """Return a port at which nobody listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        return server.server_port
