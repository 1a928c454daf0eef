"""`gavip dev --image`: what the engine is asked for, and what is said where it cannot give it."""

import csv
import io
import os
import socket
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import pytest

from avi_kernel import __version__
from avi_kernel.cli.dev_image import Teller
from avi_kernel.protocol.folder import read_release
from avi_kernel.standalone import container, container_packages, engine
from avi_kernel.standalone.container import Box
from avi_kernel.standalone.engine import ContainerProblem
from tests.support.avis import notebook, write_avi

MEMORY = 8 * 2**30


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_avi(tmp_path / "bright, stars", {"pipelines/count.ipynb": notebook("print(1)")})


@pytest.fixture
def told_docker(tmp_path, monkeypatch):
    """Put a command `docker` first on the path that answers with a script of a test's."""

    def put(script: str) -> Path:
        program = tmp_path / "bin" / "docker"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{script}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        return tmp_path / "asked"

    return put


def box(folder: Path, **changes: object) -> Box:
    values = {
        "folder": folder,
        "own": folder / ".gavip",
        "image": "gavip/avi-python:1",
        "name": "gavip-dev-1",
        "memory_mb": 1500,
        "cpus": 2.0,
        "user": "1000:100",
    }
    return Box(**{**values, **changes})


def options(command: list[str], name: str) -> list[str]:
    return [value for option, value in pairwise(command) if option == name]


def test_a_container_may_as_little_as_a_platforms(folder):
    command = box(folder).command("/opt/gavip/bin/gavip", "dev", "/avi", ports=(8101, 8102))
    assert command[:3] == ["docker", "run", "--rm"]
    assert "--read-only" in command
    assert "--privileged" not in command
    assert options(command, "--cap-drop") == ["ALL"]
    assert options(command, "--security-opt") == ["no-new-privileges"]
    assert options(command, "--pull") == ["never"]
    assert options(command, "--user") == ["1000:100"]
    assert options(command, "--memory") == options(command, "--memory-swap") == ["1500m"]
    assert options(command, "--cpus") == ["2"]
    assert int(options(command, "--pids-limit")[0]) < 1000
    assert command[command.index("--entrypoint") + 1 :] == [
        "/opt/gavip/bin/gavip",
        "gavip/avi-python:1",
        "dev",
        "/avi",
    ]


def test_its_ports_are_shown_on_loopback_alone(folder):
    command = box(folder).command("true", ports=(8101, 8102))
    assert options(command, "--publish") == ["127.0.0.1:8101:8101", "127.0.0.1:8102:8102"]


def test_it_sees_the_folder_which_it_cannot_change_and_its_own(folder):
    mounts = [next(csv.reader([text])) for text in options(box(folder).command("true"), "--mount")]
    assert mounts == [
        ["type=bind", f"source={folder}", "target=/avi", "readonly"],
        ["type=bind", f"source={folder}/.gavip", "target=/avi/.gavip"],
    ]


def test_packages_are_read_alone_but_where_they_are_built(folder, tmp_path):
    kept = box(folder).with_packages(tmp_path)
    assert f"type=bind,source={tmp_path},target=/packages,readonly" in kept.command("true")
    assert "GAVIP_PACKAGES=/packages" in kept.command("true")
    building = box(folder).with_packages(tmp_path, writable=True)
    assert f"type=bind,source={tmp_path},target=/packages" in building.command("true")


def test_nothing_of_this_machines_environment_is_told_but_the_archive_and_the_proxy(folder, monkeypatch):
    monkeypatch.setenv("MY_PASSWORD", "hunter2")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2@proxy.example")
    command = box(folder).command("true")
    assert "HTTPS_PROXY" in options(command, "--env")
    assert not [word for word in command if "hunter2" in word or "MY_PASSWORD" in word]


@pytest.mark.parametrize(
    ("named", "image"),
    [
        ("", f"gavip/avi-java:{__version__}"),
        ("avi-fortran", f"gavip/avi-fortran:{__version__}"),
        ("registry.example.org/gavip/avi-java:2", "registry.example.org/gavip/avi-java:2"),
        ("own:latest", "own:latest"),
    ],
)
def test_the_image_is_the_manifests_or_the_named_one(folder, named, image):
    (folder / "avi.toml").write_text('image = "avi-java"')
    assert container.image_of(named, read_release(folder)) == image


