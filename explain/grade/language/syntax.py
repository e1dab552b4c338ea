"""What an expression of a rubric may be made of, and which names it asks for.

Python's own parser reads it, and a white list of its nodes is let through.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import Any

from explain.errors import UsageError
from explain.grade.language.functions import FUNCTIONS

_LONGEST = 1000
_MOST_NODES = 200
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_STAND_IN = "id__"
_ALLOWED = (
    ast.Expression, ast.Compare, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, ast.Name,
    ast.Load, ast.Attribute, ast.Constant, ast.Call, ast.keyword, ast.List, ast.Tuple, ast.Subscript, ast.Eq, ast.NotEq,
    ast.In, ast.NotIn, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
)  # fmt: skip


@cache
def parse(text: str) -> ast.expr:
    """The expression as a tree of allowed nodes.

    Raises:
        UsageError: it is no such expression; the text says why.
    """
    if len(text) > _LONGEST:
        raise UsageError("rubric.long", limit=_LONGEST)
    try:
        tree = ast.parse(_without_dashes(text.strip()), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UsageError("rubric.no_expression", text=text) from None
    nodes = list(ast.walk(tree))
    if len(nodes) > _MOST_NODES:
        raise UsageError("rubric.too_long", text=text)
    for node in nodes:
        if not isinstance(node, _ALLOWED):
            raise UsageError("rubric.not_allowed_in", text=text, what=type(node).__name__)
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS):
            raise UsageError("rubric.calls", text=text, functions=[*sorted(FUNCTIONS)])
        if isinstance(node, ast.Call):
            _know_field(node)
        if isinstance(node, ast.Attribute) and node.attr.startswith("__"):
            raise UsageError("rubric.not_allowed_in", text=text, what=node.attr)
    return tree.body


def _know_field(call: ast.Call) -> None:
    """Complain about a field that ``offset`` does not know, before a capture is blamed for it."""
    from explain.grade.language.offsets import known

    match call:
        case ast.Call(func=ast.Name(id="offset"), args=[_, ast.Constant(value=str() as field)]):
            known(field)


def _without_dashes(text: str) -> str:
    """Ids of checks may hold dashes, as in ``median(ping-ok.rtt_ms)``; without blanks a dash belongs to a name."""
    pieces = re.split(r"('[^']*'|\"[^\"]*\")", text)
    joined = [
        piece
        if number % 2
        else re.sub(
            r"(?<![\w.])[A-Za-z_]\w*(?:-[A-Za-z]\w*)+", lambda found: _STAND_IN + found[0].replace("-", "_dash_"), piece
        )
        for number, piece in enumerate(pieces)
    ]
    return re.sub(r"\.from\b", ".from_", "".join(joined))  # a field of ours, a keyword of Python


def name_of(node: ast.Name) -> str:
    """The name as the author wrote it."""
    if node.id.startswith(_STAND_IN):
        return node.id[len(_STAND_IN) :].replace("_dash_", "-")
    return node.id


def names_in(text: str) -> list[tuple[str, ...]]:
    """The names that an expression asks for, each with the fields that follow it.

    Raises:
        UsageError: it is no expression of a rubric.
    """
    tree = parse(text)
    found: list[tuple[str, ...]] = []
    _collect(tree, (), found)
    return found


def _collect(node: ast.AST, path: tuple[str, ...], found: list[tuple[str, ...]]) -> None:
    if isinstance(node, ast.Attribute):
        _collect(node.value, (node.attr.rstrip("_"), *path), found)
    elif isinstance(node, ast.Name):
        found.append((name_of(node), *path))
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            found.extend(name for inner in placeholders(node.value) for name in names_in(inner))
    elif isinstance(node, ast.Call):
        for one in (*node.args, *(keyword.value for keyword in node.keywords)):
            _collect(one, (), found)
    else:
        for child in ast.iter_child_nodes(node):
            _collect(child, (), found)


def placeholders(text: str) -> list[str]:
    """The expressions in braces in a text."""
    return PLACEHOLDER.findall(text)


def expressions_in(value: Any) -> list[str]:
    """The expressions in braces anywhere in a value of a rubric."""
    if isinstance(value, str):
        return placeholders(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in expressions_in(one)]
