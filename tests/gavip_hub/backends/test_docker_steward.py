"""Hub and service start containers through the one process that holds the engine, and can ask it for nothing else."""

import json
import socket
import stat
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typing_extensions import override

from gavip_hub.backends.base import Liveness, Observation
from gavip_hub.backends.docker import remote as remote_launcher
from gavip_hub.backends.docker.engine import Engine
from gavip_hub.backends.docker.remote import RemoteLauncher
from gavip_hub.backends.docker.shelf import Shelf
from gavip_hub.backends.docker.steward import Steward
from gavip_hub.backends.launched import Launcher
from gavip_hub.domain.container import Mount
from gavip_hub.exceptions import Forbidden, Unavailable
from gavip_hub.testing import exit_record
from tests.gavip_hub.backends.test_docker_options import MOST_MB, ROOT, described


class Remembering(Launcher):
    """Starts nothing, and remembers what it was asked."""

    def __init__(self):
        self.asked = []
        self.failures = {}
        self.seen = Observation(liveness=Liveness.RUNNING)

    @override
    def launch(self, spec):
        self.asked.append(("launch", spec))
        if spec.name == "gavip-jtwice-1":
            raise Unavailable("it exists already")
        if failure := self.failures.get(spec.name):
            raise failure
        return {"socket": "/tmp/s.sock"}

    @override
    def look(self, name):
        return self.seen

    @override
    def look_all(self, names):
        self.asked.append(("look_all", names))
        return super().look_all(names)

    @override
    def stop(self, name):
        self.asked.append(("stop", name))

    @override
    def remove(self, name):
        self.asked.append(("remove", name))

    @override
    def clear_unfinished(self):
        self.asked.append(("clear_unfinished",))

    @override
    def names(self):
        return ["gavip-ja-1"]

    @override
    def log_file(self, name):
        return Path("/data/log.txt") if name == "gavip-ja-1" else None


@contextmanager
def serving(path, launcher):
    shelf = Shelf(engine=Engine(platform="p1"), images={})
    with Steward(path, launcher=launcher, shelf=shelf, root=ROOT, most_memory_mb=MOST_MB) as steward:
        thread = threading.Thread(target=steward.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield steward
        steward.shutdown()
        thread.join()


@pytest.fixture
def launcher():
    return Remembering()


@pytest.fixture
def remote(tmp_path, launcher):
    with serving(tmp_path / "steward.sock", launcher):
        yield RemoteLauncher(path=tmp_path / "steward.sock", patience=0)


def test_a_container_is_described_whole(remote, launcher):
    spec = described()
    assert remote.launch(spec) == {"socket": "/tmp/s.sock"}
    assert launcher.asked == [("launch", spec)]


def test_every_act_arrives(remote, launcher):
    remote.stop("gavip-ja-1")
    remote.remove("gavip-ja-1")
    remote.clear_unfinished()
    assert launcher.asked == [("stop", "gavip-ja-1"), ("remove", "gavip-ja-1"), ("clear_unfinished",)]
    assert remote.names() == ["gavip-ja-1"]
    assert remote.log_file("gavip-ja-1") == Path("/data/log.txt")
    assert remote.log_file("gavip-jb-1") is None


@pytest.mark.parametrize(
    "seen",
    [
        Observation(liveness=Liveness.RUNNING),
        Observation(liveness=Liveness.LOST),
        Observation(liveness=Liveness.EXITED, exit=exit_record(code=3)),
    ],
    ids=lambda seen: seen.liveness,
)
def test_what_is_seen_comes_back_whole(remote, launcher, seen):
    launcher.seen = seen
    assert remote.look("gavip-ja-1") == seen


def test_many_are_seen_by_one_question(remote, launcher):
    launcher.seen = Observation(liveness=Liveness.EXITED, exit=exit_record(code=3))
    assert remote.look_all(["gavip-ja-1", "gavip-jb-1"]) == [launcher.seen] * 2
    assert launcher.asked == [("look_all", ["gavip-ja-1", "gavip-jb-1"])]


def test_nobody_is_not_asked_for(tmp_path):
    assert RemoteLauncher(path=tmp_path / "nobody listens", patience=0).look_all([]) == []


def test_among_many_no_container_of_others_is_seen(remote, launcher):
    with pytest.raises(Forbidden, match="no container of this platform"):
        remote.look_all(["gavip-ja-1", "portainer"])
    assert launcher.asked == []


def test_a_refusal_is_told_in_its_own_words(remote):
    with pytest.raises(Unavailable, match="it exists already"):
        remote.launch(described(name="gavip-jtwice-1"))


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (OSError(28, "No space left on device"), "could not do it.*No space left on device"),
        (RuntimeError("secret"), "The steward of containers failed; its log says how"),
    ],
)
def test_a_failure_is_told_and_is_not_the_stewards_end(remote, launcher, failure, told):
    launcher.failures["gavip-jbad-1"] = failure
    with pytest.raises(Unavailable, match=told):
        remote.launch(described(name="gavip-jbad-1"))
    assert remote.names() == ["gavip-ja-1"]


