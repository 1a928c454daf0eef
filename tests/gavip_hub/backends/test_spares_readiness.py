"""When a container that stands ready may be claimed, with an engine that only says that all of them run."""

import shutil
from dataclasses import replace

import pytest

from avi_kernel.protocol.boxes import GO_FILE
from gavip_hub.backends.docker.container_folders import ContainerFolders
from gavip_hub.backends.docker.orders import give_order
from gavip_hub.backends.docker.spares import Spares
from gavip_hub.backends.runtime import runtime_folder
from gavip_hub.domain.container import Kind
from gavip_hub.exceptions import Unavailable
from tests.gavip_hub.backends.test_docker_options import described


class Running:
    """An engine in which everything runs, and which remembers who was claimed."""

    def __init__(self):
        self.claimed = []

    def names(self):
        return []

    def inspect(self, _name):
        return {"State": {"Running": True}}

    def rename(self, spare, name):
        self.claimed.append((spare, name))
        raise Unavailable("far enough for this test")


@pytest.fixture
def folders(tmp_path):
    (tmp_path / "state").mkdir()
    yield ContainerFolders(root=tmp_path, upstreams={})
    shutil.rmtree(runtime_folder(tmp_path))


def wanted(name):
    return replace(described(kind=Kind.INTERFACE, name=name), mounts=())


def test_a_spare_is_claimed_once_it_was_let_go_and_not_before(folders):
    engine = Running()

    def start(spec, uid):
        box = folders.make(spec, uid=None)
        assert spares.claim(wanted("gavip-server-early"), person=uid) is None
        assert engine.claimed == []
        give_order(box, GO_FILE)
        spares.claim(wanted("gavip-server-a1"), person=uid)
        assert engine.claimed == [(spec.name, "gavip-server-a1")]

    spares = Spares(
        wanted=1,
        image="avi-python",
        folders=folders,
        engine=engine,
        start=start,
        discard=folders.remove,
        tell=lambda _: None,
    )
    spares.fill_soon = lambda **_: None
    spares.fill()
    assert len(engine.claimed) == 1
