"""What the connector does when an archive is busy, broken or gone."""

import io
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from avi_kernel.connectors.errors import ArchiveUnavailable, FeatureNotOffered, QueryRefused
from avi_kernel.connectors.session import PoliteSession
from avi_kernel.connectors.tap import TapConnector
from tests.support.scripted_archive import Answer, ScriptedArchive, busy, closed_port, scripted_archive, table


class Pauses(list[float]):
    """Notes how long somebody wanted to sleep, and does not."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def connector_to(url: str, pauses: Pauses) -> TapConnector:
    return TapConnector(url=url, name="Scripted", session=PoliteSession(sleep=pauses))


def ask(archive: ScriptedArchive, pauses: Pauses) -> list[int]:
    return connector_to(archive.url, pauses).query("SELECT n FROM t").table["n"].tolist()


def test_a_busy_archive_is_asked_again_after_growing_pauses() -> None:
    pauses = Pauses()
    with scripted_archive(busy(503), busy(429), table(7)) as archive:
        assert ask(archive, pauses) == [7]
    assert len(pauses) == 2
    assert 0.4 <= pauses[0] < pauses[1] <= 1.2


def test_the_pause_that_the_archive_asks_for_is_kept() -> None:
    pauses = Pauses()
    with scripted_archive(busy(429, Retry_After="7"), table(1)) as archive:
        ask(archive, pauses)
    assert pauses == [7.0]


def test_a_pause_may_be_given_as_a_date() -> None:
    pauses = Pauses()
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    with scripted_archive(busy(503, Retry_After=then), table(1)) as archive:
        ask(archive, pauses)
    assert 17 < pauses[0] <= 20


def test_an_archive_that_wants_an_hour_is_left_alone() -> None:
    pauses = Pauses()
    with scripted_archive(busy(503, Retry_After="3600")) as archive, pytest.raises(ArchiveUnavailable):
        ask(archive, pauses)
    assert pauses == []
    assert len(archive.requests) == 1


def test_patience_ends_and_is_told_in_words() -> None:
    pauses = Pauses()
    with (
        scripted_archive(busy(503)) as archive,
        pytest.raises(ArchiveUnavailable, match="Scripted: answered 503 Service Unavailable"),
    ):
        ask(archive, pauses)
    assert len(archive.requests) == 3


def test_an_archive_that_is_gone_is_told_in_words() -> None:
    pauses = Pauses()
    port = closed_port()
    with pytest.raises(ArchiveUnavailable, match=f"Scripted: no connection to 127.0.0.1:{port}"):
        connector_to(f"http://127.0.0.1:{port}/tap", pauses).query("SELECT n FROM t")
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("refusal", "words", "asked"),
    [(403, "this AVI may not reach it", 1), (502, "cannot be reached from here", 3)],
)
def test_a_way_out_that_is_closed_is_told(
    monkeypatch: pytest.MonkeyPatch, refusal: int, words: str, asked: int
) -> None:
    with scripted_archive(busy(refusal)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        with pytest.raises(ArchiveUnavailable, match=words):
            connector_to("https://archive.invalid/tap", Pauses()).query("SELECT n FROM t")
    assert [method for method, _, _ in proxy.requests] == ["CONNECT"] * asked


def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    whole = table(*range(2000))
    broken = Answer(body=whole.body, headers=whole.headers, cut_after=3000)
    with scripted_archive(broken, whole) as archive:
        assert len(ask(archive, Pauses())) == 2000


def test_answers_that_always_break_off_are_told() -> None:
    broken = Answer(body=table(*range(2000)).body, cut_after=3000)
    with scripted_archive(broken) as archive, pytest.raises(ArchiveUnavailable, match="broke off"):
        ask(archive, Pauses())
    assert len(archive.requests) == 3


def test_a_page_instead_of_a_table_is_told() -> None:
    page = Answer(body="<html>Maintenance</html>", headers={"Content-Type": "text/html"})
    with (
        scripted_archive(page) as archive,
        pytest.raises(ArchiveUnavailable, match="did not answer with a table"),
    ):
        ask(archive, Pauses())


def test_a_refusal_without_a_table_is_the_querys_fault() -> None:
    refusal = Answer(status=400, body="no such column", headers={"Content-Type": "text/plain"})
    with scripted_archive(refusal) as archive, pytest.raises(QueryRefused, match="no such column"):
        ask(archive, Pauses())
    assert len(archive.requests) == 1


def test_uploads_are_sent_whole_again() -> None:
    pauses = Pauses()
    with scripted_archive(busy(503), table(1)) as archive:
        session = PoliteSession(sleep=pauses)
        session.post(f"{archive.url}/sync", files={"mine": io.BytesIO(b"the upload")})
    assert [b"the upload" in body for _, _, body in archive.requests] == [True, True]


@pytest.mark.parametrize(("path", "sent"), [("sync", 2), ("async", 1)])
def test_only_what_merely_reads_is_sent_again_after_a_broken_gateway(path: str, sent: int) -> None:
    with scripted_archive(busy(502), table(1)) as archive:
        PoliteSession(sleep=Pauses()).post(f"{archive.url}/{path}", data={"QUERY": "x"})
    assert len(archive.requests) == sent


def test_a_job_that_was_never_received_is_created_again() -> None:
    pauses = Pauses()
    with pytest.raises(requests.ConnectionError):
        PoliteSession(sleep=pauses).post(f"http://127.0.0.1:{closed_port()}/tap/async", data={})
    assert len(pauses) == 2


def test_an_answer_cut_at_the_archives_limit_is_asked_for_asynchronously() -> None:
    job = """<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink"
        version="1.1"><uws:jobId>1</uws:jobId><uws:ownerId/><uws:phase>{phase}</uws:phase><uws:quote/>
        <uws:startTime/><uws:endTime/><uws:executionDuration>0</uws:executionDuration><uws:destruction/>
        <uws:parameters/><uws:results><uws:result id="result" xlink:href="{base}/async/1/results/result"/>
        </uws:results></uws:job>"""
    with scripted_archive(table(1, 2, overflow=True)) as archive:
        pending, ready = (
            Answer(body=job.format(phase=p, base=archive.url)) for p in ("PENDING", "COMPLETED")
        )
        to_job = Answer(status=303, headers={"Location": f"{archive.url}/async/1"})
        archive.answer_with(
            table(1, 2, overflow=True),
            *(to_job, pending, pending),
            *(Answer(), pending, ready),
            *(table(1, 2, 3), Answer()),
        )
        answer = connector_to(archive.url, Pauses()).fetch("SELECT n FROM t")
    assert answer.table["n"].tolist() == [1, 2, 3]
    assert not answer.overflow
    assert archive.requests[-1][:2] == ("DELETE", "/tap/async/1")


def test_a_broken_description_of_a_job_is_told() -> None:
    with scripted_archive(Answer(body="<uws:job")) as archive, pytest.raises(ArchiveUnavailable):
        connector_to(archive.url, Pauses()).submit("SELECT n FROM t")


def test_signing_in_is_offered_for_esas_archives_alone() -> None:
    with pytest.raises(FeatureNotOffered):
        TapConnector(url="http://127.0.0.1:9/tap").login("anna", "secret")


def test_a_sign_in_goes_to_the_archives_own_address() -> None:
    with scripted_archive(Answer()) as archive:
        TapConnector(url=archive.url, esa=True).login("anna", "secret")
    assert archive.requests == [("POST", "/login", b"username=anna&password=secret")]


def test_a_wrong_password_is_told() -> None:
    with (
        scripted_archive(busy(401)) as archive,
        pytest.raises(QueryRefused, match="password of anna is wrong"),
    ):
        TapConnector(url=archive.url, name="ESA", esa=True).login("anna", "secret")
