"""Ask an archive by TAP, the IVOA's table access protocol."""

import io
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

import requests
from astropy.io.votable.exceptions import VOWarning
from astropy.table import Table
from astropy.units import UnitsWarning
from pyvo.dal import (
    AsyncTAPJob,
    DALFormatError,
    DALOverflowWarning,
    DALQueryError,
    DALServiceError,
    TAPService,
)
from pyvo.dal.tap import TAPResults

from avi_kernel.connectors.archives import ESA_GAIA_NAME, ESA_GAIA_RELEASE, ESA_GAIA_URL
from avi_kernel.connectors.cache import QueryCache, query_key
from avi_kernel.connectors.errors import (
    ArchiveUnavailable,
    FeatureNotOffered,
    QueryCancelled,
    QueryRefused,
    QueryUnfinished,
)
from avi_kernel.connectors.noted import Asked, note
from avi_kernel.connectors.session import FORBIDDEN, PoliteSession
from avi_kernel.connectors.source import GAIA_ATTRIBUTION, ArchiveTable, Source

Upload: TypeAlias = "Table | Path"
FIRST_POLL = 0.25
LONGEST_POLL = 5.0
"""Seconds between two looks at an asynchronous query."""


class TapConnector:
    """One archive, asked politely; every table that it gives says where it comes from.

    Parameters
    ----------
    url
        Its TAP address.
    name, release
        What people call the archive and the data release; they become part of every result.
    attribution
        What its licence asks to be said beside its data.
    session
        Sends the requests; proxies come from the environment.
    cache
        Where answers are kept; None asks anew each time.
    esa
        Whether the archive has the additions of ESA's own archives, such as signing in.
    """

    def __init__(
        self,
        *,
        url: str = ESA_GAIA_URL,
        name: str = ESA_GAIA_NAME,
        release: str = ESA_GAIA_RELEASE,
        attribution: str = GAIA_ATTRIBUTION,
        session: requests.Session | None = None,
        cache: QueryCache | None = None,
        esa: bool = False,
    ) -> None:
        self.url = url.rstrip("/")
        self.name = name
        self.release = release
        self._attribution = attribution
        self._session = session or PoliteSession()
        self._cache = cache
        self._esa = esa
        self._service = TAPService(self.url, session=self._session)

    @classmethod
    def of_environment(cls, environ: Mapping[str, str] = os.environ, **options: Any) -> Self:
        """Return the archive that the platform points AVIs to; ESA's Gaia archive where nothing is said."""
        return cls(
            url=environ.get("GAVIP_ARCHIVE_URL") or ESA_GAIA_URL,
            name=environ.get("GAVIP_ARCHIVE_NAME") or ESA_GAIA_NAME,
            release=environ.get("GAVIP_ARCHIVE_RELEASE") or ESA_GAIA_RELEASE,
            **{"cache": QueryCache.of_environment(environ), **options},
        )

    def query(
        self,
        adql: str,
        *,
        maxrec: int | None = None,
        uploads: Mapping[str, Upload] | None = None,
        anew: bool = False,
    ) -> ArchiveTable:
        """Ask and wait for the answer; for what takes minutes use `submit`.

        Parameters
        ----------
        maxrec
            Rows wanted at most; the answer's `overflow` tells when there were more.
        uploads
            Name -> table; the query calls it `TAP_UPLOAD.<name>`.
        anew
            Ask even when the answer is known from before.

        Raises
        ------
        QueryRefused
            The archive does not accept the query.
        ArchiveUnavailable
            It cannot be reached, or cannot serve now.
        """
        content = _contents(uploads)
        key = query_key(url=self.url, release=self.release, adql=adql, maxrec=maxrec, uploads=content)
        known = self._cache.find(key) if self._cache and not anew else None
        if known is not None:
            source = Source.of(known)
            _note(source)
            return ArchiveTable(known, source, from_cache=True)
        with self._told_in_words(), _quiet():
            results = self._service.run_sync(adql, maxrec=maxrec, uploads=_files(content))
            answer = self._answer(adql, results)
        self._keep(key, answer)
        return answer

    def fetch(
        self, adql: str, *, uploads: Mapping[str, Upload] | None = None, timeout: float = 3600.0
    ) -> ArchiveTable:
        """Return all rows: ask at once, and asynchronously where the archive cut that answer short.

        Archives allow far more rows and time to asynchronous queries; ESA's gives 2,000 rows at once.

        Raises
        ------
        QueryRefused, ArchiveUnavailable, QueryUnfinished
            As `query` and `ArchiveJob.wait` do.
        """
        answer = self.query(adql, uploads=uploads)
        if not answer.overflow:
            return answer
        with self.submit(adql, uploads=uploads) as job:
            return job.wait(timeout)

    def submit(
        self, adql: str, *, maxrec: int | None = None, uploads: Mapping[str, Upload] | None = None
    ) -> "ArchiveJob":
        """Start an asynchronous query at the archive and return at once.

        Raises
        ------
        QueryRefused, ArchiveUnavailable
            As `query` does.
        """
        content = _contents(uploads)
        key = query_key(url=self.url, release=self.release, adql=adql, maxrec=maxrec, uploads=content)
        with self._told_in_words(), _quiet():
            # Not PHASE=RUN in the creating request: DaCHS passes over it there.
            job = self._service.submit_job(adql, maxrec=maxrec, uploads=_files(content)).run()
        return ArchiveJob(connector=self, job=job, adql=adql, key=key)

    def login(self, user: str, password: str) -> None:
        """Sign in to an ESA archive, for one's own tables and larger limits.

        Raises
        ------
        FeatureNotOffered
            The connector was not made with `esa=True`.
        """
        if not self._esa:
            raise FeatureNotOffered(self.name, "has no sign-in that this connector knows of (esa=True)")
        address = f"{self.url.rsplit('/', 1)[0]}/login"
        with self._told_in_words():
            answer = self._session.post(address, data={"username": user, "password": password})
            if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                raise QueryRefused(self.name, f"user name or password of {user} is wrong")
            answer.raise_for_status()

    def _answer(self, adql: str, results: TAPResults) -> ArchiveTable:
        table = results.to_table()
        source = Source(
            archive=self.name,
            url=self.url,
            release=self.release,
            query=adql,
            asked_at=datetime.now(UTC).isoformat(timespec="seconds"),
            rows=len(table),
            complete=results.status[0].upper() != "OVERFLOW",
            attribution=self._attribution,
        )
        table.meta.clear()
        source.mark(table)
        _note(source)
        return ArchiveTable(table, source)

    def _keep(self, key: str, answer: ArchiveTable) -> None:
        # An archive's own limit may be raised tomorrow: what it cut is asked again.
        if self._cache and not answer.overflow:
            self._cache.keep(key, answer.table)

    @contextmanager
    def _told_in_words(self) -> Iterator[None]:
        try:
            yield
        except DALQueryError as error:
            raise QueryRefused(self.name, _first_line(str(error))) from error
        # ValueError: what pyvo raises for the description of a job that is no XML.
        except (DALServiceError, DALFormatError, requests.RequestException, ValueError) as error:
            if getattr(error, "code", None) == HTTPStatus.BAD_REQUEST:
                raise QueryRefused(self.name, _first_line(str(error))) from error
            raise ArchiveUnavailable(self.name, f"{_reason(error)} ({self.url})") from error


