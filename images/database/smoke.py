"""Run in the image: PostgreSQL and what dumps and restores it are there."""

import os
import subprocess


def said(*command: str) -> str:
    """Return what a program says."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check_postgresql_is_debians() -> None:
    for program in ("postgres", "initdb", "pg_dump", "pg_isready"):
        assert "15." in said(program, "--version"), program


def check_the_start_is_a_program() -> None:
    assert os.access("/usr/local/bin/start", os.X_OK)


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            check()
            print(f"ok {name.removeprefix('check_')}")
