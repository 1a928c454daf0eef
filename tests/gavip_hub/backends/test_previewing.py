"""The program that reads a stranger's file: it has limits and walls, and whatever the file is, an answer or an end."""

import asyncio
import gzip
import io
import json
import os
import resource
import sys
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from avi_kernel.protocol.previews import PreviewView
from gavip_hub.backends import previewing
from gavip_hub.backends.previewing import PreviewProgram
from gavip_hub.backends.sandbox import detect
from tests.support.previews import answered

LARGEST_MB = 600
"""Of memory that is resident, for any of these files."""


@pytest.fixture(scope="module")
def bwrap() -> Path | None:
    return detect().bwrap


def gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(600)) + packer.flush()


def endless_header() -> bytes:
    return fits.Card("SIMPLE", True).image.encode() + b"COMMENT x".ljust(80) * 400_000


def png_bomb() -> bytes:
    ihdr = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + ihdr + zlib.crc32(ihdr).to_bytes(4, "big")


HOSTILE = {
    "bomb.fits.gz": ("fits", gzip_bomb),
    "endless.fits": ("fits", endless_header),
    "bomb.png": ("image", png_bomb),
    "line.csv": ("csv", lambda: b"x" * 50_000_000),
    "quotes.csv": ("csv", lambda: b'a,b\n"' + b'""\n' * 5_000_000),
    "deep.vot": ("votable", lambda: b"<VOTABLE>" + b"<A>" * 3_000_000),
    "random.h5": ("hdf5", lambda: b"\x89HDF\r\n\x1a\n" + np.random.default_rng(1).bytes(100_000)),
    "random.parquet": (
        "parquet",
        lambda: b"PAR1" + np.random.default_rng(2).bytes(9999) + b"\x88\x13\0\0PAR1",
    ),
}


QUICK = {"line.csv"}
"""The others take seconds each."""


def measured(path: Path, kind: str) -> tuple[PreviewView, int]:
    """Return the answer and the kilobytes it took, in a process that had no other children and is small itself."""
    view = asyncio.run(answered(path, kind))
    return view, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.acceptance]) for name in HOSTILE],
)
def test_a_hostile_file_is_answered_in_a_sentence_in_bounded_time_and_memory(tmp_path, name):
    kind, make = HOSTILE[name]
    path = tmp_path / name
    path.write_bytes(make())
    before = time.monotonic()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        view, kilobytes = apart.submit(measured, path, kind).result()
    assert view.problem.endswith(".") or view.table
    assert time.monotonic() - before < previewing.SECONDS + 5
    assert kilobytes < LARGEST_MB * 1024


async def test_a_sparse_table_of_five_gigabytes_has_its_first_page_and_its_last_at_once(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.write(b"a,b\n" + b"1,2\n" * 100_000)
        file.seek(5_000_000_000)
        file.write(b"\n" + b"3,4\n" * 1000)
    first, last = await answered(path, "csv"), await answered(path, "csv", page="end")
    assert first.table.rows[0] == ["1", "2"]
    assert last.table.rows[-1] == ["3", "4"]
    assert int((await answered(path, "csv", page=first.next)).next) > int(first.next)


OPENS = """
import os, resource, socket, subprocess
from avi_kernel.previewing import __main__ as program
from avi_kernel.previewing.words import Answer

def read(question):
    told = []
    for act in (
        lambda: open("/etc/hostname"),
        lambda: socket.socket(),
        lambda: os.close(os.dup(0)),
        lambda: subprocess.run(["/bin/true"]),
        lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
        lambda: os.setuid(0),
    ):
        try:
            act()
            told.append("done")
        except (OSError, ValueError):
            told.append("refused")
    return Answer({"text": " ".join(told)})

program._reader = lambda kind: read
program.main()
"""


async def test_once_it_reads_it_opens_nothing_and_starts_nothing(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("text")
    program = PreviewProgram(bwrap=None)
    question = json.dumps({"kind": "text"})
    with path.open("rb") as file:
        answer = await program._run([sys.executable, "-I", "-c", OPENS, question], file)
    assert json.loads(answer)["text"] == " ".join(["refused"] * 6)


@pytest.mark.sandbox
async def test_behind_walls_it_answers_the_same(tmp_path, bwrap):
    path = tmp_path / "a.fits"
    stream = io.BytesIO()
    fits.PrimaryHDU(np.arange(12.0).reshape(3, 4)).writeto(stream)
    path.write_bytes(gzip.compress(stream.getvalue()))
    assert bwrap is not None
    assert await answered(path, "fits", bwrap=bwrap) == await answered(path, "fits")


async def test_a_program_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(previewing, "SECONDS", 0.05)
    path = tmp_path / "a.txt"
    path.write_text("text")
    assert "too long" in (await answered(path, "fits")).problem


async def test_the_file_itself_is_read_only_and_its_place_is_its_own(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("text")
    with path.open("rb") as file:
        file.seek(3)
        answer = await PreviewProgram(bwrap=None).answer(file, json.dumps({"kind": "text"}))
        assert file.tell() == 3
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) in {3, 4}
    assert json.loads(answer)["text"] == "text"
