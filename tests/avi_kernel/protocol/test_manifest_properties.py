"""Whatever stands in a manifest: it is an AVI's, or it is refused in words; and its schema says the same."""

import json
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from avi_kernel.protocol.folder import FolderProblem, read_release
from avi_kernel.protocol.manifest import Manifest, ReleaseSpec
from avi_kernel.protocol.manifest_schema import manifest_schema
from avi_kernel.protocol.problems import LONGEST_PROBLEM
from tests.avi_kernel.protocol.test_bad_manifests import MANIFESTS
from tests.support.avis import notebook, write_avi

SCHEMA = Draft202012Validator(manifest_schema())


def read(text: str) -> ReleaseSpec:
    """Read a folder with this manifest and a pipeline `count` of one parameter, `radius`."""
    with TemporaryDirectory() as folder:
        files = {"pipelines/count.ipynb": notebook("1", parameters="radius: float = 1.0")}
        write_avi(Path(folder), {**files, "pipelines/prepare.ipynb": notebook("1")})
        (Path(folder) / "avi.toml").write_bytes(text.encode(errors="surrogatepass"))
        return read_release(Path(folder))


def as_toml(table: object) -> str:
    """Write a value in one line of TOML."""
    if isinstance(table, dict):
        return "{" + ", ".join(f"{as_toml(key)} = {as_toml(value)}" for key, value in table.items()) + "}"
    if isinstance(table, list):
        return "[" + ", ".join(map(as_toml, table)) + "]"
    if isinstance(table, float):
        return repr(table)
    return json.dumps(table, ensure_ascii=False).replace("\x7f", "\\u007f")


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
CPU = st.floats(0.01, 64)
MEMORY = st.none() | st.integers(1, 10**9) | st.just("200 + 40 * radius")
RADIUS = {
    "title": WORDS,
    "help": WORDS,
    "unit": WORDS,
    "minimum": st.none() | st.floats(-1e9, 1),
    "maximum": st.none() | st.floats(1, 1e9),
    "choices": st.just([]) | st.lists(st.floats(-9, 9), max_size=3).map(lambda more: [1.0, *more]),
}
RESOURCES = {"cpu": CPU, "time_limit": st.integers(1, 86400), "title": WORDS, "hidden": st.booleans()}
COUNT = {**RESOURCES, "memory": MEMORY, "needs": st.sampled_from([[], ["prepare"]])}


def some_of(keys: dict[str, st.SearchStrategy]) -> st.SearchStrategy:
    """Return tables that have any of these keys."""
    return st.fixed_dictionaries({}, optional=keys)


def limited(count: dict, radius: dict) -> dict:
    """Return a pipeline's table in which the default, 1.0, is one of the choices and within the limits."""
    if any(
        not low <= choice <= high for choice in radius.get("choices", []) for low, high in [limits(radius)]
    ):
        radius = {**radius, "choices": []}
    return {**count, "parameters": {"radius": radius}}


def limits(radius: dict) -> tuple[float, float]:
    low, high = radius.get("minimum"), radius.get("maximum")
    return (-1e12 if low is None else low, 1e12 if high is None else high)


AUTHORS = st.lists(
    st.fixed_dictionaries({"name": WORDS}, optional={"email": WORDS, "orcid": WORDS}), max_size=3
)
TABLES = some_of(
    {
        "title": WORDS,
        "summary": WORDS,
        "authors": AUTHORS,
        "keywords": st.lists(WORDS, max_size=4),
        "cite": WORDS,
        "hosts": st.lists(st.from_regex(r"[a-z0-9.-]{1,40}(:[0-9]{1,5})?", fullmatch=True), max_size=3),
        "image": st.sampled_from(["avi-python", "avi-java"]),
        "interface": some_of({"memory": st.integers(64, 10**6), "cpu": CPU}),
        "pipelines": some_of({"count": st.builds(limited, some_of(COUNT), some_of(RADIUS))}),
    }
)


def without_none(table: object) -> object:
    """Leave out what is None, which TOML has no word for."""
    if isinstance(table, dict):
        return {key: without_none(value) for key, value in table.items() if value is not None}
    return table


@settings(deadline=None)
@given(TABLES)
def test_a_valid_manifest_is_read_as_it_was_written_and_the_schema_accepts_it(table) -> None:
    given_table = without_none(table)
    spec = read("".join(f"{key} = {as_toml(value)}\n" for key, value in given_table.items()))
    assert spec.manifest == Manifest.model_validate(given_table)
    assert ReleaseSpec.model_validate_json(spec.model_dump_json()) == spec
    assert list(SCHEMA.iter_errors(given_table)) == []


def require_short(message: str) -> None:
    assert message.isprintable()
    assert len(message) <= LONGEST_PROBLEM
    assert message.startswith("avi.toml")


def require_told_well(text: str) -> None:
    """Hold that a text is an AVI's manifest, or refused in one line that can be shown."""
    try:
        read(text)
    except FolderProblem as refused:
        require_short(str(refused))


KEYS = st.sampled_from(
    [
        "title",
        "authors",
        "name",
        "interface",
        "memory",
        "pipelines",
        "count",
        "radius",
        "choices",
        "parameters",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.dates()
    | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
LINES = st.lists(
    st.one_of(
        st.tuples(KEYS, VALUES.map(without_none).map(lambda value: f"{value!r}")).map(" = ".join),
        st.lists(KEYS, min_size=1, max_size=4).map(lambda names: f"[{'.'.join(names)}]"),
        st.lists(KEYS, min_size=1, max_size=3).map(lambda names: f"[[{'.'.join(names)}]]"),
        st.text(max_size=20),
    ),
    max_size=8,
)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_manifest_or_refused_in_words(text) -> None:
    require_told_well(text)


@settings(deadline=None)
@given(LINES)
def test_any_lines_that_look_like_a_manifest_are_one_or_refused_in_words(lines) -> None:
    require_told_well("\n".join(lines))


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_values_at_any_keys_are_a_manifest_or_refused_in_words(table) -> None:
    def written(value: object) -> str:
        try:
            return as_toml(value)
        except TypeError:  # a date
            return str(value)

    require_told_well("".join(f"{key} = {written(without_none(value))}\n" for key, value in table.items()))


SEEN_BY_THE_SCHEMA = [
    *("misspelt-key", "misspelt-key-of-a-pipeline", "misspelt-table", "number-for-text", "text-for-a-list"),
    *(
        "text-for-a-table",
        "table-for-a-list-of-tables",
        "author-without-a-name",
        "no-cores",
        "memory-as-a-fraction",
    ),
    *("interface-memory-too-small", "image-with-a-tag", "host-with-a-scheme", "pipeline-with-a-capital"),
    *("parameter-with-a-dash", "help-too-long", "unit-too-long", "time-limit-of-a-year"),
]


@pytest.mark.parametrize("case", SEEN_BY_THE_SCHEMA)
def test_an_editor_sees_by_the_schema_what_is_wrong(case: str) -> None:
    assert list(SCHEMA.iter_errors(tomllib.loads((MANIFESTS / f"{case}.toml").read_text())))


@pytest.mark.parametrize("manifest", sorted(Path().glob("*a*/*/avi.toml")), ids=lambda path: path.parent.name)
def test_the_manifests_that_come_with_the_platform_are_as_the_schema_says(manifest: Path) -> None:
    assert list(SCHEMA.iter_errors(tomllib.loads(manifest.read_text()))) == []
