"""Expressions of a rubric: comparisons, arithmetic and a few functions over events, and nothing else.

Python's own parser reads them, a white list of its nodes is walked; nothing is ever executed.  Only an author's
text gets here: what a student or a packet says is a value, never an expression.
"""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any

from explain.errors import UsageError
from explain.grade.events.event import End, Event, numbered, part
from explain.grade.language.functions import FUNCTIONS, AbsentError, contains, equal
from explain.grade.language.syntax import PLACEHOLDER, name_of, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST_BITS = 256

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip


class UnboundError(LookupError):
    """A name that nothing is bound to; the text is the name."""


def fill(template: Any, names: Mapping[str, Any]) -> Any:
    """An author's text with its braces filled; one that is nothing but a pair of braces gives the value itself.

    Raises:
        UnboundError, AbsentError, UnknownFieldError, UsageError: as ``evaluate``.
    """
    if not isinstance(template, str) or "{" not in template:
        return template
    whole = PLACEHOLDER.fullmatch(template)
    if whole:
        return evaluate(whole[1], names)
    return PLACEHOLDER.sub(lambda found: shown(evaluate(found[1], names)), template)


def shown(value: Any) -> str:
    """A value as a message shows it."""
    if value is None:
        return "nothing"
    if isinstance(value, Event):
        return f"frame {numbered(value)}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return (
            f"frame {numbered(value)}" if "frame" in value else ", ".join(f"{k} {shown(v)}" for k, v in value.items())
        )
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(one) for one in value)
    return str(value)


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression.

    Raises:
        UnboundError: a name has no value, because what would bind it was not met.
        AbsentError: a value that is needed is not in the packets.
        UnknownFieldError: a field that the value does not have.
        UsageError: it is no expression, or it does what makes no sense.
    """
    return _value(parse(text), names)


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:  # noqa: C901 - one case for each node
    match node:
        case ast.Constant():
            return fill(node.value, names)
        case ast.Name():
            if name_of(node) not in names:
                raise UnboundError(name_of(node))
            return names[name_of(node)]
        case ast.Attribute():
            return part(_value(node.value, names), node.attr.rstrip("_"))
        case ast.List() | ast.Tuple():
            return [_value(one, names) for one in node.elts]
        case ast.BoolOp():
            results = (bool(_value(one, names)) for one in node.values)
            return all(results) if isinstance(node.op, ast.And) else any(results)
        case ast.UnaryOp():
            inner = _value(node.operand, names)
            return not inner if isinstance(node.op, ast.Not) else -_number(inner)
        case ast.BinOp():
            return _arithmetic(node, names)
        case ast.Compare():
            return _compare(node, names)
        case ast.Subscript():
            return _item(_value(node.value, names), _value(node.slice, names))
        case ast.Call(func=ast.Name(id=name)):
            given = [_value(one, names) for one in node.args]
            more = {one.arg: _value(one.value, names) for one in node.keywords if one.arg}
            try:
                return FUNCTIONS[name](*given, **more)
            except (TypeError, ValueError, OverflowError) as error:
                raise UsageError("rubric.function", name=name, why=str(error)) from None
    raise UsageError("rubric.not_allowed", what=type(node).__name__)


def _item(value: Any, index: Any) -> Any:
    if not isinstance(value, (list, tuple)) or not isinstance(index, int):
        raise UsageError("rubric.no_items")
    if not -len(value) <= index < len(value):
        raise AbsentError
    return value[index]


def _number(value: Any) -> Any:
    if value is None:
        raise AbsentError
    if isinstance(value, str) and not isinstance(value, End):
        try:
            return int(value)
        except ValueError:
            raise UsageError("rubric.no_number", value=repr(value)) from None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError("rubric.arithmetic")
    return value


def _arithmetic(node: ast.BinOp, names: Mapping[str, Any]) -> Any:
    one, other = _number(_value(node.left, names)), _number(_value(node.right, names))
    try:
        result = _ARITHMETIC[type(node.op)](one, other)
    except (ZeroDivisionError, OverflowError):
        raise AbsentError from None
    if isinstance(result, int) and result.bit_length() > _MOST_BITS:
        raise UsageError("rubric.large_number")
    return result


def _compare(node: ast.Compare, names: Mapping[str, Any]) -> bool:
    left = _value(node.left, names)
    for sign, following in zip(node.ops, node.comparators, strict=True):
        right = _value(following, names)
        if not _holds(sign, left, right):
            return False
        left = right
    return True


def _holds(sign: ast.cmpop, left: Any, right: Any) -> bool:
    if isinstance(sign, ast.Eq):
        return equal(left, right)
    if isinstance(sign, ast.NotEq):
        return not equal(left, right)
    if isinstance(sign, (ast.In, ast.NotIn)):
        return contains(right, left) == isinstance(sign, ast.In)
    return bool(_ORDER[type(sign)](_number(left), _number(right)))
