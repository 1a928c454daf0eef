import pytest

from avi_kernel.authoring.guesses import Guess, guessed


def of(source: str) -> dict[str, Guess]:
    found = guessed(source)
    return {one.name: one for one in found.parameters} if found else {}


def test_types_come_from_values():
    found = of("stars = 2000\nfaintest: float = 15.0\nband = 'g'\ngrid = True\n")
    assert {name: one.kind for name, one in found.items()} == {
        "stars": "int",
        "faintest": "float",
        "band": "str",
        "grid": "bool",
    }


@pytest.mark.parametrize(
    ("comment", "unit"),
    [
        ("search radius [deg]", "deg"),
        ("faintest (mag)", "mag"),
        ("distance in pc", "pc"),
        ("proper motion [mas/yr], both", "mas/yr"),
        ("in all", ""),
        ("number [of stars]", ""),
        ("", ""),
    ],
)
def test_units_come_from_comments(comment, unit):
    assert of(f"x = 2.0  # {comment}")["x"].unit == unit


@pytest.mark.parametrize(
    ("comment", "shown"),
    [
        ("search radius [deg]", "Search radius."),
        ("[deg]", ""),
        ("proper motion (mas/yr), both", "Proper motion, both."),
        ("how deep?", "How deep?"),
        ("number [of stars]", "Number [of stars]."),
        ("distance in pc", "Distance in pc."),
    ],
)
def test_the_comment_is_the_help_without_the_unit_beside_the_field(comment, shown):
    assert of(f"x = 2.0  # {comment}")["x"].help == shown


@pytest.mark.parametrize(
    ("line", "limits"),
    [
        ("ra = 66.75", (0, 360)),
        ("dec = -15.9", (-90, 90)),
        ("dec_center = 15.9", (-90, 90)),
        ("declared = 3", (0, 30)),
        ("radius = 2.0", (0, 20.0)),
        ("offset = -1.0", (None, None)),
        ("zero = 0", (None, None)),
        ("band = 'g'", (None, None)),
        ("grid = True", (None, None)),
    ],
)
def test_limits_are_proposed_where_something_tells(line, limits):
    [one] = of(line).values()
    assert (one.minimum, one.maximum) == limits


def test_what_no_form_can_ask_for_is_left_and_named():
    found = guessed("import numpy as np\nradius = 2.0\nbands = ['g', 'bp']\nedges = np.arange(3)\n")
    assert [one.name for one in found.parameters] == ["radius"]
    assert found.left == ("bands", "edges")
    assert found.imports == "import numpy as np\nbands = ['g', 'bp']\nedges = np.arange(3)"


@pytest.mark.parametrize(
    "source",
    [
        "import numpy",
        "print('x')",
        "%matplotlib inline\nradius = 2",
        "for i in range(3):\n    x = i",
        "x = f(",
        "",
    ],
)
def test_a_cell_that_computes_or_gives_nothing_holds_no_parameters(source):
    assert guessed(source) is None
