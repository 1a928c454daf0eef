"""What a parameter declares is what it accepts, whoever gives whatever."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from avi_kernel.protocol.parameters import LARGEST_INTEGER, ParameterProblem, ParameterSpec, check_parameters

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.builds(lambda: 10**5000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
OF_TYPE = {
    "integer": st.integers(-LARGEST_INTEGER, LARGEST_INTEGER),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "string": TEXT,
    "boolean": st.booleans(),
}
PYTHONS = {"integer": int, "number": float, "string": str, "boolean": bool}
TYPES = st.sampled_from(sorted(OF_TYPE))
LIMITS = st.none() | st.floats(-1000, 1000)


@st.composite
def specs(draw) -> ParameterSpec:
    """Return declared parameters without a default."""
    kind = draw(TYPES)
    is_number = kind in ("integer", "number")
    return ParameterSpec(
        name="x",
        type=kind,
        minimum=draw(LIMITS) if is_number else None,
        maximum=draw(LIMITS) if is_number else None,
        choices=draw(st.just([]) | st.lists(OF_TYPE[kind], max_size=4)),
    )


def is_declared(spec: ParameterSpec, value) -> bool:
    """Tell whether a value of the parameter's own type is among what is declared."""
    if spec.choices and value not in spec.choices:
        return False
    low = -math.inf if spec.minimum is None else spec.minimum
    high = math.inf if spec.maximum is None else spec.maximum
    return spec.type not in ("integer", "number") or low <= value <= high


@settings(deadline=None)
@given(st.data(), specs())
def test_a_value_of_its_type_is_accepted_just_where_it_is_declared(data, spec) -> None:
    value = data.draw(OF_TYPE[spec.type] | st.sampled_from(spec.choices or [0]))
    assume(type(value) is PYTHONS[spec.type])
    if is_declared(spec, value):
        assert check_parameters([spec], {"x": value}) == {"x": value}
    else:
        with pytest.raises(ParameterProblem):
            check_parameters([spec], {"x": value})


def require_short(message: str) -> None:
    """Hold that a message can be shown in a line or some."""
    assert message.isprintable()
    assert len(message) < 1500


@settings(deadline=None)
@given(specs(), ANYTHING)
def test_whatever_is_accepted_is_of_the_type_and_declared_and_accepted_again(spec, value) -> None:
    try:
        accepted = check_parameters([spec], {"x": value})["x"]
    except ParameterProblem as refused:
        require_short(str(refused))
    else:
        assert type(accepted) is PYTHONS[spec.type]
        assert is_declared(spec, accepted)
        assert check_parameters([spec], {"x": accepted}) == {"x": accepted}


@settings(deadline=None)
@given(specs(), st.text(max_size=40), ANYTHING)
def test_only_declared_names_pass(spec, name, value) -> None:
    assume(name != "x")
    with pytest.raises(ParameterProblem) as refused:
        check_parameters([spec], {name: value})
    assert "this pipeline accepts: x" in str(refused.value)
    assert refused.value.field.isprintable()


@settings(deadline=None)
@given(st.data(), specs())
def test_a_default_is_what_is_taken_where_nothing_is_given(data, spec) -> None:
    value = data.draw(OF_TYPE[spec.type])
    assume(is_declared(spec, value))
    with_default = ParameterSpec.model_validate({**spec.model_dump(), "default": value})
    assert check_parameters([with_default], {}) == {"x": value}
