"""Memory expressions are arithmetic of the parameters, and nothing else."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avi_kernel.protocol.memory import BadExpression, check_expression, memory_of
from gavip_hub.domain.memory import more_after


@pytest.mark.parametrize(
    ("expression", "megabytes"),
    [
        ("300", 300),
        ("200 + 40 * radius", 280),
        ("2 ** n", 1024),
        ("(n + 2) / 5 * 100", 240),
        ("max(100, 10 * n)", 100),
        ("min(100, 10 * n, 50)", 50),
        ("ceil(n / 3) * 64", 256),
        ("-n + 20", 10),
        ("100.2", 101),
        ("max(n)", 10),
    ],
)
def test_an_expression_gives_megabytes(expression, megabytes):
    assert memory_of(expression, {"n": 10, "radius": 2.0}) == megabytes


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("", "no arithmetic expression"),
        ("1 +", "no arithmetic expression"),
        ("a; b", "no arithmetic expression"),
        ("(" * 300, "no arithmetic expression"),
        ("1" * 501, "at most 500 characters"),
        ("__import__('os').system('true')", "not accepted"),
        ("n.real", "not accepted"),
        ("[1, 2][0]", "not accepted"),
        ("(lambda: 1)()", "not accepted"),
        ("min(*name)", "not accepted"),
        ("max(1, key=n)", "not accepted"),
        ("eval(1)", "not accepted"),
        ("True", "not accepted"),
        ("'1'", "not accepted"),
        ("n if n else 1", "not accepted"),
        ("n // 3", "operator is not accepted"),
        ("n % 3", "operator is not accepted"),
        ("1 << 40", "operator is not accepted"),
        ("9 ** 9 ** 9", "exponent is at most"),
        ("1e300", "at most 1e"),
        ("1e11 * 1e11", "at most 1e"),
        ("1e9 ** 9", "at most 1e"),
        ("(-8) ** 0.5", "no real number"),
        ("0 ** -1", "no usable value"),
        ("1 / (n - 10)", "divides by zero"),
        ("ceil(1, 2)", "ceil takes one number"),
        ("unknown", "no number parameter; there are: n"),
        ("name", "no number parameter; there are: n"),
        ("flag", "no number parameter; there are: n"),
        ("n - 10", "must be more than 0"),
        ("-" * 499 + "1", "nested too deeply|must be more than 0"),
    ],
)
def test_anything_else_is_refused_in_words(expression, complaint):
    with pytest.raises(BadExpression, match=complaint):
        memory_of(expression, {"n": 10, "name": "M31", "flag": True})


@given(st.text(max_size=60))
def test_no_text_does_more_than_be_refused(text):
    with contextlib.suppress(BadExpression):
        assert memory_of(text, {}) > 0


def test_an_expression_is_checked_before_anybody_uses_it():
    check_expression("100 + 10 * n", {"n": 5})
    check_expression("100 + 10 * n", {"n": None})


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("100 + m", "'m' is no number parameter; there are: n"),
        ("n - 5", "more than 0"),
        ("n.real", "not accepted"),
        ("1 +", "no arithmetic expression"),
    ],
)
def test_an_expression_that_never_works_is_refused_when_it_is_checked(expression, complaint):
    with pytest.raises(BadExpression, match=complaint):
        check_expression(expression, {"n": 5})


@pytest.mark.parametrize(
    ("asked", "peak", "most", "more"),
    [(700, 699.0, 4096, 1088), (100, 400.0, 4096, 576), (3000, None, 4096, 4096), (4096, 4096.0, 4096, None)],
)
def test_after_out_of_memory_more_is_proposed_as_far_as_the_pool_goes(asked, peak, most, more):
    assert more_after(asked, peak_mb=peak, most_mb=most) == more
