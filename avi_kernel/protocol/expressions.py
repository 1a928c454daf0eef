"""Memory of a job from its author's expression of the parameters; arithmetic and nothing else."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

LONGEST = 500
LARGEST = 1e12
LARGEST_POWER = 16

_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {"min": min, "max": max, "ceil": math.ceil}
ACCEPTED = "numbers, parameter names, + - * / **, parentheses, min, max and ceil"


class BadExpression(ValueError):
    """The expression cannot be evaluated; the message says why and what would be accepted."""


def memory_of(expression: str, parameters: Mapping[str, Any]) -> int:
    """Return the MB that an expression gives for these parameters, rounded up.

    Raises
    ------
    BadExpression
        It is more than arithmetic, names no number parameter, or gives no sensible amount.
    """
    try:
        megabytes = _evaluate(_parsed(expression), parameters)
    except RecursionError:
        raise BadExpression("the expression is nested too deeply") from None
    if not math.isfinite(megabytes) or megabytes <= 0:
        raise BadExpression(f"{expression!r} gives {megabytes:g} MB; it must be more than 0")
    return math.ceil(megabytes)


@lru_cache(maxsize=256)
def _parsed(expression: str) -> ast.expr:
    """Return the tree of one that is evaluated for hundreds of runs; nothing changes it."""
    return parse(expression)


def parse(expression: str) -> ast.expr:
    """Return the expression's tree.

    Raises
    ------
    BadExpression
        It is too long or not one expression.
    """
    if len(expression) > LONGEST:
        raise BadExpression(f"an expression has at most {LONGEST} characters; got {len(expression)}")
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadExpression(
            f"{expression!r} is no arithmetic expression that gives MB; accepted: {ACCEPTED}"
        ) from None


def check_expression(expression: str, numbers: Mapping[str, float | None]) -> None:
    """Check an expression before anybody uses it.

    Parameters
    ----------
    numbers
        The pipeline's number parameters with their defaults; None where there is none.

    Raises
    ------
    BadExpression
        It can never be evaluated, or not with the defaults.
    """
    nodes = [node for node in ast.walk(parse(expression)) if isinstance(node, ast.Name)]
    for name in (node.id for node in nodes if node.id not in _FUNCTIONS):
        if name not in numbers:
            raise BadExpression(f"{name!r} is no number parameter; there are: {', '.join(numbers) or 'none'}")
    if None not in numbers.values():
        memory_of(expression, numbers)


def _evaluate(node: ast.expr, parameters: Mapping[str, Any]) -> float:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return _bounded(number)
        case ast.Name(id=name):
            return _parameter(name, parameters)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, parameters)
        case ast.BinOp(left=left, op=kind, right=right):
            return _combine(kind, _evaluate(left, parameters), _evaluate(right, parameters))
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as given, keywords=[]) if name in _FUNCTIONS:
            return _call(name, [_evaluate(argument, parameters) for argument in given])
    raise BadExpression(f"{ast.unparse(node)[:60]!r} is not accepted in an expression; accepted: {ACCEPTED}")


def _combine(kind: ast.operator, left: float, right: float) -> float:
    if isinstance(kind, ast.Pow):
        return _power(left, right)
    if type(kind) not in _OPERATORS:
        raise BadExpression(f"this operator is not accepted in an expression; accepted: {ACCEPTED}")
    try:
        return _bounded(_OPERATORS[type(kind)](left, right))
    except ZeroDivisionError:
        raise BadExpression("the expression divides by zero") from None


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > LARGEST_POWER:
        raise BadExpression(f"an exponent is at most {LARGEST_POWER}; got {exponent:g}")
    try:
        result = float(base) ** float(exponent)
    except (ZeroDivisionError, OverflowError):
        raise BadExpression(f"{base:g} ** {exponent:g} has no usable value") from None
    if isinstance(result, complex):
        raise BadExpression(f"{base:g} ** {exponent:g} is no real number")
    return _bounded(result)


def _call(name: str, given: list[float]) -> float:
    if name == "ceil" and len(given) != 1:
        raise BadExpression("ceil takes one number")
    # Of one number, min and max would want to iterate.
    return _FUNCTIONS[name](*given) if len(given) > 1 or name == "ceil" else given[0]


def _parameter(name: str, parameters: Mapping[str, Any]) -> float:
    value = parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        numbers = [
            known for known, v in parameters.items() if isinstance(v, int | float) and not isinstance(v, bool)
        ]
        raise BadExpression(f"{name!r} is no number parameter; there are: {', '.join(numbers) or 'none'}")
    return _bounded(value)


def _bounded(value: float) -> float:
    """Keep numbers small enough that no operation can take long."""
    if not abs(value) <= LARGEST:
        raise BadExpression(f"a number in an expression is at most {LARGEST:g}")
    return float(value)
