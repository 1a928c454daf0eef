"""Run when a release of this AVI is checked: seconds, and no archive."""

from hr import extract
from hr.fields import CLUSTERS, question
from hr.preview import preview


def test_every_named_cluster_has_a_diagram() -> None:
    for name in CLUSTERS:
        asked = question(field=name, radius=8, parallax_over_error=5, faint_limit=extract.FAINTEST)
        assert preview(asked).members > 0, name
