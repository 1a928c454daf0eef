"""The task that asks the archive, alone and as a step of a graph."""

from pathlib import Path

import pytest
from astropy.io.votable import parse
from astropy.table import Table
from typing_extensions import override

from avi_kernel.connectors.errors import ArchiveUnavailable, QueryRefused
from avi_kernel.pipelines import AviLocalTarget, AviTask
from avi_kernel.pipelines.tasks import luigi
from avi_kernel.services.archive_query import ArchiveQuery
from tests.support.archive import Archive
from tests.support.scripted_archive import closed_port

pytestmark = pytest.mark.archive

BRIGHT = "SELECT source_id, phot_g_mean_mag FROM gaiadr3.gaia_source WHERE phot_g_mean_mag < 2.5"


class Count(AviTask):
    """Counts the rows of an answer."""

    @override
    def requires(self) -> ArchiveQuery:
        return ArchiveQuery(adql=BRIGHT)

    @override
    def output(self) -> AviLocalTarget:
        return self.target("count.txt")

    @override
    def run(self) -> None:
        with self.output().open("w") as file:
            file.write(str(len(Table.read(self.input().path))))


@pytest.fixture(autouse=True)
def _in_a_job(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "code").mkdir()
    environ = {
        **archive.env,
        "GAVIP_WORK_DIR": str(tmp_path / "work"),
        "GAVIP_CODE_DIR": str(tmp_path / "code"),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)


def test_the_answer_is_a_votable_that_names_its_source() -> None:
    task = ArchiveQuery(adql=BRIGHT)
    task.run()
    assert task.complete()
    assert max(Table.read(task.output().path)["phot_g_mean_mag"]) < 2.5
    told = {info.name: info.value for info in parse(task.output().path).resources[0].infos}
    assert (told["publisher"], told["query"]) == ("GAVIP test archive", BRIGHT)


def test_rows_can_be_limited() -> None:
    task = ArchiveQuery(adql=BRIGHT, maxrec=2)
    task.run()
    assert len(Table.read(task.output().path)) == 2


def test_a_graph_waits_for_the_answer() -> None:
    assert luigi.build([Count()], local_scheduler=True, no_lock=True, log_level="CRITICAL")
    assert int(Path(Count().output().path).read_text()) > 3


def test_another_archive_has_another_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    here = ArchiveQuery(adql=BRIGHT).output().path
    monkeypatch.setenv("GAVIP_ARCHIVE_RELEASE", "Gaia DR4")
    assert ArchiveQuery(adql=BRIGHT).output().path != here


def test_a_bad_query_leaves_nothing() -> None:
    task = ArchiveQuery(adql="SELECT nonsense FROM gaiadr3.gaia_source")
    with pytest.raises(QueryRefused):
        task.run()
    assert not task.complete()


def test_a_missing_archive_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAVIP_ARCHIVE_URL", f"http://127.0.0.1:{closed_port()}/tap")
    task = ArchiveQuery(adql=BRIGHT)
    with pytest.raises(ArchiveUnavailable):
        task.run()
    assert not task.complete()
