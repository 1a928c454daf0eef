"""The check job runs these with every release: keep them small."""

import matplotlib as mpl

mpl.use("agg")

from avi_kernel.client import ApiError

from sky import views
from sky.counts import by_magnitude


def test_every_star_is_counted_once():
    _, counts = by_magnitude({"phot_g_mean_mag": [6.0, 6.49, 6.5, 8.0]})
    assert counts.tolist() == [2, 1, 0, 1]


def test_no_star_is_a_picture_of_none():
    _, counts = by_magnitude({"phot_g_mean_mag": []})
    assert counts.sum() == 0


def test_the_field_is_drawn_anew_when_its_radius_changes():
    field = views.Field(2.0)
    before = field.png
    field.slider.value = 7.0
    assert field.png.startswith(b"\x89PNG")
    assert field.png != before


def test_no_job_yet_is_told(monkeypatch):
    monkeypatch.setattr(views, "jobs", lambda limit: [])
    assert "No job made a picture yet" in views.LatestPicture("magnitudes.png").told


def test_a_platform_that_does_not_answer_is_told(monkeypatch):
    def refused(limit):
        raise ApiError("the platform does not answer")

    monkeypatch.setattr(views, "jobs", refused)
    assert "does not answer" in views.LatestPicture("magnitudes.png").told
