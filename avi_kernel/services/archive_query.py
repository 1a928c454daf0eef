"""A task that asks the archive: the usual first step of a graph of tasks."""

import hashlib
from pathlib import Path

from typing_extensions import override

from avi_kernel.connectors.tap import TapConnector
from avi_kernel.pipelines import AviLocalTarget, AviParameter, AviTask


class ArchiveQuery(AviTask):
    """Asks the archive once, asynchronously, and keeps the answer as a VOTable that names its source.

    Examples
    --------
    >>> def requires(self):  # doctest: +SKIP
    ...     return ArchiveQuery(adql=f"SELECT ... WHERE parallax > {self.parallax}")
    """

    adql = AviParameter(type=str, help="The query, in ADQL.")
    maxrec = AviParameter(0, help="Rows wanted at most; 0: as many as the archive gives.", minimum=0)
    patience = 3600.0
    """Seconds that the archive may take."""

    @property
    @override
    def key(self) -> str:
        """Hash that also tells archives and releases apart: their answers differ."""
        archive = TapConnector.of_environment()
        content = f"{super().key} {archive.url} {archive.release}"
        return hashlib.sha256(content.encode()).hexdigest()[:20]

    @override
    def output(self) -> AviLocalTarget:
        """Return the VOTable."""
        return self.target("answer.vot", title="Answer of the archive")

    @override
    def run(self) -> None:
        """Ask, wait, and write the answer whole or not at all.

        Raises
        ------
        avi_kernel.connectors.errors.ArchiveError
            There is no answer.
        """
        archive = TapConnector.of_environment()
        with archive.submit(self.adql, maxrec=int(self.maxrec) or None) as job:
            self.progress(0.1, f"{archive.name} works on the query")
            answer = job.wait(self.patience)
        with self.output().temporary_path() as path:
            answer.to_votable(Path(path))
