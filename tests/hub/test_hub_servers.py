"""Servers as the Hub starts them: what is admitted, what is refused, and what is left when they end."""

import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from urllib.parse import unquote

import httpx
import pytest

from tests.support.avis import notebook
from tests.support.platform import Platform, eventually

pytestmark = pytest.mark.hub

HOST = "gavip.localhost"


@pytest.fixture(autouse=True)
def nothing_left_open(platform: Platform) -> Iterator[None]:
    yield
    platform.close_servers("scientist")


def ask_hub(platform: Platform, name: str, options: object, user: str = "scientist") -> httpx.Response:
    """Ask the Hub itself, past the platform's own API, as anybody may."""
    with platform.hub(user) as hub:
        return hub.post(f"/users/{user}/servers/{name}", json={"user_options": options})


def ready_at_hub(platform: Platform, name: str, user: str = "scientist") -> bool:
    with platform.hub(user) as hub:
        server = hub.get(f"/users/{user}").json()["servers"].get(name, {})
    return bool(server.get("ready"))


def boxes(platform: Platform) -> set[str]:
    return {path.name for path in (platform.root / "boxes").iterdir() if not path.name.startswith(".")}


def test_an_opened_avi_answers_at_its_own_origin(platform: Platform, hello: str) -> None:
    url = platform.open_avi(hello, "scientist")
    with platform.signed_in("scientist") as browser:
        page = browser.get(url)
    assert page.status_code == 200
    assert str(page.url) == url
    assert "hello 42" in page.text


def test_a_stranger_is_sent_to_sign_in(platform: Platform, hello: str) -> None:
    url = platform.open_avi(hello, "scientist")
    with platform.browserless() as browser:
        page = browser.get(url)
    assert page.status_code == 302
    assert page.headers["location"].startswith(f"{platform.url}/hub/api/oauth2/authorize")


def test_another_user_does_not_get_in(platform: Platform, hello: str) -> None:
    url = platform.open_avi(hello, "scientist")
    with platform.signed_in("developer") as browser:
        page = browser.get(url)
    assert page.status_code == 403
    assert "hello 42" not in page.text


@pytest.mark.parametrize(
    "options",
    [
        {"release": "hello/1.0", "image": "evil"},
        {"release": "hello/1.0", "memory_mb": 64000},
        {"image": "evil"},
        {},
        {"release": 1},
        {"release": "hello"},
        {"release": "hello/9.9"},
        {"release": "hello/../other/1.0"},
        {"release": ["hello/1.0"]},
        {"notebook": "default"},
        {"notebook": "default", "release": "hello/1.0"},
        [],
        "hello/1.0",
    ],
    ids=json.dumps,
)
def test_options_that_say_anything_but_a_release_are_refused(
    platform: Platform, hello: str, options: object
) -> None:
    before = boxes(platform)
    answer = ask_hub(platform, "hello", options)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["message"]
    assert boxes(platform) == before
    assert platform.server_state("hello", "scientist") is None


def test_another_avi_under_the_name_is_refused(platform: Platform, hello: str, other: str) -> None:
    answer = ask_hub(platform, hello, {"release": f"{other}/1.0"})
    assert 400 <= answer.status_code < 500
    assert hello in answer.json()["message"]


def test_somebody_elses_private_release_is_not_there(platform: Platform, private: str) -> None:
    answer = ask_hub(platform, private, {"release": f"{private}/1.0"})
    assert answer.status_code == 404


def test_the_owner_of_a_private_release_may_open_it(platform: Platform, private: str) -> None:
    assert ask_hub(platform, private, {"release": f"{private}/1.0"}, "operator").status_code in (201, 202)
    eventually(lambda: ready_at_hub(platform, private, "operator"), "it is ready")
    platform.close_servers("operator")


def test_nobody_starts_a_server_for_somebody_else(platform: Platform, hello: str) -> None:
    with platform.hub("developer") as hub:
        options = {"user_options": {"release": f"{hello}/1.0"}}
        answer = hub.post("/users/scientist/servers/hello", json=options)
    assert answer.status_code in (403, 404)


def test_an_earlier_start_lends_nothing_to_the_next(platform: Platform, hello: str, other: str) -> None:
    assert ask_hub(platform, hello, {"release": f"{hello}/1.0"}).status_code in (201, 202)
    eventually(lambda: ready_at_hub(platform, hello), "it is ready")
    platform.close_servers("scientist")
    assert ask_hub(platform, hello, {"release": f"{other}/1.0"}).status_code == 400


def test_a_closed_server_leaves_no_box_route_or_row(platform: Platform, hello: str) -> None:
    before = boxes(platform)
    url = platform.open_avi(hello, "scientist")
    assert len(boxes(platform) - before) == 1
    platform.close_servers("scientist")
    eventually(lambda: boxes(platform) == before, "the box is gone")
    with platform.signed_in("scientist") as browser:
        assert browser.get(url).status_code == 404


