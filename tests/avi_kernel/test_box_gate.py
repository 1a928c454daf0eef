"""The gate to the platform's API: strict about what it reads, exact about what it passes on."""

import asyncio
import contextlib
import time

import pytest

from avi_kernel.box.gate import ApiGate, plain_path
from avi_kernel.box.heads import BadRequest
from tests.support.lines import BOUND, Upstream, ask, body_of, free_port, guarded, listening, status_of

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"


@contextlib.asynccontextmanager
async def gate(upstream, **options):
    async with listening(upstream.handle) as port:
        upstreams = {"/services/gavip/api": f"http://127.0.0.1:{port}"}
        async with guarded(ApiGate(upstreams=upstreams, **options).handle) as own:
            yield own


def request(target="/services/gavip/api/me", *lines, body=b""):
    head = "\r\n".join([f"POST {target} HTTP/1.1", "Host: gavip", *lines, "", ""])
    return head.encode("latin-1") + body


async def test_a_request_and_its_answer_pass():
    upstream = Upstream(answer=OK)
    async with gate(upstream) as port:
        assert await ask(port, request("/services/gavip/api/me?x=1", "Authorization: Bearer t")) == OK
    (seen,) = upstream.connections
    assert seen.startswith(b"POST /services/gavip/api/me?x=1 HTTP/1.1\r\n")
    assert b"Authorization: Bearer t\r\n" in seen


async def test_what_tells_who_asks_is_not_believed():
    upstream = Upstream(answer=OK)
    async with gate(upstream) as port:
        lines = [
            "X-Forwarded-For: 1.2.3.4",
            "Forwarded: for=1.2.3.4",
            "X-Real-IP: 1.2.3.4",
            "Connection: x-secret",
        ]
        await ask(port, request("/services/gavip/api/me", *lines, "X-Secret: 1", "Keep-Alive: 5"))
    (seen,) = upstream.connections
    assert b"1.2.3.4" not in seen
    assert b"Secret" not in seen
    assert b"Keep-Alive" not in seen
    assert seen.count(b"Connection: close") == 1


async def test_a_body_passes_whole():
    upstream = Upstream(answer=OK, after=b"z")
    body = b"x" * 300_000 + b"z"
    async with gate(upstream) as port:
        await ask(port, request("/services/gavip/api/jobs", f"Content-Length: {len(body)}", body=body))
    assert upstream.connections[0].endswith(b"\r\n\r\n" + body)


async def test_a_body_in_chunks_passes_whole():
    upstream = Upstream(answer=OK, after=b"0\r\n\r\n")
    body = b"5\r\nhello\r\n0\r\n\r\n"
    async with gate(upstream) as port:
        await ask(port, request("/services/gavip/api/jobs", "Transfer-Encoding: chunked", body=body))
    assert upstream.connections[0].endswith(b"\r\n\r\n" + body)


async def test_an_answer_comes_while_it_is_made():
    release = asyncio.Event()

    async def events(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n")
        await release.wait()
        writer.write(b"data: 2\n\n")
        writer.close()

    async with listening(events) as far:
        upstreams = {"/services/gavip/api": f"http://127.0.0.1:{far}"}
        async with guarded(ApiGate(upstreams=upstreams).handle) as port, asyncio.timeout(BOUND):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request("/services/gavip/api/events"))
            await reader.readuntil(b"data: 1\n\n")
            release.set()
            assert await reader.read() == b"data: 2\n\n"
            writer.close()


async def test_the_platform_learns_when_the_asker_goes():
    gone = asyncio.Event()

    async def endless(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set()
        writer.close()

    async with listening(endless) as far:
        upstreams = {"/services/gavip/api": f"http://127.0.0.1:{far}"}
        async with guarded(ApiGate(upstreams=upstreams).handle) as port, asyncio.timeout(BOUND):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request("/services/gavip/api/events"))
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
            await gone.wait()


async def test_a_second_request_on_a_connection_is_never_passed_on():
    upstream = Upstream(answer=OK)
    async with gate(upstream) as port:
        await ask(port, request() + request("/hub/admin"))
    assert b"admin" not in b"".join(upstream.connections)


@pytest.mark.parametrize(
    "target",
    [
        "/hub/api/users",
        "/",
        "/services/gavip/apis",
        "/services/gavip/api/../../../hub/api",
        "/services/gavip/api/%2e%2e/%2e%2e/hub",
        "/services/gavip/api/..%2f..%2fhub",
        "/services/gavip/api//hub",
        "/services/gavip/api/%252e%252e/x",
        "/services/gavip/api/\\..\\x",
        "http://127.0.0.1/services/gavip/api/me",
        "//evil/services/gavip/api",
        "*",
        "/services/gavip/api#/x",
        "/services/gavip/api/%00",
        "/services/gavip/api/%0d%0aX: y",
    ],
)
async def test_a_path_that_leads_elsewhere_is_refused(target):
    upstream = Upstream(answer=OK)
    async with gate(upstream) as port:
        assert status_of(await ask(port, request(target))) in (400, 403)
    assert upstream.connections == []


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 4", "Transfer-Encoding: chunked"],
        ["Content-Length: 4", "Content-Length: 5"],
        ["Content-Length: 4, 5"],
        ["Content-Length: +4"],
        ["Content-Length: 0x4"],
        ["Transfer-Encoding: chunked, gzip"],
        ["Transfer-Encoding: gzip"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Transfer-Encoding : chunked"],
        [" folded: yes"],
        ["X: a\rb"],
        ["X: a\x00b"],
        ["X: a\nInjected: 1"],
        ["No colon"],
        ["Connection: Upgrade", "Upgrade: websocket"],
        [f"X{number}: 1" for number in range(150)],
    ],
)
async def test_a_head_that_two_servers_could_read_differently_is_refused(lines):
    upstream = Upstream(answer=OK)
    async with gate(upstream) as port:
        assert status_of(await ask(port, request("/services/gavip/api/me", *lines, body=b"0\r\n\r\n"))) == 400
    assert upstream.connections == []


