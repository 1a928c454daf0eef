"""The connector against a real TAP service with real stars."""

from pathlib import Path

import pytest
from astropy.table import Table

from avi_kernel.connectors.cache import QueryCache
from avi_kernel.connectors.errors import QueryCancelled, QueryRefused, QueryUnfinished
from avi_kernel.connectors.source import Source
from avi_kernel.connectors.tap import TapConnector
from tests.support.archive import Archive

pytestmark = pytest.mark.archive

PLEIADES = """SELECT source_id, ra, dec, phot_g_mean_mag, phot_bp_mean_mag FROM gaiadr3.gaia_source
WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 56.75, 24.12, 1.0)) ORDER BY phot_g_mean_mag"""
ALCYONE = 66714384142368256
SLOW = """SELECT COUNT(*) AS n FROM gaiadr3.gaia_source AS a JOIN gaiadr3.gaia_source AS b
ON a.phot_g_mean_mag < b.phot_g_mean_mag"""


@pytest.fixture
def connector(archive: Archive) -> TapConnector:
    return TapConnector(url=archive.url, name=archive.name, release=archive.release)


@pytest.fixture
def caching(archive: Archive, tmp_path: Path) -> TapConnector:
    return TapConnector.of_environment(archive.env | {"GAVIP_WORK_DIR": str(tmp_path)})


def test_a_question_is_answered_with_stars_and_their_source(connector: TapConnector) -> None:
    answer = connector.query(PLEIADES)
    assert 20 < len(answer) < 200
    assert answer.table["ra"].unit == "deg"
    assert answer.table["phot_g_mean_mag"][0] < 3.0, "Alcyone leads"
    source = Source.of(answer.table)
    assert (source.archive, source.release, source.query) == ("GAVIP test archive", "Gaia DR3", PLEIADES)
    assert source.rows == len(answer)
    assert "CC BY-SA 3.0 IGO" in source.attribution
    assert not answer.overflow
    assert not answer.from_cache


def test_the_archive_comes_from_the_environment(archive: Archive) -> None:
    connector = TapConnector.of_environment(archive.env)
    assert (connector.url, connector.name, connector.release) == (archive.url, archive.name, archive.release)


def test_esas_archive_is_asked_where_nothing_is_said() -> None:
    assert TapConnector.of_environment({}).url == "https://gea.esac.esa.int/tap-server/tap"


def test_a_cut_at_maxrec_is_told(connector: TapConnector) -> None:
    answer = connector.query(PLEIADES, maxrec=3)
    assert len(answer) == 3
    assert answer.overflow
    assert not Source.of(answer.table).complete


def test_a_table_can_be_uploaded_and_joined(connector: TapConnector) -> None:
    wanted = connector.query(PLEIADES, maxrec=2).table
    mine = Table({"id": wanted["source_id"], "nickname": ["first", "second"]})
    answer = connector.query(
        """SELECT u.nickname, g.phot_g_mean_mag FROM gaiadr3.gaia_source AS g
        JOIN TAP_UPLOAD.mine AS u ON u.id = g.source_id ORDER BY u.nickname""",
        uploads={"mine": mine},
    )
    assert answer.table["nickname"].tolist() == ["first", "second"]
    assert answer.table["phot_g_mean_mag"].tolist() == pytest.approx(wanted["phot_g_mean_mag"].tolist())


def test_an_asynchronous_query_gives_the_same_stars(connector: TapConnector) -> None:
    with connector.submit(PLEIADES) as job:
        answer = job.wait(60)
    assert answer.table["source_id"].tolist() == connector.query(PLEIADES).table["source_id"].tolist()


def test_an_asynchronous_query_takes_uploads_and_limits(connector: TapConnector) -> None:
    mine = Table({"id": [1, 2, 3]})
    with connector.submit("SELECT id FROM TAP_UPLOAD.mine", uploads={"mine": mine}, maxrec=2) as job:
        answer = job.wait(60)
    assert len(answer) == 2
    assert answer.overflow


