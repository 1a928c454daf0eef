"""A developer's page follows the AVI's source; nothing of that is on a platform."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from avi_kernel.interface import options, sources
from avi_kernel.interface.app import InterfaceServer
from avi_kernel.interface.assets import Assets
from avi_kernel.interface.reloading import Source
from avi_kernel.interface.sources import joined, source_files
from tests.support.interface import eventually, interface, write_notebook

PATIENCE = 60_000
WRITES_ITSELF = """
import os, pathlib, time
own = pathlib.Path(os.environ["PYTHONPATH"].split(os.pathsep)[0])
(own / "made.py").write_text(f"at = {time.time()}")
print("it ran")
"""
HUB = {"GAVIP_CODE_DIR": "/avi", "JUPYTERHUB_SERVICE_PREFIX": "/user/eve/stars/"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("app.ipynb", "helper.py", "avi.toml", "pipelines/count.ipynb", "stars/counts.py"):
        path = tmp_path / "avi" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("first")
    return tmp_path / "avi"


def source_of(folder: Path) -> Source:
    return Source(folder, assets=Assets(base_url="/", folder=folder))


def rewrite(path: Path) -> None:
    """Write other content of the same size, in the same second."""
    before = path.stat()
    path.write_text("other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1000))


def test_nothing_changed_is_the_same_revision(folder: Path) -> None:
    assert source_of(folder).revision() == source_of(folder).revision()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: rewrite(folder / "app.ipynb"),
        lambda folder: rewrite(folder / "stars" / "counts.py"),
        lambda folder: rewrite(folder / "pipelines" / "count.ipynb"),
        lambda folder: rewrite(folder / "avi.toml"),
        lambda folder: (folder / "helper.py").unlink(),
        lambda folder: (folder / "helper.py").rename(folder / "helpers.py"),
        lambda folder: (folder / "app_outreach.ipynb").write_text("new"),
    ],
    ids=["notebook", "module", "pipeline", "manifest", "gone", "renamed", "new"],
)
def test_each_change_of_the_source_is_another_revision(
    folder: Path, change: Callable[[Path], object]
) -> None:
    before = source_of(folder).revision()
    change(folder)
    assert source_of(folder).revision() != before


def test_a_file_that_an_avi_writes_as_it_was_is_no_change(folder: Path) -> None:
    source = source_of(folder)
    before = source.revision()
    helper = folder / "helper.py"
    helper.write_bytes(helper.read_bytes())
    os.utime(helper, (1, 1))
    assert source.revision() == before


@pytest.mark.parametrize(
    "name",
    [".git/a.py", ".gavip/work/a.py", ".venv/a.py", "__pycache__/a.py", ".ipynb_checkpoints/app.ipynb",
     "results/main.ipynb", "stars.csv", "README.md"],
)  # fmt: skip
def test_what_is_no_source_is_not_looked_at(folder: Path, name: str) -> None:
    before = source_of(folder).revision()
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("made")
    assert source_of(folder).revision() == before


def test_an_environment_of_any_name_and_linked_folders_are_left_out(folder: Path, tmp_path: Path) -> None:
    before = source_of(folder).revision()
    for place in (folder / "mine", tmp_path / "elsewhere"):
        place.mkdir()
        (place / "a.py").write_text("made")
    (folder / "mine" / "pyvenv.cfg").write_text("")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    assert source_of(folder).revision() == before


def test_a_folder_of_very_many_files_is_not_read_to_its_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST_ENTRIES", 6)
    assert {path.name for path in source_files(folder)} == {
        "app.ipynb",
        "avi.toml",
        "helper.py",
        "count.ipynb",
    }


def test_libraries_of_widgets_are_looked_for_in_the_source_alone(folder: Path) -> None:
    (folder / ".venv").mkdir()
    (folder / ".venv" / "a.py").write_text("import ipyaladin")
    assert "ipyaladin" not in joined(source_files(folder))


def test_a_widget_library_that_is_begun_to_be_used_is_told_of(folder: Path) -> None:
    source = source_of(folder)
    assert source.note() == ""
    offered = source._assets.extensions
    (folder / "helper.py").write_text("import ipyaladin")
    source._assets.extensions = [each for each in offered if each.name != offered[0].name]
    assert offered[0].name in source.note()


def test_a_platforms_server_has_nothing_of_it() -> None:
    program = (
        "import sys; from avi_kernel.interface import start; start.import_server(); "
        "assert 'avi_kernel.interface.app' in sys.modules; "
        "sys.exit('avi_kernel.interface.reloading' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    server = InterfaceServer(options=options.from_hub(HUB))
    assert server.source is None
    assert server._for_a_developer("/api/revision") == []


async def test_a_stranger_does_not_hear_the_revision(tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", "1")
    async with interface(tmp_path) as server:
        async with server.client(known=False) as stranger:
            assert (await stranger.get("api/revision", follow_redirects=True)).status_code == 403
        async with server.client() as developer:
            assert (await developer.get("api/revision")).text == source_of(tmp_path).revision()


async def test_a_page_that_cannot_be_begun_names_the_file_and_the_error(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "app.ipynb", "1")
    async with interface(tmp_path) as server, server.client() as developer:
        for content, words in (
            ('{"cells": [\n<b>', "app.ipynb cannot be read as a notebook: Expecting value: line 2 column 1"),
            ("[]", "app.ipynb cannot be read as a notebook"),
            (json.dumps({"nbformat": 4, "nbformat_minor": 5}), "app.ipynb cannot be read as a notebook"),
        ):
            notebook.write_text(content)
            answer = await developer.get("")
            assert (answer.status_code, words in answer.text) == (500, True), answer.text
            assert "reload.js" in answer.text
            assert "<b>" not in answer.text
        notebook.unlink()
        assert "There is no app.ipynb" in (await developer.get("")).text
        assert not server.kernels()


@pytest.mark.browser
async def test_an_open_page_follows_the_notebook_and_its_errors(tmp_path: Path, page: Page) -> None:
    notebook = write_notebook(tmp_path / "app.ipynb", "print('one star')")
    async with interface(tmp_path) as server:
        await page.goto(server.address)
        await expect(page.get_by_text("one star")).to_be_visible(timeout=PATIENCE)
        write_notebook(notebook, "print('two stars')")
        await expect(page.get_by_text("two stars")).to_be_visible(timeout=PATIENCE)
        notebook.write_text(notebook.read_text()[:40])
        await expect(page.get_by_role("alert")).to_contain_text("app.ipynb cannot be read", timeout=PATIENCE)
        await eventually(lambda: not server.kernels())
        write_notebook(notebook, "print('three stars')")
        await expect(page.get_by_text("three stars")).to_be_visible(timeout=PATIENCE)
        await eventually(lambda: len(server.kernels()) == 1)


@pytest.mark.browser
async def test_an_avi_that_writes_its_own_source_does_not_reload_for_ever(tmp_path: Path, page: Page) -> None:
    write_notebook(tmp_path / "app.ipynb", WRITES_ITSELF)
    loads: list[str] = []
    page.on("domcontentloaded", lambda _: loads.append(page.url))
    async with interface(tmp_path) as server:
        await page.goto(server.address)
        await expect(page.locator("#gavip-changed")).to_contain_text("read-only", timeout=PATIENCE)
        for _ in range(2):
            async with page.expect_response("**/api/revision"):
                pass
        assert len(loads) == 2
