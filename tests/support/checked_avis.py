"""A good AVI, and ones that have one fault each, for the check to find."""

from pathlib import Path
from textwrap import dedent

from tests.support.avis import notebook, write_avi

MANIFEST = """
    title = "Counted stars"
    licence = "BSD-3-Clause"

    [interface]
    memory = 512

    [pipelines.counts]
    memory = 400

    [pipelines.counts.parameters.stars]
    minimum = 1
    maximum = 100000

    [[pipelines.counts.tests]]
    title = "ten stars"
    parameters = { stars = 10 }
    [pipelines.counts.tests.results."stars.csv"]
    media_type = "text/csv"
    rows = 10
    """
INTERFACE = """
    import ipywidgets as widgets
    from IPython.display import display

    from stars.made import catalogue

    shown = widgets.Output()
    with shown:
        print(len(catalogue(10)))
    display(widgets.VBox([widgets.IntSlider(value=10, description="Stars"), shown]))
    """
MODULE = """
    from random import Random

    _kept = {}


    def catalogue(count):
        if count not in _kept:  # a cache, and no leak
            random = Random(1)
            _kept[count] = [random.uniform(0, 21) for _ in range(count)], bytearray(b"x" * 3_000_000)
        return _kept[count][0]
    """
PIPELINE = """
    from avi_kernel.pipelines import result
    from stars.made import catalogue

    lines = ["star,magnitude"] + [f"{number},{magnitude}" for number, magnitude in enumerate(catalogue(stars))]
    result("stars.csv", title="Stars").write_text("\\n".join(lines) + "\\n")
    """
TESTS = """
    from stars.made import catalogue


    def test_as_many_stars_as_asked():
        assert len(catalogue(3)) == 3
    """


def good_avi(
    folder: Path,
    *,
    interface: str = INTERFACE,
    pipeline: str = PIPELINE,
    module: str = MODULE,
    manifest: str = MANIFEST,
) -> Path:
    """Write an AVI that has everything, with one of its parts replaced."""
    return write_avi(
        folder,
        {
            "avi.toml": manifest,
            "app.ipynb": notebook(interface),
            "pipelines/counts.ipynb": notebook(
                pipeline, parameters="stars: int = 100  # How many to make up."
            ),
            "stars/__init__.py": "",
            "stars/made.py": module,
            "conftest.py": "",
            "tests/test_stars.py": TESTS,
        },
    )


def random_avi(folder: Path) -> Path:
    """Its results are others each time."""
    return good_avi(folder, module=MODULE.replace("Random(1)", "Random()"))


def calling_avi(folder: Path, *, host: str = "catalogue.example") -> Path:
    """It calls a host that it does not declare, and does without the answer."""
    call = f"""
        import urllib.request
        from contextlib import suppress

        with suppress(OSError):
            urllib.request.urlopen("http://{host}/stars", timeout=5)
        """
    return good_avi(folder, pipeline=dedent(call) + dedent(PIPELINE))


def leaking_avi(folder: Path) -> Path:
    """Its module keeps more with each call."""
    leak = """
        _seen = []


        def catalogue(count):
            _seen.append(bytearray(b"x" * 2_000_000))
            return [float(number) for number in range(count)]
        """
    return good_avi(folder, module=leak)


def broken_avi(folder: Path) -> Path:
    """Its interface fails in the first cell."""
    return good_avi(folder, interface=dedent(INTERFACE) + "\nprint(catalog)\n")
