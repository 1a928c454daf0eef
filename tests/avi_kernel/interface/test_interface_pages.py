"""What an interface serves, and what it does not."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from avi_kernel.interface.page_runs import LOOKS_ALIVE, in_batches
from tests.support.interface import Interface, eventually, interface, write_notebook

SECRET = "the_source_is_private"
ELSEWHERE = [
    "api/contents", "api/contents/app.ipynb", "api/kernels", "api/kernelspecs", "api/sessions",
    "api/terminals", "terminals/websocket/1", "nbconvert/html/app.ipynb", "voila/files/app.ipynb",
    "voila/render/app.ipynb", "voila/tree", "voila/query/00000000-0000-0000-0000-000000000000", "app.ipynb",
    "files/app.ipynb", "files/helper.py", "files/avi.toml", "files/%2e%2e/other.png", "tree", "lab", "metrics",
]  # fmt: skip


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Interface]:
    folder = tmp_path / "avi"
    write_notebook(
        folder / "app.ipynb", "# Hello", f"{SECRET} = 1", "print('it ran')", "raise ValueError('no star')"
    )
    (folder / "helper.py").write_text(f"{SECRET} = 2\n")
    (folder / "avi.toml").write_text('title = "Stars & <planets>"\n')
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "other.png").write_bytes(b"\x89PNG of somebody else")
    async with interface(folder) as server:
        yield server


async def test_the_page_shows_outputs_title_and_errors_but_no_source(served: Interface) -> None:
    page = await served.page()
    assert "it ran" in page
    assert "Stars &amp; &lt;planets&gt;" in page
    assert "no star" in page
    assert SECRET not in page


async def test_nothing_but_the_page_is_served(served: Interface) -> None:
    async with served.client() as client:
        answers = {path: (await client.get(path)).status_code for path in ELSEWHERE}
        assert set(answers.values()) <= {403, 404}, answers
        assert (await client.get("files/picture.png")).status_code == 200


async def test_the_hub_is_told_that_it_answers_and_nothing_else(served: Interface) -> None:
    async with served.client(known=False) as hub:
        answer = await hub.get("api")
    assert (answer.status_code, list(answer.json())) == (200, ["version"])
    assert answer.headers["X-JupyterHub-Version"] == answer.json()["version"]


async def test_a_stranger_gets_nothing(served: Interface) -> None:
    async with served.client(known=False) as stranger:
        for path in ("", "files/picture.png", "api/kernels/00000000-0000-0000-0000-000000000000"):
            answer = await stranger.get(path, follow_redirects=True)
            assert answer.status_code == 403, path
            assert "it ran" not in answer.text
    assert not served.kernels()


async def test_a_name_that_somebody_made_lead_to_this_machine_is_refused(served: Interface) -> None:
    port = urlsplit(served.url).port
    async with served.client() as client:
        assert (await client.get("", headers={"Host": f"evil.example:{port}"})).status_code == 403
        assert (await client.get("api/revision", headers={"Host": f"localhost:{port}"})).status_code == 200


async def test_the_token_does_not_stay_in_the_address(served: Interface) -> None:
    async with served.client(known=False) as browser:
        answer = await browser.get("", params={"token": served.token})
        assert answer.is_redirect
        assert "token" not in answer.headers["location"]
        assert (await browser.get(answer.headers["location"])).status_code == 200


async def test_pages_are_fenced_and_not_kept(served: Interface) -> None:
    async with served.client() as client:
        headers = (await client.get("")).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"].startswith("'self'")
    assert "http" not in policy["script-src"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def scripts_of(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('<script src="')[1:]]


async def test_static_files_are_compressed_versioned_and_kept_for_ever(served: Interface) -> None:
    scripts = scripts_of(await served.page())
    assert {"interface.js", "redraw.js", "bundle.js", "voila.js"} <= {
        url.rsplit("/", 1)[1] for url in scripts
    }
    async with served.client(known=False) as client:
        for script in scripts:
            answer = await client.get(script)
            assert answer.status_code == 200, script
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers.get("content-encoding") == "gzip" or len(answer.content) < 1024
        version = scripts[0].split("/")[-2]
        assert (await client.get(scripts[0].replace(version, "0" * len(version)))).status_code == 404


@pytest.mark.parametrize("escape", ["../app.ipynb", "..%2f..%2fapp.ipynb", "%2e%2e/%2e%2e/etc/passwd"])
async def test_static_addresses_do_not_lead_out(served: Interface, escape: str) -> None:
    base = scripts_of(await served.page())[0].rsplit("/", 1)[0]
    async with served.client() as client:
        for kind in (base, base.replace("static", "labextensions")):
            answer = await client.get(httpx.URL(f"{served.origin}{kind}/{escape}"))
            assert answer.status_code in {403, 404}


async def test_the_bundle_holds_scripts_of_this_machine(served: Interface) -> None:
    bundle = next(url for url in scripts_of(await served.page()) if url.endswith("bundle.js"))
    async with served.client() as client:
        request = client.stream("GET", bundle)
        async with request as answer:
            packed = b"".join([piece async for piece in answer.aiter_raw()])
    assert b"webpackChunk" in gzip.decompress(packed)
    assert len(packed) < 1_500_000


async def test_the_kernel_of_a_visitor_who_left_ends(tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", "import time\ntime.sleep(2)\n1")
    async with interface(tmp_path) as server:
        async with server.client() as impatient, impatient.stream("GET", "") as answer:
            await anext(answer.aiter_raw())
            await eventually(lambda: len(server.kernels()) == 1)
        await eventually(lambda: not server.kernels())


async def test_a_kernel_that_dies_is_told_in_the_page(tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", "import os\nos._exit(3)")
    async with interface(tmp_path) as server:
        page = await server.page()
        assert "This interface stopped here" in page
        assert "memory was full" in page


async def test_outreach_users_get_their_own_notebook(tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", "print('for scientists')")
    write_notebook(tmp_path / "app_outreach.ipynb", "print('for everybody')")
    for role, text in (("outreach", "for everybody"), ("scientist", "for scientists")):
        async with interface(tmp_path, env={"GAVIP_DEV_PROFILE": role}) as server:
            assert text in await server.page()


async def test_pieces_come_together_and_silence_is_broken() -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "a"
        yield "b"
        await asyncio.sleep(0.05)
        yield "c"

    async with aclosing(in_batches(pieces(), keep_alive=0.01)) as batches:
        said = [batch async for batch in batches]
    assert said[0] == "ab"
    assert said[-1] == "c"
    assert said[1] == LOOKS_ALIVE


async def test_the_kernel_model_tells_that_it_is_there(served: Interface) -> None:
    from tests.support.interface import kernel_of

    kernel = kernel_of(await served.page())
    async with served.client() as client:
        assert json.loads((await client.get(f"api/kernels/{kernel}")).text)["id"] == kernel
        assert (await client.delete(f"api/kernels/{kernel}")).status_code == 405