def test_a_server_that_ended_by_itself_is_cleared_away(platform: Platform, hello: str) -> None:
    before = boxes(platform)
    url = platform.open_avi(hello, "scientist")
    [name] = boxes(platform) - before
    shim = json.loads((platform.root / "boxes" / name / "shim.json").read_text())
    os.kill(shim["pid"], signal.SIGKILL)
    eventually(lambda: platform.server_state(hello, "scientist") is None, "its row is closed")
    eventually(lambda: boxes(platform) == before, "the box is gone")
    with platform.signed_in("scientist") as browser:
        assert browser.get(url).status_code == 404
        assert "It was lost" in browser.get(f"/services/gavip/avis/{hello}/open").text


def test_the_address_of_a_stopped_server_shows_nothing_though_its_socket_is_used_again(
    platform: Platform, hello: str, other: str
) -> None:
    gone = platform.open_avi(hello, "scientist")
    platform.close_servers("scientist")
    platform.open_avi(other, "scientist")
    with platform.signed_in("scientist") as browser:
        assert browser.get(platform.avi_url(other, "scientist")).status_code == 200
        assert browser.get(gone).status_code == 404


def test_the_notebook_server_answers_at_its_users_host(platform: Platform) -> None:
    with platform.hub("scientist") as hub:
        started = hub.post("/users/scientist/server", json={"user_options": {"notebook": "default"}})
        assert started.status_code in (201, 202), started.text
    eventually(lambda: platform.server_state("notebook", "scientist") == "ready", "it is told", seconds=20)
    eventually(lambda: ready_at_hub(platform, ""), "it is ready")
    with platform.signed_in("scientist") as browser:
        page = browser.get(f"http://scientist.gavip.localhost:{platform.port}/user/scientist/lab")
    assert page.status_code == 200
    assert "JupyterLab" in page.text


@pytest.mark.sandbox
def test_a_page_that_takes_all_memory_loses_its_kernel_and_the_server_lives(
    platform: Platform, tmp_path: Path
) -> None:
    (tmp_path / "avi.toml").write_text("[interface]\nmemory = 300\n")
    (tmp_path / "app.ipynb").write_text(notebook("everything = b'x' * (600 << 20)"))
    platform.publish(tmp_path, "greedy")
    url = platform.open_avi("greedy", "scientist")
    server = boxes(platform)
    with platform.signed_in("scientist") as browser:
        pages = [browser.get(url, timeout=60) for _ in range(2)]
    assert [page.status_code for page in pages] == [200, 200]
    assert all("memory was full" in page.text for page in pages)
    assert boxes(platform) == server


def route_of(platform: Platform, url: str) -> tuple[str, str]:
    """Return a server's route at the proxy and where it leads."""
    routes = at_proxy(platform, "GET").json()
    [found] = [route for route in routes if f"http:/{route}/".replace(HOST, f"{HOST}:{platform.port}") == url]
    return found, routes[found]["target"]


def at_proxy(platform: Platform, method: str, route: str = "", **body: str) -> httpx.Response:
    """Ask the proxy's own API, as the Hub does."""
    assert platform.config.ports is not None
    headers = {"Authorization": f"token {(platform.root / 'secrets' / 'proxy.token').read_text()}"}
    address = f"http://127.0.0.1:{platform.config.ports.proxy_api}/api/routes{route}"
    return httpx.request(method, address, headers=headers, json=body or None)


class AnotherUsersServer(BaseHTTPRequestHandler):
    """Answers to everybody: what would be seen is what the proxy leads to."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"another user's page")

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving_at(target: str) -> Iterator[None]:
    """Let another user's server listen where a route leads."""
    place = Path(unquote(target.removeprefix("http+unix://")).rstrip("/"))
    place.parent.mkdir()
    with UnixStreamServer(str(place), AnotherUsersServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
    shutil.rmtree(place.parent)


def test_the_address_of_a_stopped_server_shows_nothing_though_another_users_server_has_its_socket(
    platform: Platform, hello: str
) -> None:
    """The control: with its route put back, the address shows what is another user's."""
    gone = platform.open_avi(hello, "scientist")
    route, target = route_of(platform, gone)
    platform.close_servers("scientist")
    with serving_at(target), platform.signed_in("scientist") as browser:
        stopped = browser.get(gone)
        at_proxy(platform, "POST", route, target=target)
        control = browser.get(gone)
        at_proxy(platform, "DELETE", route)
    assert (stopped.status_code, "another user" in stopped.text) == (404, False)
    assert (control.status_code, control.text) == (200, "another user's page")