@pytest.mark.parametrize("named", ["--privileged", "a b", "-v/:/host", "UPPER\n", "$(id)"])
def test_what_is_no_images_name_is_refused(folder, named):
    with pytest.raises(ContainerProblem, match="is no image's name"):
        container.image_of(named, read_release(folder))


def test_a_folder_after_the_option_is_told_where_it_belongs(folder):
    with pytest.raises(ContainerProblem) as told:
        container.image_of(str(folder), read_release(folder))
    assert told.value.next_step == "Write the folder first: gavip dev FOLDER --image"


def test_memory_is_for_the_interface_and_the_largest_pipeline(folder):
    assert container.memory_of(read_release(folder)) == 512 + 512 + 512
    (folder / "avi.toml").write_text("[interface]\nmemory = 800\n[pipelines.count]\nmemory = 3000")
    assert container.memory_of(read_release(folder)) == 800 + 3000 + 512


def test_a_link_in_place_of_its_own_folder_is_refused(folder, tmp_path):
    (folder / ".gavip").symlink_to(tmp_path)
    with pytest.raises(ContainerProblem, match="must be a folder, and no link"):
        container.own_folder(folder)


def test_what_a_container_left_there_is_not_followed(folder, tmp_path):
    (tmp_path / "bashrc").write_text("mine")
    own = container.own_folder(folder)
    (own / ".gitignore").unlink()
    (own / ".gitignore").symlink_to(tmp_path / "bashrc")
    container.own_folder(folder)
    assert (tmp_path / "bashrc").read_text() == "mine"


def test_what_a_container_puts_there_at_that_very_moment_is_not_followed(folder, tmp_path, monkeypatch):
    own, opened = container.own_folder(folder), Path.open
    (own / ".gitignore").unlink()

    def open_late(path: Path, *how: Any, **more: Any) -> IO[Any]:
        path.symlink_to(tmp_path / "authorized_keys")
        return opened(path, *how, **more)

    monkeypatch.setattr(Path, "open", open_late)
    container.own_folder(folder)
    assert not (tmp_path / "authorized_keys").exists()


def test_only_an_address_of_the_container_is_opened_whatever_it_prints(monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    tell = Teller(ports=(4001, 4002))
    for port in (8888, 4002, 4001):
        tell(f"Look at http://127.0.0.1:{port}/?token=x\n")
    assert opened == ["http://127.0.0.1:4002/?token=x"]


def test_a_port_that_is_taken_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ContainerProblem, match="is taken"):
            container.free_ports(2, taken.getsockname()[1])


@pytest.mark.parametrize(
    ("says", "words", "next_step"),
    [
        ("Cannot connect to the Docker daemon", "No Docker engine answers", "Start Docker"),
        (
            "Got permission denied while trying to connect",
            "You may not use the Docker engine",
            "group docker",
        ),
    ],
)
def test_an_engine_that_gives_nothing_is_told_with_what_helps(told_docker, says, words, next_step):
    told_docker(f'echo "{says}" >&2; exit 1')
    with pytest.raises(ContainerProblem, match=words) as told:
        engine.require()
    assert next_step in told.value.next_step
    assert says in str(told.value)


def test_no_command_docker_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ContainerProblem, match="needs the command docker"):
        engine.require()


def test_an_image_that_is_not_there_is_told_with_how_to_get_it(told_docker):
    told_docker('echo "Error: No such image: gavip/avi-java:1" >&2; exit 1')
    with pytest.raises(ContainerProblem, match="gavip/avi-java:1 is not on this machine") as told:
        engine.image_id("gavip/avi-java:1")
    assert "gavip image download avi-java --load" in told.value.next_step
    assert "make images" in told.value.next_step


@pytest.mark.parametrize(
    ("security", "user"), [("name=seccomp", f"{os.getuid()}:{os.getgid()}"), ("name=rootless", "0:0")]
)
def test_what_is_made_belongs_to_its_developer(told_docker, folder, security, user):
    told_docker(f'echo "{MEMORY} [{security}]"')
    made = container.box_of(folder, read_release(folder), image="", memory_mb=None, cpus=None)
    assert made.user == user


