"""The service, put together of its parts."""

from pathlib import Path

from gavip_hub import factory, rounds
from gavip_hub.backends.comparing import Comparer
from gavip_hub.backends.previewing import PreviewProgram
from tests.support.service import running_service


async def test_whatever_reads_strangers_files_is_within_the_platforms_own_walls(tmp_path, monkeypatch):
    walls = Path("/own/bwrap")  # an engine's report names none, since boxes need none
    within = {}

    def made(kind):
        def make(*, bwrap, **more):
            within[kind] = bwrap
            return kind(bwrap=bwrap, **more)

        return make

    monkeypatch.setattr(factory, "own_bwrap", lambda _config, _report: walls)
    monkeypatch.setattr(factory, "PreviewProgram", made(PreviewProgram))
    monkeypatch.setattr(rounds, "Comparer", made(Comparer))
    async with running_service(tmp_path / "root"):
        assert within == {PreviewProgram: walls, Comparer: walls}