def test_a_container_that_would_see_the_machine_is_not_started(remote, launcher):
    spec = described()
    with pytest.raises(Forbidden, match="/etc is not a folder"):
        remote.launch(replace(spec, mounts=(Mount(source="/etc", target="/home/ann/etc"),)))
    assert launcher.asked == []


@pytest.mark.parametrize("name", ["portainer", "gavip-../x", "", "gavip-ja-1 --force"])
def test_containers_of_others_are_not_touched(remote, launcher, name):
    with pytest.raises(Forbidden, match="no container of this platform"):
        remote.remove(name)
    assert launcher.asked == []


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b'{"act": "exec"}', b'{"act": "launch", "spec": {"name": 1}}', b'{"act": "launch"}'],
)
def test_what_cannot_be_understood_is_refused_and_harms_nothing(remote, launcher, tmp_path, line):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(tmp_path / "steward.sock"))
        connection.sendall(line + b"\n")
        with connection.makefile() as answer:
            assert json.loads(answer.readline())["error"] == "bad_request"
    assert launcher.asked == []
    assert remote.names() == ["gavip-ja-1"]


def test_only_the_platforms_own_user_can_ask(remote, tmp_path):
    assert stat.S_IMODE((tmp_path / "steward.sock").stat().st_mode) == 0o600


def test_a_steward_that_is_away_is_told(tmp_path):
    with pytest.raises(Unavailable, match="does not answer"):
        RemoteLauncher(path=tmp_path / "steward.sock", patience=0).names()


def test_one_that_starts_anew_is_waited_for(tmp_path, launcher):
    found = []
    remote = RemoteLauncher(path=tmp_path / "steward.sock")
    asking = threading.Thread(target=lambda: found.extend(remote.names()))
    asking.start()
    with serving(tmp_path / "steward.sock", launcher):
        asking.join()
    assert found == ["gavip-ja-1"]


def test_a_look_is_waited_for_shortly(tmp_path, monkeypatch):
    monkeypatch.setattr(remote_launcher, "LOOK_WITHIN", 0.05)
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(tmp_path / "steward.sock"))
        hanging.listen()
        with pytest.raises(Unavailable, match="does not answer: timed out"):
            RemoteLauncher(path=tmp_path / "steward.sock", patience=0).look("gavip-ja-1")


def test_one_that_dies_before_it_answers_is_told(tmp_path):
    with socket.socket(socket.AF_UNIX) as dying:
        dying.bind(str(tmp_path / "steward.sock"))
        dying.listen()

        def hang_up():
            dying.accept()[0].close()

        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()
        with pytest.raises(Unavailable, match="steward"):
            RemoteLauncher(path=tmp_path / "steward.sock").names()
        hanging_up.join()
