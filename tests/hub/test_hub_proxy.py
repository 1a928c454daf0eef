"""What the chosen proxy must be able to do; docs/adr/0030 says why this one."""

import asyncio
import json
import os
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_unix_socket
from tornado.web import Application, RequestHandler, stream_request_body
from tornado.websocket import WebSocketHandler, websocket_connect

from gavip_hub.supervise import proxy
from gavip_hub.supervise.installation import free_ports
from tests.support.needs import missing

MB = 1024 * 1024
UPLOAD_MB = 600
MESSAGE_MB = 12
TOKEN = "a-test's-own"


class Events(RequestHandler):
    """Sends one event, and the second only once the client has told that it has read the first."""

    read = asyncio.Event()

    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self.write("data: first\n\n")
        await self.flush()
        await self.read.wait()
        self.write("data: second\n\n")


@stream_request_body
class Upload(RequestHandler):
    def prepare(self) -> None:
        self.request.connection.set_max_body_size(2 * UPLOAD_MB * MB)
        self.received = 0

    def data_received(self, chunk: bytes) -> None:
        self.received += len(chunk)

    def post(self) -> None:
        self.write(str(self.received))


class Echo(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        self.write_message(message, binary=isinstance(message, bytes))


class Who(RequestHandler):
    def initialize(self, name: str) -> None:
        self.name = name

    def get(self) -> None:
        self.write(self.name)


@dataclass
class Proxied:
    """A running proxy."""

    process: subprocess.Popen[bytes]
    port: int
    api_port: int

    async def routes(self) -> dict[str, Any]:
        answer = await self._api("GET", "")
        return dict(json.loads(answer))

    async def add(self, route: str, target: str) -> None:
        await self._api("POST", f"/{route}", json.dumps({"target": target}))

    async def get(self, host: str, path: str = "/") -> str:
        answer = await AsyncHTTPClient().fetch(
            f"http://127.0.0.1:{self.port}{path}", headers={"Host": f"{host}:{self.port}"}
        )
        return answer.body.decode()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    def peak_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def _api(self, method: str, path: str, body: str | None = None) -> bytes:
        answer = await AsyncHTTPClient().fetch(
            f"http://127.0.0.1:{self.api_port}/api/routes{path}",
            method=method,
            body=body,
            headers={"Authorization": f"token {TOKEN}"},
        )
        return answer.body


@pytest.fixture
def doorless(request: pytest.FixtureRequest) -> bool:
    """Whether the proxy runs without what keeps strangers' cookies off."""
    return getattr(request, "param", False)


@pytest.fixture
async def proxied(doorless: bool) -> AsyncIterator[Proxied]:
    script = proxy.installed(Path.cwd())
    if script is None:
        missing("the proxy", "run `python -m gavip_hub.supervise.proxy install`")
    port, api_port, nothing = free_ports(3)
    command = proxy.command(script, port=port, api_port=api_port, error_target=f"http://127.0.0.1:{nothing}/")
    process = subprocess.Popen(
        [word for word in command if not doorless or word not in proxy.DOOR],
        env={"CONFIGPROXY_AUTH_TOKEN": TOKEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    running = Proxied(process=process, port=port, api_port=api_port)
    try:
        async with asyncio.timeout(20):
            await _until_up(running)
        yield running
    finally:
        process.kill()
        process.wait()


async def _until_up(running: Proxied) -> None:
    while True:
        try:
            await running.routes()
        except (OSError, HTTPClientError):
            await asyncio.sleep(0.02)
        else:
            return


async def upstream(*handlers: Any) -> str:
    server = HTTPServer(Application(list(handlers), websocket_max_message_size=2 * MESSAGE_MB * MB))
    [port] = free_ports(1)
    server.listen(port, "127.0.0.1")
    return f"http://127.0.0.1:{port}"


async def test_each_host_leads_to_its_own_server(proxied: Proxied) -> None:
    await proxied.add("hr--ann.gavip.localhost/", await upstream((r"/.*", Who, {"name": "ann's AVI"})))
    await proxied.add("ann.gavip.localhost/", await upstream((r"/.*", Who, {"name": "ann's notebooks"})))
    assert await proxied.get("hr--ann.gavip.localhost") == "ann's AVI"
    assert await proxied.get("ann.gavip.localhost") == "ann's notebooks"
    with pytest.raises(HTTPClientError, match="404"):
        await proxied.get("somebody.gavip.localhost")


async def test_events_are_passed_on_as_they_come(proxied: Proxied) -> None:
    Events.read = asyncio.Event()
    await proxied.add("gavip.localhost/", await upstream((r"/events", Events)))
    reader, writer = await proxied.connect()
    writer.write(b"GET /events HTTP/1.1\r\nHost: gavip.localhost\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(10):
        await reader.readuntil(b"data: first\n\n")
        Events.read.set()
        await reader.readuntil(b"data: second\n\n")
    writer.close()


@pytest.mark.parametrize("path", ["/%C0%AF", "/%", "/%zz", "//["])
async def test_a_path_that_cannot_be_read_is_its_senders_mistake(proxied: Proxied, path: str) -> None:
    await proxied.add("gavip.localhost/", await upstream((r"/.*", Who, {"name": "x"})))
    with pytest.raises(HTTPClientError, match="400"):
        await proxied.get("gavip.localhost", path)


@pytest.mark.parametrize("name", ["__proto__", "constructor", "toString", "hasOwnProperty"])
async def test_names_that_mean_something_in_its_language_are_names_like_others(
    proxied: Proxied, name: str
) -> None:
    await proxied.add("gavip.localhost/", await upstream((r"/.*", Who, {"name": "all"})))
    assert await proxied.get("gavip.localhost", f"/{name}") == "all"
    await proxied.add(f"gavip.localhost/{name}", await upstream((r"/.*", Who, {"name": "its own"})))
    assert await proxied.get("gavip.localhost", f"/{name}/{name}") == "its own"
    assert await proxied.get("gavip.localhost", "/") == "all"


@pytest.mark.parametrize("name", ["__proto__", "constructor"])
async def test_a_host_of_such_a_name_leads_nowhere(proxied: Proxied, name: str) -> None:
    with pytest.raises(HTTPClientError, match="404"):
        await proxied.get(name)


async def test_a_large_upload_streams_through_in_bounded_memory(proxied: Proxied) -> None:
    await proxied.add("gavip.localhost/", await upstream((r"/upload", Upload)))
    reader, writer = await proxied.connect()
    head = f"POST /upload HTTP/1.1\r\nHost: gavip.localhost\r\nContent-Length: {UPLOAD_MB * MB}\r\n"
    writer.write(f"{head}Connection: close\r\n\r\n".encode())
    before = proxied.peak_mb()
    for _ in range(UPLOAD_MB):
        writer.write(bytes(MB))
        await writer.drain()
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200")
    assert str(UPLOAD_MB * MB).encode() in answer
    assert proxied.peak_mb() - before < 200


async def test_a_large_websocket_message_arrives_whole(proxied: Proxied) -> None:
    await proxied.add("gavip.localhost/", await upstream((r"/socket", Echo)))
    request = HTTPRequest(f"ws://127.0.0.1:{proxied.port}/socket", headers={"Host": "gavip.localhost"})
    socket = await websocket_connect(request, max_message_size=2 * MESSAGE_MB * MB)
    message = bytes(range(256)) * (MESSAGE_MB * MB // 256)
    await socket.write_message(message, binary=True)
    async with asyncio.timeout(30):
        assert await socket.read_message() == message
    socket.close()


async def test_traffic_moves_the_last_activity_that_the_hub_reads(proxied: Proxied) -> None:
    await proxied.add("gavip.localhost/", await upstream((r"/.*", Who, {"name": "x"})))
    before = (await proxied.routes())["/gavip.localhost"]["last_activity"]
    await proxied.get("gavip.localhost")
    assert (await proxied.routes())["/gavip.localhost"]["last_activity"] > before


async def test_a_server_on_a_unix_socket_is_reached_by_the_route_the_hub_makes(proxied: Proxied) -> None:
    with tempfile.TemporaryDirectory(prefix="gavip-", dir="/tmp") as folder:
        server = HTTPServer(Application([(r"/.*", Who, {"name": "behind a socket"})]))
        server.add_socket(bind_unix_socket(f"{folder}/s.sock"))
        # The Hub adds port 80 to whatever address it is given.
        Path(folder, "s.sock:80").symlink_to("s.sock")
        await proxied.add("hr--ann.gavip.localhost/", f"http+unix://{quote(folder + '/s.sock', safe='')}:80")
        assert await proxied.get("hr--ann.gavip.localhost") == "behind a socket"
        server.stop()


class Sent(RequestHandler):
    def get(self) -> None:
        self.set_cookie("own", "1")
        self.write(json.dumps(sorted(self.request.cookies)))


BOMB = [f"b{number}={'x' * 4000}" for number in range(180)]
OWN = ["__Host-jupyterhub-hub-login=1", "_xsrf=2", "jupyterhub-session-id=3"]


async def fetch(proxied: Proxied, cookies: list[str], path: str = "/", **headers: str) -> HTTPResponse:
    sent = {"Host": f"hr--ann.gavip.localhost:{proxied.port}", "Cookie": "; ".join(cookies), **headers}
    await proxied.add("hr--ann.gavip.localhost/", await upstream((r"/.*", Sent)))
    return await AsyncHTTPClient().fetch(f"http://127.0.0.1:{proxied.port}{path}", headers=sent)


async def answered(proxied: Proxied, path: str, host: str, cookie: str) -> str:
    """Ask for what leads nowhere, as no library would; return all that is answered."""
    reader, writer = await proxied.connect()
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 ")
    return answer.decode()


async def test_the_platforms_cookies_get_through_though_a_script_filled_the_domain(proxied: Proxied) -> None:
    answer = await fetch(proxied, [*BOMB[:90], *OWN, *BOMB[90:]])
    names = json.loads(answer.body)
    assert {cookie.partition("=")[0] for cookie in OWN} <= set(names)
    assert 3 < len(names) < 10


async def test_what_fits_is_left_as_it_is(proxied: Proxied) -> None:
    answer = await fetch(proxied, ["mine=1", *OWN])
    assert len(json.loads(answer.body)) == 4
    assert answer.headers.get_list("Set-Cookie") == ["own=1; Path=/"]


@pytest.mark.parametrize(
    ("cookies", "mode"), [(["_xsrf=1", "_xsrf=2"], "cors"), (["_xsrf=1"], "navigate"), (OWN, "navigate")]
)
async def test_a_form_token_set_for_the_whole_domain_is_removed(
    proxied: Proxied, cookies: list[str], mode: str
) -> None:
    answer = await fetch(proxied, cookies, "/user/ann/?x=/y/", **{"Sec-Fetch-Mode": mode})
    removed = answer.headers.get_list("Set-Cookie")
    assert "own=1; Path=/" in removed
    for domain in ("gavip.localhost", "hr--ann.gavip.localhost"):
        for path in ("/", "/user", "/user/", "/user/ann", "/user/ann/"):
            assert f"_xsrf=; Max-Age=0; Domain={domain}; Path={path}" in removed
    assert len(removed) == 11


DEEP = "/" + "/".join(f"{number:x}" for number in range(12))


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("a." * 4000 + "localhost", DEEP),
        (".".join("a" * 100), DEEP),
        (".".join("a" * 12), f"/{'x' * 80}" * 12),
        (".".join(["a" * 60] * 4), f"/{'x' * 100_000}" * 9),
        ("." * 8000 + "localhost", DEEP),
        ("gavip.localhost", "/" * 900_000),
    ],
)
async def test_no_head_of_an_answer_grows_with_what_a_stranger_asks(
    proxied: Proxied, host: str, path: str
) -> None:
    before = proxied.peak_mb()
    answer = await answered(proxied, path, host, "_xsrf=1; _xsrf=2")
    assert len(answer) < 32 * 1024
    assert proxied.peak_mb() - before < 100


async def test_a_million_cookies_are_not_sorted(proxied: Proxied) -> None:
    before = proxied.cpu_seconds()
    await answered(proxied, "/", "gavip.localhost", "a;__Host-a;_xsrf;" * 50_000)
    assert proxied.cpu_seconds() - before < 0.5


async def test_the_last_of_a_long_path_costs_no_shorter_one_its_removal(proxied: Proxied) -> None:
    answer = await answered(proxied, f"/user/{'x' * 4000}", "gavip.localhost", "_xsrf=1; _xsrf=2")
    assert re.findall(r"Domain=(\S+); Path=(\S+)", answer) == [
        ("gavip.localhost", path) for path in ("/", "/user", "/user/")
    ]


@pytest.mark.parametrize("doorless", [True], indirect=True)
async def test_without_its_door_the_proxy_refuses_them_all(proxied: Proxied, doorless: bool) -> None:
    with pytest.raises(HTTPClientError, match="431"):
        await fetch(proxied, [*BOMB[:90], *OWN, *BOMB[90:]])
    answer = await fetch(proxied, OWN, **{"Sec-Fetch-Mode": "navigate"})
    assert answer.headers.get_list("Set-Cookie") == ["own=1; Path=/"]
