"""Who reaches a space by WebDAV, and what is refused before it."""

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.support.webdav import MOUNT, Dav, basic, running_dav

QUOTA = {"memory_mb": 1024, "cpu": 1.0, "jobs": 1, "servers": 1}
HOSTILE = (
    "../bob/b.txt",
    "data/../../bob/b.txt",
    "%2e%2e/bob/b.txt",
    "data%2f..%2f..%2fbob%2fb.txt",
    "..%5cbob%5cb.txt",
    ".bashrc",
    ".jupyter/jupyter_server_config.py",
    "data/.hidden",
    "nul%00.txt",
    "bidi%E2%80%AEtxt.exe",
    "line%0Abreak.txt",
    "tab%09.txt",
    "no-utf8-%ff.txt",
    "a" * 300,
    "/".join("d" * 40),
    "%E2%80%8B.txt",
)


@pytest.fixture(scope="module")
def dav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dav]:
    with running_dav(tmp_path_factory.mktemp("dav") / "root", quota=QUOTA | {"space_mb": 4}) as running:
        (running.config.root / "users/bob").mkdir()
        (running.config.root / "users/bob/b.txt").write_text("bob's")
        yield running


def raw(dav: Dav, head: str, body: bytes = b"") -> bytes:
    """Send bytes as they are, close the sending side, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", dav.port), timeout=10) as line:
        line.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65536), b""))


def head(method: str, path: str, *more: str, token: str = "ada-token-12345") -> str:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: gavip",
        f"Authorization: {basic(token)['Authorization']}",
        *more,
    ]
    return "\n".join(lines)


@pytest.mark.parametrize("token", ["", "wrong-token-123", "a:b", "short"])
def test_strangers_are_asked_to_sign_in(dav: Dav, token: str) -> None:
    for method in ("GET", "PROPFIND", "PUT", "DELETE", "OPTIONS", "LOCK"):
        answer = dav.ask(method, "a.txt", token=token, headers={"X-Forwarded-For": f"{method}{token}"})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
    assert not (dav.space / "a.txt").exists()


def test_a_token_says_who_asks_whatever_the_name(dav: Dav) -> None:
    with dav.client("") as http:
        answer = http.get("b.txt", headers=basic("bob-token-12345", name="ada"))
        assert (answer.status_code, answer.text) == (200, "bob's")
        assert http.get("b.txt", headers={"Authorization": "Bearer bob-token-12345"}).status_code == 200


def test_nobody_sees_a_space_without_the_scope(dav: Dav) -> None:
    assert dav.ask("PROPFIND", "", token="vera-token-1234", headers={"Depth": "1"}).status_code == 403


def test_who_may_read_only_writes_nothing(dav: Dav) -> None:
    assert dav.ask("PROPFIND", "", token="reader-token-12", headers={"Depth": "0"}).status_code == 207
    for method in ("PUT", "DELETE", "MKCOL", "MOVE", "COPY", "PROPPATCH", "LOCK", "UNLOCK"):
        assert dav.ask(method, "a.txt", token="reader-token-12").status_code == 403, method


def test_an_interface_is_refused(dav: Dav) -> None:
    assert dav.ask("GET", "", token="avi-token-12345").status_code == 403


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode"])
def test_browsers_are_refused_before_they_are_asked_for_a_password(dav: Dav, header: str) -> None:
    for token in ("", "ada-token-12345"):
        answer = dav.ask("GET", "a.html", token=token, headers={header: "https://evil.example"})
        assert answer.status_code == 403
        assert "www-authenticate" not in answer.headers


def test_who_guesses_is_refused_for_a_while_and_who_is_known_is_not(dav: Dav) -> None:
    there = {"X-Forwarded-For": "1.2.3.4, 9.9.9.9"}
    codes = [
        dav.ask("GET", "", token=f"wrong-token-{number:04}", headers=there).status_code
        for number in range(12)
    ]
    assert codes == [401] * 10 + [429] * 2
    elsewhere = {"X-Forwarded-For": "9.9.9.9, 1.2.3.4"}
    assert dav.ask("GET", "", token="wrong-token-9999", headers=elsewhere).status_code == 401
    dav.ask("PROPFIND", "", headers={"Depth": "0"})
    assert dav.ask("PROPFIND", "", headers={"Depth": "0", **there}).status_code == 207


def test_the_hub_is_asked_once_a_minute(dav: Dav) -> None:
    for _ in range(3):
        dav.ask("PROPFIND", "", headers={"Depth": "0"})
    assert dav.asked.count("ada-token-12345") == 1


@pytest.mark.parametrize("path", HOSTILE)
def test_no_path_leads_out_or_to_what_is_hidden(dav: Dav, path: str) -> None:
    before = sorted(os.walk(dav.config.root / "users"))
    for method in ("GET", "PUT", "MKCOL", "DELETE", "LOCK"):
        answer = raw(dav, head(method, f"{MOUNT}/{path}", "Content-Length: 0", "Connection: close"))
        assert int(answer.split()[1]) in {400, 403, 404, 409}, (method, answer)
    assert sorted(os.walk(dav.config.root / "users")) == before


@pytest.mark.parametrize("target", [*HOSTILE, "jobs/a.txt", "shared/a.txt", ""])
def test_nothing_is_moved_or_copied_to_where_nobody_may_write(dav: Dav, target: str) -> None:
    dav.ask("PUT", "a.txt", content=b"a")
    before = sorted(os.walk(dav.config.root / "users"))
    for method in ("MOVE", "COPY"):
        where = f"Destination: {MOUNT}/{target}"
        answer = raw(dav, head(method, f"{MOUNT}/a.txt", where, "Content-Length: 0", "Connection: close"))
        assert int(answer.split()[1]) in {400, 403, 404, 409, 502}, (method, answer)
    assert sorted(os.walk(dav.config.root / "users")) == before


@pytest.mark.parametrize(
    "target", ["http://elsewhere.example/services/gavip-dav/b.txt", "/services/gavip/b.txt", "http://[", "/"]
)
def test_nothing_is_moved_to_another_place(dav: Dav, target: str) -> None:
    dav.ask("PUT", "a.txt", content=b"a")
    assert dav.ask("MOVE", "a.txt", headers={"Destination": target}).status_code in {400, 502}
    assert (dav.space / "a.txt").exists()


def test_links_are_neither_shown_nor_followed(dav: Dav) -> None:
    (dav.space / "out").symlink_to(dav.config.root / "users/bob")
    (dav.space / "file").symlink_to(dav.config.root / "users/bob/b.txt")
    os.mkfifo(dav.space / "pipe")
    shown = dav.ask("PROPFIND", "", headers={"Depth": "1"}).text
    assert not any(f"/{name}<" in shown for name in ("out", "out/", "file", "pipe"))
    for path in ("out/b.txt", "file", "pipe"):
        assert dav.ask("GET", path).status_code == 404
        assert dav.ask("DELETE", path).status_code == 404
    assert dav.ask("PUT", "out/b.txt", content=b"x").status_code == 409
    assert dav.ask("PUT", "file", content=b"mine").status_code == 201
    assert (dav.config.root / "users/bob/b.txt").read_text() == "bob's"
    assert not (dav.space / "file").is_symlink()


def test_what_breaks_off_leaves_nothing(dav: Dav) -> None:
    dav.ask("PUT", "whole.txt", content=b"whole")
    raw(dav, head("PUT", f"{MOUNT}/whole.txt", "Content-Length: 1000"), b"part")
    raw(dav, head("PUT", f"{MOUNT}/new.txt", "Transfer-Encoding: chunked"), b"4\r\npart\r\n")
    assert (dav.space / "whole.txt").read_bytes() == b"whole"
    assert not (dav.space / "new.txt").exists()
    assert dav.left_aside() == []


def test_a_file_of_unknown_length_comes_whole(dav: Dav) -> None:
    assert dav.ask("PUT", "chunked.txt", content=iter([b"one", b"two"])).status_code == 201
    assert (dav.space / "chunked.txt").read_bytes() == b"onetwo"


def test_what_does_not_fit_is_refused_before_it_comes_and_leaves_nothing(dav: Dav) -> None:
    announced = head("PUT", f"{MOUNT}/large.bin", f"Content-Length: {10 * 1024**3}", "Connection: close")
    answer = raw(dav, announced)
    assert b" 507 " in answer.splitlines()[0]
    assert b"your quota allows 4 MB" in answer
    pieces = (b"x" * 1024**2 for _ in range(6))
    assert dav.ask("PUT", "large.bin", content=pieces).status_code == 507
    assert not (dav.space / "large.bin").exists()
    assert dav.left_aside() == []


def test_nobody_waits_for_what_a_stranger_sends(dav: Dav) -> None:
    with socket.create_connection(("127.0.0.1", dav.port), timeout=5) as line:
        asked = head("PUT", f"{MOUNT}/a.txt", "Content-Length: 1000", token="wrong-token-123").replace(
            "\n", "\r\n"
        )
        line.sendall(f"{asked}\r\nX-Forwarded-For: 8.8.8.8\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))  # until the server ends the connection
    assert b" 401 " in answer.splitlines()[0]


def test_a_refused_file_does_not_hold_up_the_next_request(dav: Dav) -> None:
    with dav.client() as http:
        assert http.put("large.bin", content=b"x" * 6 * 1024**2).status_code == 507
        assert http.get("whole.txt").status_code in {200, 404}


def test_what_is_no_file_is_small_and_says_its_length(dav: Dav) -> None:
    assert dav.ask("PROPFIND", "", headers={"Depth": "0"}, content=b"x" * 100_000).status_code == 413
    assert dav.ask("PROPFIND", "", headers={"Depth": "0"}, content=iter([b"x"])).status_code == 411


@pytest.mark.parametrize(
    "body",
    [
        b"<",
        b"<x/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><D:propfind xmlns:D="DAV:"><D:prop>&b;</D:prop></D:propfind>',
        b"\xff\xfe",
    ],
)
def test_odd_xml_is_refused(dav: Dav, body: bytes) -> None:
    answer = dav.ask("PROPFIND", "", headers={"Depth": "0"}, content=body)
    assert answer.status_code == 400
    assert "root:" not in answer.text


@pytest.mark.parametrize("method", ["POST", "TRACE", "PATCH", "BREW", "SEARCH"])
def test_other_methods_are_refused(dav: Dav, method: str) -> None:
    assert dav.ask(method, "a.txt").status_code == 405


def test_it_tells_that_it_lives(dav: Dav) -> None:
    assert dav.ask("GET", ".health", token="").text == "ok\n"


def test_one_person_has_a_bounded_number_of_requests_under_way(dav: Dav) -> None:
    most = dav.config.webdav_requests_of_one
    lines = [socket.create_connection(("127.0.0.1", dav.port), timeout=10) for _ in range(most)]
    began = head("PUT", f"{MOUNT}/slow.bin", "Content-Length: 10", "Connection: close").replace("\n", "\r\n")
    for line in lines:
        line.sendall(began.encode() + b"\r\n\r\n")
    refused = threading.Event()
    while not refused.is_set():  # the first requests are on their way in
        if dav.ask("GET", "a.txt").status_code == 503:
            refused.set()
    assert dav.ask("GET", ".health", token="").status_code == 200
    assert dav.ask("PROPFIND", "", token="bob-token-12345", headers={"Depth": "0"}).status_code == 207
    for line in lines:
        line.close()
