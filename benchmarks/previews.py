"""How long the first page of a file takes, by kind, as the platform makes it: the program, its limits, its walls.

    python -m benchmarks.previews [--gigabytes 5] [--times 3] [--real]

The large CSV is a sparse file with rows at both ends unless `--real` asks for rows throughout. Prints the median of the first page,
of the next, and of the last where there is one; and the program's largest resident memory so far.
"""

import argparse
import asyncio
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
from astropy.io import fits
from astropy.table import Table
from PIL import Image
from pyarrow import parquet

sys.path.insert(0, str(Path(__file__).parents[1]))

from avi_kernel.protocol.previews import PreviewView
from gavip_hub.backends.previewing import PreviewProgram
from gavip_hub.backends.sandbox import detect

ROWS = 200_000


def table() -> Table:
    rng = np.random.default_rng(1)
    return Table({"id": np.arange(ROWS), "ra": rng.uniform(0, 360, ROWS), "dec": rng.uniform(-90, 90, ROWS)})


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("flux", data=np.random.default_rng(1).normal(size=(ROWS, 20)), compression="gzip")


def notebook_log(path: Path) -> None:
    path.write_text("".join(f"2026-11-27 line {number}\n" for number in range(ROWS)))


def table_fits(path: Path) -> None:
    table().write(path)


MAKERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "image.fits": (
        "fits",
        lambda path: fits.PrimaryHDU(np.random.default_rng(1).normal(size=(4000, 4000)).astype("f4")).writeto(
            path
        ),
    ),
    "table.fits": ("fits", table_fits),
    "table.vot": ("votable", lambda path: table().write(path, format="votable", tabledata_format="binary2")),
    "table.ecsv": ("csv", lambda path: table()[:20_000].write(path, format="ascii.ecsv")),
    "table.parquet": (
        "parquet",
        lambda path: parquet.write_table(pa.table({name: table()[name].data for name in ("id", "ra")}), path),
    ),
    "cube.h5": ("hdf5", hdf5),
    "picture.png": (
        "image",
        lambda path: Image.effect_noise((3000, 2000), 50).save(path),
    ),
    "long.log": ("text", notebook_log),
}


def large_csv(path: Path, gigabytes: float, *, real: bool) -> None:
    rows = b"".join(b"%d,%.6f,%.6f\n" % (row, row / 7, row / 11) for row in range(100_000))
    with path.open("wb") as file:
        file.write(b"id,ra,dec\n" + rows)
        while real and file.tell() < gigabytes * 1e9:
            file.write(rows)
        if not real:
            file.seek(int(gigabytes * 1e9))
            file.write(b"\n" + rows)


async def timed(program: PreviewProgram, path: Path, kind: str, **asked: object) -> tuple[float, PreviewView]:
    began = time.perf_counter()
    with path.open("rb") as file:
        answer = await program.answer(file, json.dumps({"kind": kind, **asked}))
    head, _, png = answer.partition(b"\n")
    view = PreviewView.model_validate_json(head)
    if view.problem or (asked.get("picture") and not png):
        raise SystemExit(f"{path.name}: {view.problem or 'no picture'}")
    return time.perf_counter() - began, view


async def measure(program: PreviewProgram, path: Path, kind: str, times: int) -> None:
    size = path.stat().st_size  # noqa: ASYNC240

    async def median(**asked: object) -> tuple[str, PreviewView]:
        found = [await timed(program, path, kind, **asked) for _ in range(times)]
        return f"{statistics.median(seconds for seconds, _ in found) * 1000:7.0f} ms", found[0][1]

    first, view = await median()
    told = [f"{path.name:16} {size / 1e6:9.1f} MB   first {first}"]
    for name, page in (("next", view.next), ("last", view.last)):
        if page is not None:
            told.append(f"{name} {(await median(page=page))[0]}")
    if view.image:
        told.append(f"picture {(await median(picture=True))[0]}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print("   ".join(told), f"  (peak so far {peak:.0f} MB)")


async def main(arguments: argparse.Namespace) -> None:
    report = detect()
    program = PreviewProgram(bwrap=report.bwrap)
    print(f"behind {'bubblewrap' if report.bwrap else 'its own limits alone'}; medians of {arguments.times}")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for name, (kind, make) in MAKERS.items():
            path = Path(folder, name)
            make(path)
            await measure(program, path, kind, arguments.times)
            path.unlink()  # noqa: ASYNC240
        path = Path(folder, "large.csv")
        large_csv(path, arguments.gigabytes, real=arguments.real)
        await measure(program, path, "csv", arguments.times)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=5.0)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--folder", default=None)
    asyncio.run(main(parser.parse_args()))
