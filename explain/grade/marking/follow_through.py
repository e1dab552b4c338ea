"""Credit for an answer that is wrong only because an earlier one was."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from explain.grade.language.expressions import evaluate
from explain.grade.language.syntax import parse
from explain.grade.marking.answer_keys import UNKNOWN, is_right, plain
from explain.grade.marking.answer_values import NoAnswerError, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explain.grade.marking.marker import Marker
    from explain.grade.rubric.records import Question


def is_consistent(marker: Marker, question: Question, answer: Any, given: Mapping[str, Any]) -> bool:
    """Whether the same step, taken from the student's own earlier answer, leads to this one."""
    earlier = next((one for one in marker.rubric.questions if one.id == question.follow_through), None)
    if earlier is None or earlier.id not in given:
        return False
    texts = [_inner(question.key), _inner(earlier.key)]
    if None in texts:
        return False
    try:
        before = read(earlier, given[earlier.id])
        tree, replaced = _replaced(parse(str(texts[0])), ast.dump(parse(str(texts[1]))), before)
        if not replaced:
            return False
        key = read(question, plain(evaluate(ast.unparse(tree), marker.names)))
    except (*UNKNOWN, NoAnswerError):
        return False
    return is_right(question, answer, key)


def _inner(key: Any) -> str | None:
    is_whole = isinstance(key, str) and key.startswith("{") and key.endswith("}") and key.count("{") == 1
    return key[1:-1] if is_whole else None


def _replaced(tree: ast.expr, wanted: str, value: Any) -> tuple[ast.AST, bool]:
    """The tree with the earlier question's expression replaced by a number; only numbers are ever put in."""
    done = False
    if not isinstance(value, (int, float)):
        return tree, False

    class Exchange(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            nonlocal done
            if ast.dump(node) == wanted:
                done = True
                return ast.Constant(value)
            return self.generic_visit(node)

    found = Exchange().visit(ast.parse(ast.unparse(tree), mode="eval").body)
    return found, done
