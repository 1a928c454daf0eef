"""The proxy to the world: knows the AVI's hosts, refuses inner addresses, writes everything down."""

import asyncio
import contextlib
import json
import socket
import threading

import pytest

from avi_kernel.box.egress import EgressLog, EgressProxy
from avi_kernel.box.gate import ApiGate
from avi_kernel.protocol.addresses import Reach, reach_of
from avi_kernel.protocol.called import Called, called_of
from avi_kernel.protocol.hosts import AllowedHosts, Destination
from tests.support.lines import Upstream, ask, body_of, guarded, listening, status_of

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
ECHO = b"pong"


@contextlib.asynccontextmanager
async def proxy(folder, *allowed):
    log = EgressLog(path=str(folder / "egress.log"))
    async with guarded(EgressProxy(allowed=AllowedHosts(allowed), log=log).handle) as port:
        yield port


def calls(folder):
    return [json.loads(line) for line in (folder / "egress.log").read_text().splitlines()]


async def test_a_tunnel_to_a_listed_host_is_opened_and_written_down(tmp_path):
    upstream = Upstream(answer=b"pong", after=b"ping")
    async with listening(upstream.handle) as far, proxy(tmp_path, f"127.0.0.1:{far}") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"CONNECT 127.0.0.1:{far} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.write(b"ping")
        assert await reader.readexactly(4) == b"pong"
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(10):
            while len(calls(tmp_path)) < len(("began", "ended")):
                await asyncio.sleep(0.01)
    call, ended = calls(tmp_path)
    assert (call["host"], call["port"], call["allowed"], call["ends"]) == ("127.0.0.1", far, True, False)
    assert (ended["sent"], ended["received"], ended["ends"]) == (4, 4, True)
    assert called_of((tmp_path / "egress.log").read_bytes().splitlines()) == [
        Called(host="127.0.0.1", port=far, times=1)
    ]


async def test_a_call_that_is_kept_open_is_written_down_before_a_byte_passes(tmp_path):
    upstream = Upstream(answer=b"")
    async with listening(upstream.handle) as far, proxy(tmp_path, f"127.0.0.1:{far}") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"CONNECT 127.0.0.1:{far} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        called = called_of((tmp_path / "egress.log").read_bytes().splitlines())
        writer.close()
    assert called == [Called(host="127.0.0.1", port=far, times=1)]


async def test_a_plain_request_to_a_listed_host_is_carried(tmp_path):
    upstream = Upstream(answer=OK)
    async with listening(upstream.handle) as far, proxy(tmp_path, f"127.0.0.1:{far}") as port:
        request = f"GET http://127.0.0.1:{far}/tap?x=1 HTTP/1.1\r\nHost: wrong\r\nProxy-Connection: x\r\n\r\n"
        assert await ask(port, request.encode()) == OK
        assert upstream.connections[0].startswith(b"GET /tap?x=1 HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{far}\r\n".encode() in upstream.connections[0]
        assert b"wrong" not in upstream.connections[0]
    assert calls(tmp_path)[-1]["received"] == len(OK)


async def test_nothing_is_reached_by_default(tmp_path):
    upstream = Upstream(answer=OK)
    async with listening(upstream.handle) as far, proxy(tmp_path) as port:
        answer = await ask(port, f"CONNECT 127.0.0.1:{far} HTTP/1.1\r\n\r\n".encode())
    assert status_of(answer) == 403
    assert "may not reach" in body_of(answer)["message"]
    assert upstream.connections == []
    assert [call["allowed"] for call in calls(tmp_path)] == [False]


@pytest.fixture
def names(monkeypatch):
    """Name -> addresses that its owner answers with, one after another."""
    answers = {}

    def resolve(host, port, *_, **__):
        address = answers[host].pop(0) if host in answers else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        ("*.example.org:{}", 403),
        ("www.example.org:{}", 403),
        ("inner:www.example.org:{}", 200),
        ("inner:*.example.org:{}", 200),
    ],
)
async def test_a_name_leads_inside_only_where_the_operator_says_so(tmp_path, names, entry, status):
    names["www.example.org"] = ["127.0.0.1"]
    upstream = Upstream(answer=OK)
    async with listening(upstream.handle) as far, proxy(tmp_path, entry.format(far)) as port:
        answer = await ask(port, f"GET http://www.example.org:{far}/ HTTP/1.1\r\n\r\n".encode())
    assert status_of(answer) == status
    assert bool(upstream.connections) is (status == 200)
    assert status == 200 or "unless the operator lists inner:www.example.org" in body_of(answer)["message"]


