"""The pipeline of the HR diagram AVI: of the archive when it is there, of the extract when not, and says so."""

import numpy as np
import pytest
from hr.diagram import MEMBER

from tests.support.archive import Archive
from tests.support.hr_diagram import PLEIADES, Run, coloured, run_pipeline
from tests.support.scripted_archive import closed_port


@pytest.fixture(scope="module")
def from_archive(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_pipeline(tmp_path_factory.mktemp("from-archive"), archive.env, PLEIADES)


@pytest.fixture(scope="module")
def from_extract(tmp_path_factory: pytest.TempPathFactory) -> Run:
    nowhere = {
        "GAVIP_ARCHIVE_URL": f"http://127.0.0.1:{closed_port()}/tap",
        "GAVIP_ARCHIVE_NAME": "Dark archive",
    }
    return run_pipeline(tmp_path_factory.mktemp("from-extract"), nowhere, PLEIADES)


@pytest.mark.archive
def test_with_the_archive_up_every_result_names_it(from_archive: Run) -> None:
    assert from_archive.exit_code == 0, from_archive.log
    assert from_archive.told["publisher"] == "GAVIP test archive"
    assert from_archive.told["QUERY_STATUS"] == "OK"
    assert "gaiadr3.gaia_source" in from_archive.told["query"]
    assert "Source: GAVIP test archive, Gaia DR3" in from_archive.printed


@pytest.mark.archive
def test_with_the_archive_up_the_extract_is_not_used(from_archive: Run) -> None:
    assert "xtract" not in from_archive.printed
    # The extract's positions are rounded to 0.00001 deg: the archive's are not.
    ra = np.asarray(from_archive.stars["ra"])
    assert not np.allclose(ra, ra.round(5), rtol=0, atol=1e-9)


@pytest.mark.archive
def test_the_results_are_table_diagram_and_notebook(from_archive: Run) -> None:
    assert sorted(path.name for path in from_archive.folder.iterdir()) == [
        "hr_diagram.ipynb",
        "hr_diagram.png",
        "stars.vot",
    ]


@pytest.mark.archive
def test_the_table_has_the_cluster_with_true_brightness(from_archive: Run) -> None:
    stars = from_archive.stars
    brightest = stars[stars["member"]][np.argmin(stars[stars["member"]]["phot_g_mean_mag"])]
    assert brightest["hip"] == 17702, "Alcyone"
    assert brightest["abs_g_mag"] == pytest.approx(
        brightest["phot_g_mean_mag"] + 5 * np.log10(brightest["hip_plx"]) - 10, abs=1e-4
    )
    assert 40 <= stars["member"].sum() <= 60
    assert 0 < stars["density"].min() < stars["density"].max() == 1
    assert str(stars["abs_g_mag"].unit) == "mag"
    assert "parallax" not in stars.colnames, "nobody may take it for Gaia's"


@pytest.mark.archive
def test_the_diagram_shows_the_stars(from_archive: Run) -> None:
    assert from_archive.pixels.shape[:2] == (1260, 1080)
    assert coloured(from_archive.pixels, MEMBER) > 2000, "members are red"
    assert len(np.unique(from_archive.pixels.reshape(-1, 3), axis=0)) > 200, "others are shaded by density"


def test_with_the_archive_down_every_result_names_the_extract(from_extract: Run) -> None:
    assert from_extract.exit_code == 0, from_extract.log
    assert from_extract.told["publisher"] == "Bundled extract"
    assert "The archive cannot be reached (Dark archive: no connection to 127.0.0.1" in from_extract.printed
    assert "CC BY-SA 3.0 IGO" in from_extract.told["rights"]
    assert coloured(from_extract.pixels, MEMBER) > 2000


@pytest.mark.archive
def test_the_extract_agrees_with_the_archive(from_archive: Run, from_extract: Run) -> None:
    ours, theirs = from_extract.stars, from_archive.stars
    assert ours["source_id"].tolist() == theirs["source_id"].tolist()
    assert ours["member"].tolist() == theirs["member"].tolist()
    for name, tolerance in {
        "ra": 1e-5,
        "dec": 1e-5,
        "bp_rp": 2e-3,
        "abs_g_mag": 1e-3,
        "hip_plx": 1e-6,
    }.items():
        assert np.allclose(ours[name], theirs[name], rtol=0, atol=tolerance), name
