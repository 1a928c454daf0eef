"""Run in the image: Hub, service, proxy and command are there and start."""

import io
import json
import subprocess
import sys
from pathlib import Path

from gavip_hub.supervise import proxy


def said(*command: str | Path) -> str:
    """Return what a program says."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check_hub_and_service_import() -> None:
    import jupyterhub.app
    import psycopg

    import gavip_hub.app
    import gavip_hub.hub_setup

    assert jupyterhub.app.JupyterHub
    assert gavip_hub.app
    assert gavip_hub.hub_setup.configure
    assert psycopg.pq.__impl__ == "binary"


def check_the_command_helps() -> None:
    assert {"up", "admin", "dev"} <= set(said("/opt/gavip/bin/gavip", "--help").split())
    assert "--root" in said("/opt/gavip/bin/gavip", "up", "--help")


def check_the_proxy_runs() -> None:
    script = proxy.installed(Path("/nonexistent"))
    assert script is not None
    assert script.is_relative_to(sys.prefix)
    assert said(proxy.node(), script, "--version").strip() == "5.3.0"


def check_what_it_starts_is_there() -> None:
    for program in ("git", "pg_dump", "pg_restore", "tar"):
        assert said(program, "--version"), program


def seen(kind: str, content: bytes) -> dict[str, object]:
    """Return what the program that reads strangers' files says of one."""
    command = [sys.executable, "-I", "-m", "avi_kernel.previewing", json.dumps({"kind": kind})]
    path = Path("/tmp/seen")
    path.write_bytes(content)
    with path.open("rb") as file:
        told = subprocess.run(command, stdin=file, check=True, capture_output=True).stdout
    return json.loads(told.partition(b"\n")[0])


def check_files_of_each_kind_are_shown() -> None:
    import h5py
    import numpy as np
    import pyarrow as pa
    from astropy.io import fits
    from PIL import Image
    from pyarrow import parquet

    image, table, store, picture = (io.BytesIO() for _ in range(4))
    fits.PrimaryHDU(np.arange(12.0).reshape(3, 4)).writeto(image)
    parquet.write_table(pa.table({"x": [1, 2]}), table)
    with h5py.File(store, "w") as file:
        file["x"] = np.arange(3)
    Image.new("RGB", (3, 2)).save(picture, "PNG")
    assert seen("fits", image.getvalue())["image"]["width"] == 4
    assert seen("parquet", table.getvalue())["table"]["rows"] == [["1"], ["2"]]
    assert seen("hdf5", store.getvalue())["table"]["total"] == 3
    assert seen("image", picture.getvalue())["image"]["width"] == 3
    assert seen("csv", b"a\n1\n")["table"]["rows"] == [["1"]]


def check_a_bundled_avi_comes_along() -> None:
    import gavip_hub

    assert (Path(gavip_hub.__file__).parent / "bundled" / "hr_diagram" / "avi.toml").is_file()


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            check()
            print(f"ok {name.removeprefix('check_')}", flush=True)