async def test_the_address_that_was_looked_at_is_the_one_connected_to(tmp_path, names):
    upstream = Upstream(answer=OK)
    async with listening(upstream.handle) as far, proxy(tmp_path, f"inner:www.example.org:{far}") as port:
        names["www.example.org"] = ["127.0.0.1", "169.254.169.254"]
        answer = await ask(port, f"GET http://www.example.org:{far}/ HTTP/1.1\r\n\r\n".encode())
    assert answer == OK
    assert names["www.example.org"] == ["169.254.169.254"]


@pytest.mark.parametrize(
    "request_line",
    [
        "GET / HTTP/1.1",
        "GET https://example.org/ HTTP/1.1",
        "GET ftp://example.org/ HTTP/1.1",
        "CONNECT example.org HTTP/1.1",
        "CONNECT example.org:0 HTTP/1.1",
        "CONNECT example.org:99999 HTTP/1.1",
        "CONNECT user@example.org:443 HTTP/1.1",
        "GET http://user:secret@example.org/ HTTP/1.1",
        "CONNECT -x:443 HTTP/1.1",
        f"CONNECT example.org:{'9' * 5000} HTTP/1.1",
        "CONNECT [::1:443 HTTP/1.1",
        "CONNECT ::1]:443 HTTP/1.1",
        "CONNECT ::1:443 HTTP/1.1",
        "CONNECT [example.org]:443 HTTP/1.1",
        "GET http://[example.org/ HTTP/1.1",
    ],
)
async def test_a_malformed_address_is_refused(tmp_path, request_line):
    async with proxy(tmp_path, "example.org", "example.org:443") as port:
        assert status_of(await ask(port, f"{request_line}\r\n\r\n".encode())) == 400


async def test_a_name_that_no_resolver_takes_is_told(tmp_path):
    async with proxy(tmp_path, "*.example.org") as port:
        long = "x" * 70
        assert status_of(await ask(port, f"CONNECT {long}.example.org:443 HTTP/1.1\r\n\r\n".encode())) == 502


@contextlib.contextmanager
def slow_names():
    """Names below slow.example.org are looked up until this is over; gives those that are."""
    looked_up, over = [], threading.Event()
    resolve = socket.getaddrinfo

    def look_up(host, *where, **how):
        if host.endswith(".slow.example.org"):
            looked_up.append(host)
            over.wait()
            raise socket.gaierror("no such name")
        return resolve(host, *where, **how)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", look_up)
        try:
            yield looked_up
        finally:
            over.set()


@contextlib.asynccontextmanager
async def many_slow_calls(folder):
    """One box asks for forty hosts whose names are long looked up."""
    async with proxy(folder, "*.slow.example.org") as port, asyncio.TaskGroup() as tasks:
        with slow_names() as looked_up:
            for number in range(40):
                request = f"CONNECT x{number}.slow.example.org:443 HTTP/1.1\r\n\r\n"
                tasks.create_task(ask(port, request.encode()))
            async with asyncio.timeout(10):
                while len(looked_up) < 4:
                    await asyncio.sleep(0.01)
            yield


async def in_time(asking):
    async with asyncio.timeout(5):
        return await asking


async def test_slow_names_of_one_box_hold_up_no_call_of_the_platforms_api(tmp_path):
    async with (
        listening(Upstream(answer=OK).handle) as far,
        many_slow_calls(tmp_path),
        guarded(ApiGate(upstreams={"/api": f"http://localhost:{far}"}).handle) as gate,
    ):
        assert await in_time(ask(gate, b"GET /api HTTP/1.1\r\n\r\n")) == OK


