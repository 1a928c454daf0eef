"""The template that the tutorial begins with runs as it is."""

import csv
import shutil
from pathlib import Path

from avi_kernel.protocol.folder import read_release
from tests.support.jobs import document_of, run_job

TEMPLATE = Path(__file__).parents[3] / "avi_templates" / "python"


def test_the_template_is_a_valid_avi():
    release = read_release(TEMPLATE)
    assert release.interface == "app.ipynb"
    assert [spec.name for spec in release.pipelines] == ["counts"]


def test_its_pipeline_makes_a_table_and_a_picture(tmp_path):
    own = Path(shutil.copytree(TEMPLATE, tmp_path / "avi"))
    ran = run_job(tmp_path, document_of("", "counts", folder=own, stars=300), code=own)
    assert ran.exit_code == 0, ran.log
    rows = list(csv.DictReader(ran.result("counts.csv").splitlines()))
    assert sum(int(row["stars"]) for row in rows) == 300
    titles = {entry.name: entry.title for entry in ran.outcome.results}
    assert titles["counts.png"] == "Star counts"
    assert (ran.attempt / "results" / "counts.png").read_bytes().startswith(b"\x89PNG")
