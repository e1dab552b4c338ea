"""Which observation would split what remains."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explain.causes.context import Context
    from explain.causes.diagnosis import Candidate, Look, Witnesses
    from explain.causes.walked import Walked


def next_looks(
    causes: tuple[Candidate, ...], witnesses: Witnesses, context: Context, states: Walked | None
) -> tuple[Look, ...]:
    """The cheapest observations that split the causes that are left, best first."""
    return ()