async def test_slow_names_of_one_box_hold_up_no_other_box(tmp_path):
    async with (
        listening(Upstream(answer=OK).handle) as far,
        many_slow_calls(tmp_path),
        proxy(tmp_path, f"localhost:{far}") as other,
    ):
        request = f"GET http://localhost:{far}/ HTTP/1.1\r\n\r\n"
        assert await in_time(ask(other, request.encode())) == OK


async def test_a_platform_whose_name_is_not_found_in_time_is_told():
    upstreams = {"/api": "http://hub.slow.example.org:80"}
    async with guarded(ApiGate(upstreams=upstreams, patience=0.2).handle) as gate:
        with slow_names() as looked_up:
            answer = await in_time(ask(gate, b"GET /api HTTP/1.1\r\n\r\n"))
    assert status_of(answer) == 503
    assert looked_up == ["hub.slow.example.org"]


async def test_a_host_that_cannot_be_reached_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        dead = taken.getsockname()[1]
    async with proxy(tmp_path, f"127.0.0.1:{dead}") as port:
        assert status_of(await ask(port, f"CONNECT 127.0.0.1:{dead} HTTP/1.1\r\n\r\n".encode())) == 502
    assert calls(tmp_path)[0]["reason"]


@pytest.mark.parametrize(
    ("entry", "host", "port", "allowed"),
    [
        ("gea.esac.esa.int", "gea.esac.esa.int", 443, True),
        ("gea.esac.esa.int", "gea.esac.esa.int", 80, True),
        ("gea.esac.esa.int", "gea.esac.esa.int", 22, False),
        ("gea.esac.esa.int", "evil.gea.esac.esa.int", 443, False),
        ("gea.esac.esa.int:8080", "gea.esac.esa.int", 8080, True),
        ("gea.esac.esa.int:8080", "gea.esac.esa.int", 443, False),
        ("*.esa.int", "gea.esac.esa.int", 443, True),
        ("*.esa.int", "esa.int", 443, False),
        ("*.esa.int", "evilesa.int", 443, False),
        ("GEA.esac.esa.int", "gea.esac.esa.int", 443, True),
        ("*.1", "127.0.0.1", 80, False),
        ("[2001:db8::1]:8080", "2001:db8::1", 8080, True),
        ("2001:db8::1", "2001:db8::1", 443, True),
    ],
)
def test_entries_match_hosts(entry, host, port, allowed):
    assert AllowedHosts([entry]).allows(Destination(host=host, port=port)) is allowed


def admitted(entry, host, address):
    return AllowedHosts([entry]).admits(Destination(host=host, port=443), address)


def test_an_address_that_the_operator_wrote_may_be_an_inner_one():
    assert admitted("10.1.2.3:443", "10.1.2.3", "10.1.2.3")
    assert admitted("[::1]:443", "::1", "::1")


def test_localhost_is_this_machine_and_nothing_else():
    assert admitted("localhost:443", "localhost", "127.0.0.1")
    assert admitted("db.localhost", "db.localhost", "::1")
    assert not admitted("db.localhost", "db.localhost", "10.1.2.3")


def test_a_host_named_inner_is_a_host():
    assert AllowedHosts(["inner:8080"]).allows(Destination(host="inner", port=8080))


@pytest.mark.parametrize("entry", ["", "inner:", "example.org:99999999", "[", "a:b:c"])
def test_an_entry_that_cannot_be_read_opens_nothing(entry):
    assert not AllowedHosts([entry]).allows(Destination(host="example.org", port=443))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fc00::1"],
)
def test_inner_addresses_are_the_operators(address):
    assert reach_of(address) is Reach.INNER


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "192.0.2.1",
        "192.88.99.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::127.0.0.1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "2002:7f00:1::", "fd00:ec2::254", "fe80::1",
        "fe80::1%eth0", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_what_tells_secrets_or_leads_elsewhere_nobody_may_reach(address):
    assert reach_of(address) is Reach.NEVER
    assert not admitted(f"inner:[{address}]", address, address)


@pytest.mark.parametrize("address", ["193.147.153.188", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address):
    assert reach_of(address) is Reach.PUBLIC