def test_more_memory_than_the_engine_has_is_refused(told_docker, folder):
    told_docker(f'echo "{MEMORY} []"')
    with pytest.raises(ContainerProblem, match=r"asks for more than the 8192 MB") as told:
        container.box_of(folder, read_release(folder), image="", memory_mb=9000, cpus=None)
    assert told.value.next_step == "Take less: --memory 4096"


def test_packages_are_kept_by_image_and_words(told_docker, folder, tmp_path):
    told_docker("echo sha256:one")
    one = container_packages.kept_at(tmp_path, box(folder), ["healpy"])
    assert one != container_packages.kept_at(tmp_path, box(folder), ["healpy>=1"])
    told_docker("echo sha256:two")
    assert one != container_packages.kept_at(tmp_path, box(folder), ["healpy"])


def test_packages_that_cannot_be_had_leave_nothing(told_docker, folder, tmp_path):
    asked = told_docker("exit 1")
    with pytest.raises(ContainerProblem, match=r"packages of requirements.txt could not be had"):
        container_packages.build(box(folder), tmp_path / "kept" / "abc")
    assert list((tmp_path / "kept").iterdir()) == []
    assert "rm --force --volumes gavip-dev-1-packages" in asked.read_text()


def gavip_dev(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name("gavip")), "dev", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("script", "arguments", "words"),
    [
        ('echo "Cannot connect" >&2; exit 1', ("--image",), "No Docker engine answers (Cannot connect)."),
        ("exit 0", ("--memory", "500"), "--memory and --cpus go with --image"),
        (
            f'[ "$1" != run ] || exit 137; echo "{MEMORY} []"',
            ("--image", "--memory", "900"),
            "more than its 900 MB",
        ),
    ],
)
def test_the_command_tells_in_sentences(told_docker, folder, script, arguments, words):
    told_docker(script)
    ran = gavip_dev(".", *arguments, "--no-browser", cwd=folder)
    assert (ran.returncode, words in ran.stderr) == (2, True), ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("status", "words"),
    [(125, "The engine did not start the container"), (127, "There is no gavip in debian:12")],
)
def test_a_container_that_does_not_start_is_told(told_docker, folder, status, words):
    told_docker(f'[ "$1" != run ] || exit {status}; echo "{MEMORY} []"')
    ran = gavip_dev(".", "--image", "debian:12", cwd=folder)
    assert (ran.returncode, words in ran.stderr) == (2, True)


def test_what_a_stranger_writes_reaches_the_terminal_as_plain_text(told_docker, folder):
    odd = "\\033]52;c;aGk=\\007\\033[2Jseen"
    told_docker(
        f"""[ "$1" != run ] || {{ printf '{odd}\\n'; printf '{odd}\\n' >&2; exit 1; }}; echo "{MEMORY} []" """
    )
    ran = gavip_dev(".", "--image", "--run", "count", cwd=folder)
    assert ran.stdout == "seen\n"
    assert ran.stderr.endswith("seen\n")
    assert "\033" not in ran.stdout + ran.stderr


def test_what_building_packages_writes_does_so_too(told_docker, folder, tmp_path, capsys):
    told_docker("printf '\\033]52;c;aGk=\\007built\\n'; printf '\\033[2Jwarned\\n' >&2")
    container_packages.build(box(folder), tmp_path / "kept" / "abc")
    assert tuple(capsys.readouterr()) == ("built\n", "warned\n")


def test_a_jobs_status_and_its_paths_are_those_of_this_machine(told_docker, folder):
    asked = told_docker(
        f'[ "$1" != run ] || {{ echo "/avi/.gavip/jobs/1/results/a.png  A"; exit 1; }}; echo "{MEMORY} []"'
    )
    ran = gavip_dev(".", "--image", "--run", "count", "-p", "n=1", "--role", "outreach", cwd=folder)
    assert ran.returncode == 1
    assert ran.stdout == f"{folder}/.gavip/jobs/1/results/a.png  A\n"
    assert "--role outreach --run count --parameter n=1" in asked.read_text()
    assert asked.read_text().count("rm --force --volumes gavip-dev-") == 1


def test_a_line_without_end_is_passed_on_in_pieces():
    told = []
    container._pass_on(io.StringIO("x" * 200_000 + "\n" + "ready\n"), told.append)
    assert max(map(len, told)) <= 64 * 1024
    assert "".join(told) == "x" * 200_000 + "\nready\n"