@pytest.mark.parametrize(
    "first", ["GET", "GET /x", "get / HTTP/1.1", "GET / HTTP/2", "GET  / HTTP/1.1", "GET / HTTP/1.1 "]
)
async def test_a_first_line_that_is_none_is_refused(first):
    async with gate(Upstream(answer=OK)) as port:
        assert status_of(await ask(port, f"{first}\r\n\r\n".encode())) == 400


async def test_a_head_without_end_is_refused():
    async with gate(Upstream(answer=OK)) as port:
        assert status_of(await ask(port, b"GET /" + b"x" * 70_000)) == 431


async def test_a_header_of_blanks_holds_up_nobody():
    used = time.process_time()
    async with gate(Upstream(answer=OK)) as port:
        assert status_of(await ask(port, request("/services/gavip/api/me", f"X:{' ' * 900}\x01"))) == 400
    assert time.process_time() - used < 0.5


async def test_blanks_around_a_value_are_not_passed_on():
    upstream = Upstream(answer=OK)
    async with gate(upstream) as port:
        await ask(port, request("/services/gavip/api/me", "X-Word: \t two  words \t ", "X-None:  "))
    assert b"\r\nX-Word: two  words\r\nX-None: \r\n" in upstream.connections[0]


async def test_a_malformed_chunk_is_refused():
    upstream = Upstream(answer=OK, after=b"never")
    async with gate(upstream) as port:
        answer = await ask(
            port, request(body=b"zz\r\n").replace(b"Host", b"Transfer-Encoding: chunked\r\nHost")
        )
        assert status_of(answer) == 400


async def test_what_hides_behind_the_last_chunk_is_not_passed_on():
    upstream = Upstream(answer=OK, after=b"never")
    body = b"0\r\nGET /hub/admin HTTP/1.1\r\n\r\n"
    async with gate(upstream) as port:
        await ask(port, request("/services/gavip/api/me", "Transfer-Encoding: chunked", body=body))
    assert b"admin" not in b"".join(upstream.connections)


async def test_a_service_that_restarts_is_waited_for():
    port = free_port()
    upstream = Upstream(answer=OK)
    async with guarded(ApiGate(upstreams={"/services/gavip/api": f"http://127.0.0.1:{port}"}).handle) as own:
        asking = asyncio.ensure_future(ask(own, request()))
        done, _ = await asyncio.wait({asking}, timeout=0.3)
        assert not done
        server = await asyncio.start_server(upstream.handle, "127.0.0.1", port)
        async with server:
            assert await asking == OK


async def test_a_service_that_stays_away_is_told():
    upstreams = {"/services/gavip/api": f"http://127.0.0.1:{free_port()}"}
    async with guarded(ApiGate(upstreams=upstreams, patience=0.2).handle) as own:
        answer = await ask(own, request())
    assert status_of(answer) == 503
    assert "does not answer" in body_of(answer)["message"]


async def test_the_longest_prefix_wins():
    one, two = Upstream(answer=OK), Upstream(answer=OK)
    async with listening(one.handle) as first, listening(two.handle) as second:
        upstreams = {"/hub": f"http://127.0.0.1:{first}", "/hub/api": f"http://127.0.0.1:{second}"}
        async with guarded(ApiGate(upstreams=upstreams).handle) as own:
            await ask(own, request("/hub/api/user"))
    assert (len(one.connections), len(two.connections)) == (0, 1)


@pytest.mark.parametrize(
    ("target", "open_"),
    [
        ("/hub/api", True),
        ("/hub/api/", True),
        ("/hub/api/user?x=1", True),
        ("/hub/api/users", False),
        ("/hub/api/user/x", False),
    ],
)
async def test_a_page_is_open_with_nothing_below_it(target, open_):
    upstream = Upstream(answer=OK)
    async with listening(upstream.handle) as far:
        pages = dict.fromkeys(["/hub/api", "/hub/api/user"], f"http://127.0.0.1:{far}")
        async with guarded(ApiGate(upstreams={}, pages=pages).handle) as own:
            assert status_of(await ask(own, request(target))) == (200 if open_ else 403)
    assert bool(upstream.connections) is open_


def test_a_name_with_a_space_is_a_plain_path():
    assert plain_path("/a/b%20c") == "/a/b c"


def test_an_encoded_percent_sign_is_doubtful():
    with pytest.raises(BadRequest):
        plain_path("/a/%25")