def test_a_running_query_can_be_cancelled(connector: TapConnector) -> None:
    with connector.submit(SLOW) as job:
        with pytest.raises(QueryUnfinished, match=r"after 0\.5 s"):
            job.wait(0.5)
        job.cancel()
        with pytest.raises(QueryCancelled):
            job.wait(60)


def test_a_finished_job_leaves_nothing_at_the_archive(connector: TapConnector) -> None:
    with connector.submit("SELECT TOP 1 ra FROM gaiadr3.gaia_source") as job:
        job.wait(60)
        address = job.url
    assert connector._session.get(address).status_code == 404


@pytest.mark.parametrize(
    ("adql", "words"),
    [
        ("SELECT ra FROM", "Could not parse your query"),
        ("SELECT nonsense FROM gaiadr3.gaia_source", "No such field known"),
        ("SELECT ra FROM gaiadr3.nowhere", "nowhere"),
    ],
)
def test_a_bad_query_is_refused_in_the_archives_words(connector: TapConnector, adql: str, words: str) -> None:
    with pytest.raises(QueryRefused, match=words):
        connector.query(adql)


def test_a_bad_asynchronous_query_is_refused_in_the_archives_words(connector: TapConnector) -> None:
    with (
        connector.submit("SELECT nonsense FROM gaiadr3.gaia_source") as job,
        pytest.raises(QueryRefused, match="No such field known"),
    ):
        job.wait(60)


def test_an_answer_is_asked_for_once(caching: TapConnector) -> None:
    first = caching.query(PLEIADES)
    second = caching.query("-- the same\n" + PLEIADES.replace("SELECT", "select").replace("\n", "   "))
    assert not first.from_cache
    assert second.from_cache
    assert second.source == first.source
    assert [second.table[name].tolist() for name in second.table.colnames] == [
        first.table[name].tolist() for name in first.table.colnames
    ]


def test_a_known_answer_can_be_asked_for_anew(caching: TapConnector) -> None:
    caching.query(PLEIADES)
    assert not caching.query(PLEIADES, anew=True).from_cache


def test_what_was_cut_is_not_kept(caching: TapConnector) -> None:
    caching.query(PLEIADES, maxrec=3)
    assert not caching.query(PLEIADES, maxrec=3).from_cache


def test_another_release_is_another_question(archive: Archive, tmp_path: Path) -> None:
    cache = QueryCache(tmp_path)
    TapConnector(url=archive.url, release="Gaia DR3", cache=cache).query(PLEIADES)
    assert not TapConnector(url=archive.url, release="Gaia DR4", cache=cache).query(PLEIADES).from_cache


def test_other_uploads_are_another_question(caching: TapConnector) -> None:
    adql = "SELECT id FROM TAP_UPLOAD.mine"
    caching.query(adql, uploads={"mine": Table({"id": [1]})})
    assert caching.query(adql, uploads={"mine": Table({"id": [1]})}).from_cache
    assert caching.query(adql, uploads={"mine": Table({"id": [2]})}).table["id"].tolist() == [2]


def test_an_asynchronous_answer_is_kept_too(caching: TapConnector) -> None:
    with caching.submit(PLEIADES) as job:
        job.wait(60)
    assert caching.query(PLEIADES).from_cache


def test_missing_values_stay_missing(connector: TapConnector, tmp_path: Path) -> None:
    adql = """SELECT TOP 3 source_id, phot_bp_mean_mag FROM gaiadr3.gaia_source
    WHERE phot_bp_mean_mag IS NULL ORDER BY source_id"""
    answer = connector.query(adql)
    written = Table.read(answer.to_votable(tmp_path / "stars.vot"))
    assert answer.table["phot_bp_mean_mag"].mask.all()
    assert written["phot_bp_mean_mag"].mask.all()


def test_the_archive_has_no_nan_that_passes_every_cut(connector: TapConnector) -> None:
    answer = connector.query("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source WHERE phot_bp_mean_mag > 90")
    assert answer.table["n"].tolist() == [0]
