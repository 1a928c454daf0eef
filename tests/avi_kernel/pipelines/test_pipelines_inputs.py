"""What a job's code gets for a file, and what it tells of what it asked."""

from tests.support.avis import notebook, write_avi
from tests.support.jobs import document_of, run_job

READS = """
from avi_kernel.connectors.noted import Asked, note
from avi_kernel.pipelines import result
result("copy.csv").write_text(open(stars).read() + str(nothing))
note(Asked(url="http://a/tap", archive="Gaia", release="DR3", adql="SELECT 1", rows=2, at="2026-01-01T00:00:00+00:00"))
"""


def test_the_code_opens_its_file_by_the_path_it_gets_and_its_questions_are_told(tmp_path):
    code = write_avi(
        tmp_path / "avi",
        {
            "avi.toml": 'title = "Reads"\n',
            "app.ipynb": notebook("1"),
            "pipelines/main.ipynb": notebook(
                READS, parameters="from pathlib import Path\n\nstars: Path\nnothing: Path | None = None"
            ),
        },
    )
    (tmp_path / "home" / "data").mkdir(parents=True)
    (tmp_path / "home" / "data" / "a.csv").write_text("1,2")
    ran = run_job(tmp_path / "home", document_of("reads", folder=code, stars="data/a.csv"), code=code)
    assert ran.exit_code == 0, ran.log
    assert ran.result("copy.csv") == "1,2None"
    [query] = ran.outcome.queries
    assert (query.adql, query.rows, query.archive) == ("SELECT 1", 2, "Gaia")
