"""Many containers are looked at by one question; what each of them is, is the same as asked one by one."""

import docker
import pytest
from docker.errors import NotFound

from gavip_hub.backends.base import Handle, Liveness
from gavip_hub.backends.docker.backend import DockerBackend
from gavip_hub.backends.docker.engine import PLATFORM, Engine
from gavip_hub.backends.docker.launcher import DockerLauncher

OURS = {PLATFORM: "p1"}
AT = "2026-01-01T00:00:00.5Z"


class Client:
    """An engine that counts what it is asked."""

    def __init__(self, states):
        self.states = states
        self.listed = 0
        self.inspected = []
        self.killed = []

    def containers(self, **asked):
        assert asked == {"all": True, "filters": {"label": f"{PLATFORM}=p1"}}
        self.listed += 1
        return [{"Names": [f"/{name}"], "State": state} for name, state in self.states.items()]

    def inspect_container(self, name):
        self.inspected.append(name)
        if name not in self.states:
            raise NotFound("gone")
        state = {"Status": self.states[name], "ExitCode": 137, "OOMKilled": True}
        times = {"StartedAt": AT, "FinishedAt": AT}
        return {"Config": {"Labels": OURS}, "State": state | times, "Created": AT}

    def logs(self, _name, **_wanted):
        return b""

    def kill(self, name, *, signal):
        self.killed.append((name, signal))


@pytest.fixture
def client(monkeypatch):
    found = Client({f"gavip-j{number}-1": "running" for number in range(20)})
    monkeypatch.setattr(docker, "APIClient", lambda **_options: found)
    return found


@pytest.fixture
def backend(tmp_path):
    return DockerBackend(
        launcher=DockerLauncher(root=tmp_path, engine=Engine(platform="p1"), images={}, upstreams={})
    )


def handles(*names):
    return [Handle(name=name, state={}) for name in names]


async def test_what_runs_is_seen_by_one_question_and_what_ended_is_asked_for(client, backend):
    client.states |= {"gavip-jended-1": "exited", "gavip-jpaused-1": "paused"}
    seen = await backend.check(handles("gavip-jgone-1", *client.states))
    assert [each.liveness for each in seen] == [
        Liveness.LOST,
        *[Liveness.RUNNING] * 20,
        Liveness.EXITED,
        Liveness.RUNNING,
    ]
    assert seen[-2].exit.reason == "out_of_memory"
    assert (client.listed, client.inspected) == (1, ["gavip-jgone-1", "gavip-jended-1"])


async def test_one_is_asked_for_by_itself_and_nobody_is_not(client, backend):
    (seen,) = await backend.check(handles("gavip-j3-1"))
    assert await backend.check([]) == []
    assert (seen.liveness, client.listed, client.inspected) == (Liveness.RUNNING, 0, ["gavip-j3-1"])


async def test_what_the_doorkeeper_wants_to_end_is_asked_to(client, backend, tmp_path):
    folder = tmp_path / "containers" / "gavip-j3-1"
    folder.mkdir(parents=True)
    (folder / "end").write_text("too_much_written")
    seen = await backend.check(handles("gavip-j3-1", "gavip-j4-1"))
    assert [each.liveness for each in seen] == [Liveness.RUNNING] * 2
    assert client.killed == [("gavip-j3-1", "SIGTERM")]
