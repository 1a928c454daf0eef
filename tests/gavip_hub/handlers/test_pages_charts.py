"""What a job used over time, drawn against what it asked for."""

from avi_kernel.protocol.api import UsagePoint, UsageView
from gavip_hub.handlers.charts import HEIGHT, WIDTH, charts_of


def usage(*points, memory_mb=400, peak=390.0):
    return UsageView(
        attempt=1,
        memory_mb=memory_mb,
        memory_peak_mb=peak,
        cpu=1.0,
        points=[UsagePoint(seconds=at, memory_mb=held, cores=cores) for at, held, cores in points],
    )


def test_memory_and_cores_are_told_in_words_too():
    memory, cores = charts_of(usage((0.0, 100.0, 0.1), (60.0, 380.0, 1.9)))
    assert memory.words == "at most 390 of the 400 MB asked for"
    assert cores.words == "at most 1.9 cores, 1 promised"
    assert memory.until == "1 min"


def test_a_line_stays_in_its_box():
    for chart in charts_of(usage((0.0, 0.0, 0.0), (30.0, 800.0, 2.0), (90.0, 10.0, 0.5))):
        for point in chart.line.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
        assert 0 <= chart.asked <= HEIGHT


def test_too_little_draws_nothing():
    assert charts_of(None) == []
    assert charts_of(usage((0.0, 100.0, 0.1))) == []


def test_what_used_nothing_has_a_flat_line():
    memory, _ = charts_of(usage((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), peak=None))
    assert {point.split(",")[1] for point in memory.line.split()} == {f"{HEIGHT}"}
