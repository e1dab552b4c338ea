from __future__ import annotations

import pytest

from explain.exchanges.losses import limiter_step, pattern


def answers(text: str) -> list[bool]:
    """``x`` is an answer, ``.`` a loss."""
    return [char == "x" for char in text]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x.x", "few"),
        ("..xxxxxx", "beginning"),
        ("xxxxx....", "end"),
        ("xxx....xxxxx", "burst"),
        ("xx....xx.xxx", "burst"),
        ("x.x.x.x.x.", "alternating"),
        ("x.xx.xxxxx.x", "spread"),
        ("x.x.xx", "spread"),
    ],
)
def test_the_order_of_losses_has_a_name(text, name):
    assert pattern(answers(text)) == name


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("x....x....x....", (5, True)),
        ("xxxxx...x...x...x", (4, True)),
        ("x....x....", (5, False)),
        ("xxxxx...x", None),
        ("xx....x..", None),
        ("x....x...x....x", (5, True)),
        ("x.x.x.x.x", None),
        ("x....x.x..x.", None),
        ("....x....x", None),
        ("xxxxxxxx", None),
        ("xxxx......", None),
        ("x....x..........", None),
    ],
)
def test_answers_in_step_are_told_from_losses_at_random(text, step):
    assert limiter_step(answers(text)) == step
