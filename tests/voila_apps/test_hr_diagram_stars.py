"""What the HR diagram AVI computes, where its stars come from, and what it says of that."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hr import extract, sample
from hr.diagram import Points, draw, png
from hr.fields import CLUSTERS, Question, question
from hr.preview import preview, tangent_plane
from hr.stars import absolute_magnitude, density, good, inside, members

from avi_kernel.connectors.errors import ArchiveUnavailable, QueryRefused
from avi_kernel.connectors.session import PoliteSession
from avi_kernel.connectors.source import Source
from avi_kernel.connectors.tap import TapConnector
from avi_kernel.protocol.folder import read_release
from tests.support.archive import Archive
from tests.support.hr_diagram import AVI
from tests.support.scripted_archive import Answer, closed_port, scripted_archive


def asked(field: str = "pleiades", **changes: float) -> Question:
    centre = {"ra": 0.0, "dec": 0.0} if field == "custom" else {}
    given = {**centre, "radius": 5.0, "parallax_over_error": 5.0, "faint_limit": 10.0, **changes}
    return question(field=field, **given)


def nobody() -> TapConnector:
    return TapConnector(
        url=f"http://127.0.0.1:{closed_port()}/tap", session=PoliteSession(sleep=lambda _: None)
    )


def star(**values: float) -> Mapping[str, object]:
    usual = {
        "hip": 1,
        "phot_g_mean_mag": 5.0,
        "phot_bp_mean_mag": 5.3,
        "phot_rp_mean_mag": 4.7,
        "hip_plx": 8.0,
    }
    usual |= {"hip_e_plx": 0.8, "hip_pm_ra": 20.0, "hip_pm_de": -45.0}
    return {name: np.array([value]) for name, value in {**usual, **values}.items()}


def test_the_sun_at_ten_parsec_is_as_bright_as_it_looks() -> None:
    assert absolute_magnitude(star(phot_g_mean_mag=4.67, hip_plx=100.0)) == pytest.approx(4.67)


def test_a_star_ten_times_farther_is_five_magnitudes_fainter() -> None:
    assert absolute_magnitude(star(phot_g_mean_mag=9.67, hip_plx=10.0)) == pytest.approx(4.67)


@pytest.mark.parametrize(
    ("values", "passes"),
    [
        ({}, True),
        ({"hip_e_plx": 2.0}, False),
        ({"phot_bp_mean_mag": np.nan}, False),
        ({"phot_g_mean_mag": 10.5}, False),
        ({"hip_plx": -8.0}, False),
    ],
)
def test_cuts(values: dict[str, float], passes: bool) -> None:
    assert good(star(**values), asked()).tolist() == [passes]


@pytest.mark.parametrize(
    ("values", "belongs"),
    [
        ({"hip_plx": 8.3}, True),
        ({"hip_plx": 8.32 + 3.1 * 0.8}, False),
        ({"hip_plx": 8.3, "hip_pm_ra": 40.0}, False),
    ],
)
def test_members_share_parallax_and_motion(values: dict[str, float], belongs: bool) -> None:
    assert members(star(**values), CLUSTERS["pleiades"]).tolist() == [belongs]


def test_a_field_without_a_cluster_has_no_members() -> None:
    assert members(star(), None).tolist() == [False]


@pytest.mark.parametrize(
    ("ra", "dec", "is_inside"),
    [(359.5, 0.0, True), (0.5, 0.9, False), (0.0, 1.0, True), (180.0, 0.0, False), (1.1, 0.0, False)],
)
def test_the_cone_goes_across_the_meridian_of_zero(ra: float, dec: float, is_inside: bool) -> None:
    place = {"ra": np.array([ra]), "dec": np.array([dec])}
    assert inside(place, asked("custom", radius=1.0)).tolist() == [is_inside]


def test_the_cone_holds_at_the_pole() -> None:
    place = {"ra": np.array([200.0]), "dec": np.array([89.5])}
    assert inside(place, asked("custom", ra=20.0, dec=89.8, radius=0.8)).tolist() == [True]


def test_a_named_field_has_its_own_centre() -> None:
    assert (asked("pleiades").ra, asked("pleiades").dec) == (56.75, 24.12)
    assert asked("pleiades", ra=56.75, dec=24.12) == asked("pleiades")
    with pytest.raises(ValueError, match=r"own centre, RA 56\.75°, Dec \+24\.12°; ra is 66\.75°"):
        asked("pleiades", ra=66.75, dec=15.87)


def test_a_field_of_ones_own_needs_a_centre() -> None:
    with pytest.raises(ValueError, match="give ra and dec"):
        question(field="custom", ra=10.0, radius=1, parallax_over_error=5, faint_limit=10)


def test_the_densest_place_is_where_most_stars_are() -> None:
    colours = np.concatenate([np.random.default_rng(1).normal(0.6, 0.02, 200), [2.5]])
    magnitudes = np.concatenate([np.random.default_rng(2).normal(3.5, 0.1, 200), [10.0]])
    found = density(colours, magnitudes)
    assert found.max() == 1.0
    assert found[-1] < 0.05
    assert np.median(found[:-1]) > 0.3


def test_no_star_has_no_density() -> None:
    assert len(density(np.zeros(0), np.zeros(0))) == 0


def test_the_centre_of_the_field_is_the_centre_of_the_chart() -> None:
    stars = {"ra": np.array([56.75, 57.75]), "dec": np.array([24.12, 24.12])}
    east, north = tangent_plane(stars, asked())
    assert east == pytest.approx([0.0, np.cos(np.radians(24.12))], abs=2e-3)
    assert north == pytest.approx([0.0, 0.0], abs=5e-3)


def test_the_extract_is_small_real_and_says_whose_it_is() -> None:
    assert extract.FILE.stat().st_size < 1_000_000
    assert len(extract.all_stars()) > 20_000
    for word in ("CC BY-SA 3.0 IGO", "ESA/Gaia/DPAC", "van Leeuwen 2007"):
        assert word in (extract.FILE.parent / "ATTRIBUTION.md").read_text()


@pytest.mark.parametrize("field", CLUSTERS)
def test_every_named_cluster_shows_in_the_extract(field: str) -> None:
    shown = preview(asked(field, radius=8.0))
    assert shown.members >= 15
    assert extract.shortfall(asked(field, radius=8.0)) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"faint_limit": 11.0}, "ends at G = 10 mag"),
        ({"radius": 12.0}, "at least 15 times its error"),
        ({"radius": 12.0, "parallax_over_error": 15.0}, ""),
    ],
)
def test_what_the_extract_lacks_is_told(changes: dict[str, float], words: str) -> None:
    told = extract.shortfall(asked(**changes))
    assert words in told if words else told == ""


@pytest.mark.archive
def test_the_extract_is_complete_where_it_says_so(archive: Archive) -> None:
    wide = asked("praesepe", radius=10.0)
    archived = TapConnector(url=archive.url).fetch(wide.adql).table
    archived = archived[good(archived, wide)]
    ours = extract.find(wide)
    # The positions of the extract are rounded: a star on the very edge may be in one and out of the other.
    assert len(set(archived["source_id"].tolist()) ^ set(ours["source_id"].tolist())) <= 1


@pytest.mark.archive
def test_a_smaller_radius_holds_fewer_stars(archive: Archive) -> None:
    connector = TapConnector(url=archive.url)
    found = [len(sample.fetch(asked(radius=radius), connector=connector).stars) for radius in (1.0, 3.0, 6.0)]
    assert found == sorted(found)
    assert found[0] > 0


@pytest.mark.archive
def test_what_the_archive_said_before_is_not_asked_again_and_dated(archive: Archive, tmp_path: Path) -> None:
    environ = {**archive.env, "GAVIP_WORK_DIR": str(tmp_path)}
    first = sample.fetch(asked(), environ=environ)
    second = sample.fetch(asked(), environ=environ)
    assert first.notes == ()
    assert "it was not asked again" in second.notes[0]
    assert second.source == first.source


def test_without_an_archive_the_extract_is_named_with_the_reason() -> None:
    found = sample.fetch(asked(), connector=nobody(), environ={})
    assert found.source.archive == "Bundled extract"
    assert Source.of(found.stars) == found.source
    assert "The archive cannot be reached (ESA Gaia Archive: no connection" in found.notes[0]
    assert found.source.complete


def test_an_archive_that_is_required_and_missing_is_an_error() -> None:
    with pytest.raises(ArchiveUnavailable):
        sample.fetch(asked(), connector=nobody(), environ={"GAVIP_ARCHIVE_REQUIRED": "1"})


def test_a_query_that_the_archive_refuses_is_no_reason_for_the_extract() -> None:
    refusal = Answer(status=400, body="no such table", headers={"Content-Type": "text/plain"})
    with scripted_archive(refusal) as archive, pytest.raises(QueryRefused):
        sample.fetch(asked(), connector=TapConnector(url=archive.url), environ={})


def test_an_empty_field_gives_an_empty_diagram() -> None:
    nothing = asked("custom", ra=10.0, dec=88.0, radius=0.5)
    stars = sample.cut(sample.fetch(nothing, connector=nobody(), environ={}), nothing)
    assert len(stars) == 0
    assert png(draw(Points.of(stars), nothing, source="", credit="")).startswith(b"\x89PNG")


def test_the_pipelines_choices_are_the_named_fields() -> None:
    (pipeline,) = read_release(AVI).pipelines
    parameters = {spec.name: spec for spec in pipeline.parameters}
    assert parameters["field"].choices == [*CLUSTERS, "custom"]
    assert all(spec.help for spec in parameters.values())
    assert {name: spec.unit for name, spec in parameters.items() if spec.unit} == {
        "ra": "deg",
        "dec": "deg",
        "radius": "deg",
        "faint_limit": "mag",
    }