def _note(source: Source) -> None:
    """Note for the platform what was asked."""
    note(
        Asked(
            url=source.url,
            archive=source.archive,
            release=source.release,
            adql=source.query,
            rows=source.rows,
            at=source.asked_at,
        )
    )


class ArchiveJob:
    """An asynchronous query; as a context manager it leaves nothing behind at the archive."""

    def __init__(self, *, connector: TapConnector, job: AsyncTAPJob, adql: str, key: str) -> None:
        self._connector = connector
        self._job = job
        self._adql = adql
        self._key = key

    @property
    def url(self) -> str:
        """Its address at the archive."""
        return str(self._job.url)

    @property
    def phase(self) -> str:
        """Its UWS phase now."""
        with self._connector._told_in_words():  # noqa: SLF001 - the two classes are one connector
            return str(self._job.phase)

    def wait(self, timeout: float = 3600.0, sleep: Callable[[float], None] = time.sleep) -> ArchiveTable:
        """Wait for the answer.

        Parameters
        ----------
        timeout
            Seconds.

        Raises
        ------
        QueryUnfinished
            It still runs after this time, and goes on running.
        QueryCancelled, QueryRefused, ArchiveUnavailable
            There will be no answer.
        """
        deadline, pause = time.monotonic() + timeout, FIRST_POLL
        while (phase := self.phase) in {"PENDING", "QUEUED", "EXECUTING", "UNKNOWN", "HELD", "SUSPENDED"}:
            if time.monotonic() + pause > deadline:
                raise QueryUnfinished(self._connector.name, f"the query is {phase} after {timeout:g} s")
            sleep(pause)
            pause = min(LONGEST_POLL, pause * 1.5)
        if phase == "ABORTED":
            raise QueryCancelled(self._connector.name, "the query was cancelled")
        return self._fetch()

    def cancel(self) -> None:
        """Stop the query at the archive."""
        with self._connector._told_in_words():  # noqa: SLF001 - as above
            self._job.abort()

    def delete(self) -> None:
        """Remove query and answer from the archive."""
        with self._connector._told_in_words():  # noqa: SLF001 - as above
            self._job.delete()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The answer counts; an archive removes forgotten queries by itself.
        with suppress(ArchiveUnavailable):
            self.delete()

    def _fetch(self) -> ArchiveTable:
        connector = self._connector
        with connector._told_in_words(), _quiet():  # noqa: SLF001 - as above
            self._job.raise_if_error()
            answer = connector._answer(self._adql, self._job.fetch_result())  # noqa: SLF001 - as above
        connector._keep(self._key, answer)  # noqa: SLF001 - as above
        return answer


