"""Run in the image: the base has a Python and knows whom to trust."""

import bz2
import ctypes
import lzma
import sqlite3
import ssl


def check_python_is_whole() -> None:
    assert lzma.decompress(lzma.compress(bz2.decompress(bz2.compress(b"star")))) == b"star"
    assert sqlite3.connect(":memory:").execute("select 40 + 2").fetchone() == (42,)
    assert ctypes.CDLL(None).getpid() > 0


def check_certificates_are_known() -> None:
    assert len(ssl.create_default_context().get_ca_certs()) > 100


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            check()
            print(f"ok {name.removeprefix('check_')}")
