"""`gavip image download`: waited for, on where it broke off, and compared by its SHA-256."""

import asyncio
import gzip
import json
import os
from pathlib import Path

import pytest

from avi_kernel.downloads import TRIES, Download, NotCopied
from avi_kernel.transport import Transport, Unavailable
from gavip_hub.testing import FakeImages
from tests.support.cut_line import cut_line
from tests.support.service import running_service, until

IMAGE = os.urandom(3_000_000)
PATH = "/images/avi-python/archive"
DOCKER = """#!/bin/sh
echo "$@" > "{asked}"
gzip -t "$3" && echo "Loaded image: gavip/avi-python:1"
"""


@pytest.fixture
async def service(tmp_path):
    source = FakeImages({"avi-python": IMAGE})
    async with running_service(tmp_path / "root", images=source) as running:
        await asyncio.to_thread(running.service.context.services.images.look)
        yield running


@pytest.fixture
def here(home, monkeypatch) -> Path:
    folder = home / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GAVIP_TOKEN", "dora-token")
    monkeypatch.setattr("avi_kernel.downloads._SHORTEST", 0.05)
    monkeypatch.setattr("avi_kernel.downloads._LONGEST", 0.05)
    return folder


@pytest.fixture
def image(service, types, here):
    async def asked(*arguments: str, options: tuple[str, ...] = ()):
        return await asyncio.to_thread(types, "--url", service.url, *options, "image", *arguments)

    return asked


@pytest.fixture
async def made(service):
    """An archive that is there."""
    async with service.client("dora-token") as dora:

        async def ready():
            answer = await dora.get(PATH)
            return answer.content if answer.status_code == 200 else None

        return await until(ready)


@pytest.fixture
def fake_docker(home, monkeypatch) -> Path:
    """A command `docker` that notes what it was asked."""
    program = home / "bin" / "docker"
    program.parent.mkdir()
    asked = home / "asked.txt"
    program.write_text(DOCKER.format(asked=asked))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return asked


@pytest.fixture
def download(here):
    """A download over a line, which waits for nobody."""
    transports = []

    def begin(url: str) -> Download:
        transports.append(Transport(url=url, token="dora-token"))
        return Download(transports[-1], PATH, here / "image.tar.gz", pause=lambda _: None)

    yield begin
    for transport in transports:
        transport.close()


async def test_an_image_is_waited_for_saved_and_the_next_command_told(image, here):
    ran = await image("download", "avi-python")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout == "avi-python.tar.gz\n"
    assert "makes it first" in ran.stderr
    assert "Next: docker load --input avi-python.tar.gz" in ran.stderr
    assert gzip.decompress((here / "avi-python.tar.gz").read_bytes()) == IMAGE
    assert [path.name for path in here.iterdir()] == ["avi-python.tar.gz"]


async def test_images_are_listed(image, made):
    ran = await image("list")
    assert "avi-python" in ran.stdout
    assert "ready" in ran.stdout
    told = json.loads((await image("list", options=("--json",))).stdout)
    assert told["items"][0]["size"] == len(made)


async def test_a_platform_without_images_says_why(tmp_path, types, here):
    async with running_service(tmp_path / "plain") as running:
        ran = await asyncio.to_thread(types, "--url", running.url, "image", "list")
        refused = await asyncio.to_thread(types, "--url", running.url, "image", "download", "avi-python")
    assert "gavip up --docker" in ran.stdout
    assert refused.exit_code == 4
    assert "gavip up --docker" in refused.output


async def test_it_may_be_loaded_at_once(image, here, fake_docker):
    ran = await image("download", "avi-python", "--load")
    assert ran.exit_code == 0, ran.output
    assert fake_docker.read_text().split() == ["load", "--input", "avi-python.tar.gz"]


async def test_without_docker_nothing_is_downloaded_to_be_loaded(image, here, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)
    ran = await image("download", "avi-python", "--load")
    assert ran.exit_code == 2
    assert "not on this machine" in ran.output
    assert list(here.iterdir()) == []


async def test_an_engine_that_does_not_load_it_is_told(image, here, fake_docker):
    (fake_docker.parent / "bin" / "docker").write_text("#!/bin/sh\nexit 1\n")
    ran = await image("download", "avi-python", "--load")
    assert ran.exit_code == 6
    assert "it lies there, whole" in ran.output
    assert (here / "avi-python.tar.gz").exists()


async def test_over_a_line_that_breaks_it_goes_on(service, made, here, download):
    async with cut_line(service.url) as line:
        line.cuts = [1_000_000, 700_000, 500]
        await asyncio.to_thread(download(line.url).save)
    assert line.cuts == []
    assert (here / "image.tar.gz").read_bytes() == made


async def test_it_goes_on_after_the_command_itself_was_ended(service, made, here, download):
    async with cut_line(service.url) as line:
        line.cuts = [1_000_000] + [0] * TRIES
        with pytest.raises(Unavailable):
            await asyncio.to_thread(download(line.url).save)
        come = (here / ".image.tar.gz.gavip-part").stat().st_size
        assert 900_000 < come < len(made)
        line.cuts = [len(made) - come + 100_000]  # less than all of it
        await asyncio.to_thread(download(line.url).save)
    assert (here / "image.tar.gz").read_bytes() == made
    assert [path.name for path in here.iterdir()] == ["image.tar.gz"]


async def test_what_does_not_arrive_as_it_was_sent_is_thrown_away(service, made, here, download):
    async with cut_line(service.url) as line:
        line.cuts = [1_000_000] + [0] * TRIES
        with pytest.raises(Unavailable):
            await asyncio.to_thread(download(line.url).save)
        part = here / ".image.tar.gz.gavip-part"
        part.write_bytes(b"?" + part.read_bytes()[1:])
        with pytest.raises(NotCopied, match="did not arrive as it was sent"):
            await asyncio.to_thread(download(line.url).save)
    assert list(here.iterdir()) == []


async def test_all_of_it_that_was_not_put_in_its_place_is_not_sent_again(service, made, here, download):
    one = download(service.url)
    await asyncio.to_thread(one.fetch)
    await asyncio.to_thread(download(service.url).save)
    assert (here / "image.tar.gz").read_bytes() == made


async def test_a_place_that_cannot_be_written_is_told(image, here, made):
    ran = await image("download", "avi-python", "-o", "none/image.tar.gz")
    assert ran.exit_code == 2
    assert "none/image.tar.gz cannot be written" in ran.output
