"""The two ways out of a box, and the one way in."""

import asyncio
import json

import pytest

from gavip_hub.domain.container import Kind
from gavip_hub.exceptions import Unavailable
from tests.sandbox.conftest import EVERY_KIND, worlds
from tests.support.lines import Upstream, listening

pytestmark = pytest.mark.sandbox

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
ASK_API = """
import os, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
print(opener.open(os.environ["GAVIP_API_URL"] + "/me").read().decode())
"""
ASK_WORLD = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1]).read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
"""
SERVE = """
import os, socket
with socket.socket(socket.AF_UNIX) as listening:
    listening.bind(os.environ["GAVIP_SOCKET"])
    listening.listen()
    while True:
        line, _ = listening.accept()
        with line:
            if line.recv(100):
                line.sendall(b"I serve " + os.environ["JUPYTERHUB_SERVICE_URL"].encode())
"""


@pytest.mark.parametrize("kind", EVERY_KIND)
async def test_a_job_reaches_the_platforms_api_and_no_other_path(kind):
    upstream = Upstream(answer=OK)
    async with listening(upstream.handle) as port:
        upstreams = {"/services/gavip/api": f"http://127.0.0.1:{port}"}
        with worlds(kind, "sandbox", upstreams=upstreams) as world:
            ended, log = await world.run("gavip-japi-1", "python", "-c", ASK_API)
            refused = ASK_API.replace("/me", "/../../hub/admin")
            _, second = await world.run("gavip-japi-2", "python", "-c", refused)
    assert (ended.exit_code, log) == (0, "hello\n")
    assert "HTTP Error 400" in second
    assert len(upstream.connections) == 1


async def test_without_walls_the_api_is_reached_directly(open_world):
    upstream = Upstream(answer=OK)
    async with listening(upstream.handle) as port:
        open_world.upstreams["/services/gavip/api"] = f"http://127.0.0.1:{port}"
        _, log = await open_world.run("gavip-japi-1", "python", "-c", ASK_API)
    assert log == "hello\n"


async def test_a_job_reaches_the_hosts_of_its_avi_alone(walled):
    upstream = Upstream(answer=OK)
    async with listening(upstream.handle) as port:
        url = f"http://127.0.0.1:{port}/tap"
        _, log = await walled.run(
            "gavip-jout-1", "python", "-c", ASK_WORLD, url, allowed_hosts=(f"127.0.0.1:{port}",)
        )
        _, other = await walled.run(
            "gavip-jout-2", "python", "-c", ASK_WORLD, url, allowed_hosts=("example.org",)
        )
    assert log == "hello\n"
    assert other.startswith("403 ")
    assert len(upstream.connections) == 1
    lines = [
        json.loads((walled.run_dir(name) / "egress.log").read_text().splitlines()[0])
        for name in ("gavip-jout-1", "gavip-jout-2")
    ]
    assert [line["allowed"] for line in lines] == [True, False]


async def answer_at(socket: str) -> bytes:
    reader, writer = await asyncio.open_unix_connection(socket)
    writer.write(b"hello?")
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_server_answers_at_its_socket_until_it_is_stopped(anywhere):
    world = anywhere
    spec = world.spec(
        "gavip-server-s1",
        "python",
        "-S",
        "-c",
        SERVE,
        kind=Kind.INTERFACE,
        env={"JUPYTERHUB_SERVICE_PREFIX": "/user/ann/hr/"},
    )
    state = world.launcher.launch(spec)
    async with asyncio.timeout(20):
        while True:
            try:
                answer = await answer_at(state["socket"])
                break
            except OSError:
                await asyncio.sleep(0.01)
    assert answer.startswith(b"I serve http+unix://%2F")
    assert answer.endswith(b"%2Fs.sock/user/ann/hr/")
    # The name under which the proxy looks for it.
    assert await answer_at(f"{state['socket']}:80") == answer
    world.launcher.stop("gavip-server-s1")
    await world.end_of("gavip-server-s1")
    with pytest.raises(FileNotFoundError):
        await answer_at(state["socket"])


async def test_a_box_whose_command_is_missing_says_so(walled):
    ended, log = await walled.run("gavip-jnone-1", "no-such-program")
    assert ended.exit_code == 1
    assert "the box's command cannot be started" in log


def test_without_walls_a_missing_command_is_refused_at_once(open_world):
    with pytest.raises(Unavailable, match="no-such-program"):
        open_world.launcher.launch(open_world.spec("gavip-jnone-1", "no-such-program"))