def _contents(uploads: Mapping[str, Upload] | None) -> dict[str, bytes]:
    return {name: _votable_bytes(table) for name, table in (uploads or {}).items()}


def _votable_bytes(table: Upload) -> bytes:
    if isinstance(table, Path):
        content: bytes = table.read_bytes()
        return content
    out = io.BytesIO()
    table.write(out, format="votable")
    return out.getvalue()


def _files(contents: Mapping[str, bytes]) -> dict[str, io.BytesIO]:
    return {name: io.BytesIO(content) for name, content in contents.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out warnings of an archive's VOTable that an astronomer can do nothing about; overflow is told."""
    with warnings.catch_warnings():
        for kind in (VOWarning, UnitsWarning, DALOverflowWarning):
            warnings.simplefilter("ignore", kind)
        yield


def _first_line(message: str) -> str:
    return message.strip().splitlines()[0][:1000] if message.strip() else "the query was refused"


def _reason(error: Exception) -> str:
    cause = error
    while isinstance(inner := getattr(cause, "cause", None), Exception):
        cause = inner
    response = getattr(cause, "response", None)
    if response is not None:
        return f"answered {response.status_code} {response.reason}"
    if isinstance(cause, requests.exceptions.ProxyError):
        return "this AVI may not reach it" if FORBIDDEN in str(cause) else "cannot be reached from here"
    if isinstance(cause, requests.Timeout):
        return "did not answer in time"
    if isinstance(cause, requests.exceptions.ChunkedEncodingError):
        return "its answer broke off"
    if isinstance(cause, requests.ConnectionError):
        return f"no connection to {urlsplit(str(getattr(cause.request, 'url', ''))).netloc or 'it'}"
    return f"did not answer with a table: {_first_line(str(cause))}"
