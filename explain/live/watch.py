"""What to tell of traffic that goes on: exchanges when they are over, trouble when it has stayed for two looks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture.together import works
from explain.live.window import MOST_OF_A_FLOW, Window, flow_keys
from explain.model import Line
from explain.pipeline import understand
from explain.story import events, summary
from explain.story.exchanges.teller import Teller
from explain.story.troubles import message, values_of
from explain.table import IP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.selection import Selection
    from explain.exchanges.together import Exchanges
    from explain.live.window import Copy
    from explain.model import Finding, Interface, Report

_SETTLED_NS = 1_000_000_000
"""An exchange that has its end is told when nothing more came for so long."""

_SILENT_NS = 10_000_000_000
"""One whose end is silence needs longer: a question may be asked again."""

_IDLE_NS = 60_000_000_000
"""One that may go on at any time is told when it has been idle for so long."""

_NOISE_NS = 10_000_000_000
"""How long a frame is kept that belongs to no exchange."""

_GOES_ON = frozenset(("open", "midstream"))
_SILENCE = frozenset(
    ("unanswered", "partly-answered", "half-open", "not-reached", "vanished", "answered-elsewhere", "untranslated",
     "offered")
)  # fmt: skip

Key = tuple[str, int]
"""An exchange outlives a look by its kind and the number of its first frame."""


class Watch:
    """Hears frames, and says what there is to tell now; what it keeps is bounded.

    Args:
        selection: what to tell of; None is everything.
        is_quiet: tell of trouble only.
    """

    def __init__(self, selection: Selection | None = None, *, is_quiet: bool = False) -> None:
        self.window = Window()
        self._selection = selection
        self._is_quiet = is_quiet
        self._told: dict[Key, tuple[str, int, bool]] = {}
        self._causes: Counter[str] = Counter()
        self._ends: dict[str, Counter[str]] = {}
        self._unexplained: Counter[str] = Counter()
        self._suspected: set[tuple[str, int]] = set()
        self._found: set[tuple[str, int]] = set()

    def add(self, frames: Sequence[Copy]) -> None:
        """Hear some frames."""
        self.window.add(frames)

    def look(self, interfaces: Sequence[Interface], now_ns: int, *, is_over: bool = False) -> list[Line]:
        """What there is to tell at a moment, in UTC nanoseconds of the clock that stamped the frames.

        Args:
            interfaces: those that the frames refer to.
            now_ns: the moment.
            is_over: nothing will come any more, so everything is told as it stands.
        """
        if not len(self.window):
            return []
        report = understand(self.window.table(interfaces))
        found = report.exchanges
        full_ns = self.window.until_when_if_full()
        over = [position for position in range(len(found)) if is_over or _is_over(found, position, now_ns, full_ns)]
        wanted = self._selection.apply(report) if self._selection else report
        lines = self._tell(wanted, set(over).intersection(wanted.exchanges.positions))
        lines += self._tell_findings(wanted.findings, is_over=is_over)
        if not is_over:
            lines += self._follow_no_further(found)
            self._forget(found, over, now_ns, full_ns)
        return lines

    def summary(self) -> list[Line]:
        """Everything that was told, in counts."""
        window = self.window
        values: dict[str, Any] = {
            "packets": window.packets,
            "span_ns": (window.last_ns or 0) - (window.first_ns or 0),
            "exchanges": sum(ends.total() for ends in self._ends.values()),
            "findings": self._causes.total(),
        }
        name, mark = ("live.trouble", "bad") if self._causes else ("live.healthy", "good")
        if not self._causes and not values["exchanges"]:
            nothing = "live.nothing-chosen" if self._selection else "story.nothing"
            name, mark = nothing if window.packets else "live.silence", "odd"
        elif not self._causes and (failed := +self._unexplained):
            name, mark = "story.unexplained-udp" if set(failed) == {"udp.flow"} else "story.unexplained", "odd"
            values["failed"] = failed.total()
        lines = [Line(name, values, (), 0, None, mark)]
        for cause, count in self._causes.most_common():
            lines.append(Line("live.cause", {"cause": cause, "count": count}, label="under"))
        lines += [summary.counted(kind, ends) for kind, ends in self._ends.items()]
        return lines

    # -- exchanges

    def _tell(self, report: Report, over: set[int]) -> list[Line]:
        found = report.exchanges
        carried = events.carried(found.table, found) if over else set()
        due = [position for position in sorted(over - carried) if self._is_news(report, position)]
        if self._is_quiet or not due:
            return []
        if len(due) > events.MOST_TOLD_ONE_BY_ONE:
            return summary.tell(found.table, found.choose(due))[:-1]
        teller = Teller(found.table, found, report.hosts)
        return [line for position in due for line in teller.tell(position) if line.depth <= 1]

    def _is_news(self, report: Report, position: int) -> bool:
        """Note how an exchange ended; whether that was told before."""
        found = report.exchanges
        part, index = found.at(position)
        key, outcome = _key(found, part, index), str(part.outcomes[part.outcome[index]])
        end_ns = int(part.end_ns[index])
        before, until_ns, was_unexplained = self._told.get(key, (None, -1, False))
        if outcome == before or end_ns <= until_ns:  # nothing came: what else belonged to it was forgotten
            return False
        is_unexplained = f"e{position + 1}" in report.unexplained
        self._told[key] = outcome, end_ns, is_unexplained
        self._unexplained[part.kind] += is_unexplained - was_unexplained
        ends = self._ends.setdefault(part.kind, Counter())
        if before is not None:
            ends[before] -= 1
        ends[outcome] += 1
        return True

    # -- findings

    def _tell_findings(self, findings: Sequence[Finding], *, is_over: bool) -> list[Line]:
        lines: list[Line] = []
        present: set[tuple[str, int]] = set()
        for finding in findings:
            key = finding.cause, finding.evidence[0].frames[0][0] if finding.evidence else 0
            present.add(key)
            if key not in self._found and (is_over or key in self._suspected):
                self._found.add(key)
                self._causes[finding.cause] += 1
                lines += _trouble(finding)
        self._suspected = present
        return lines

    # -- forgetting

    def _follow_no_further(self, found: Exchanges) -> list[Line]:
        """Flows that are too long: told as they stand, then only counted."""
        table = found.table.whole
        flows = table.flow[table.layers & IP != 0]
        counts = np.bincount(flows, minlength=len(table.flows.low))
        long = np.flatnonzero(counts > MOST_OF_A_FLOW).tolist()
        if not long:
            return []
        keys = flow_keys(table)
        self.window.follow_no_further([keys[flow] for flow in long])
        rows = np.flatnonzero(np.isin(table.flow, long))
        self.window.forget(set(table.frame[rows].tolist()))
        return [
            Line("live.long", {"low": keys[flow][0], "high": keys[flow][2], "packets": int(counts[flow])}, label="note")
            for flow in long
        ]

    def _forget(self, found: Exchanges, over: list[int], now_ns: int, full_ns: int | None) -> None:
        """Let go of what is over and will not be heard of again, and of what belongs to nothing."""
        table = found.table.whole
        used: set[int] = set()
        gone: set[int] = set()
        is_over = set(over)
        for position in range(len(found)):
            part, index = found.at(position)
            is_gone = position in is_over and _is_old(part, index, now_ns, full_ns)
            (gone if is_gone else used).update(_frames(found, part, index))
        limit = now_ns - _NOISE_NS if full_ns is None else full_ns
        gone.update(set(table.frame[table.time_ns < limit].tolist()) - used)
        self.window.forget(gone - used)
        self._prune(min(used, default=self.window.packets))

    def _prune(self, oldest: int) -> None:
        """Forget what was told of exchanges whose frames are gone."""
        self._told = {key: outcome for key, outcome in self._told.items() if key[1] >= oldest}
        self._found = {key for key in self._found if key[1] >= oldest}


def _key(found: Exchanges, part: ExchangeColumns, index: int) -> Key:
    return part.kind, int(found.table.frame[part.rows(index)[0]])


def _frames(found: Exchanges, part: ExchangeColumns, index: int) -> Iterator[int]:
    """The frames of an exchange at all places; numbers are unique, because what is live is one capture."""
    for evidence in found.table.evidence(part.rows(index)):
        for first, last in evidence.frames:
            yield from range(first, last + 1)


def _is_over(found: Exchanges, position: int, now_ns: int, full_ns: int | None) -> bool:
    part, index = found.at(position)
    end_ns = int(part.end_ns[index])
    if full_ns is not None and end_ns < full_ns:
        return True
    outcome = part.outcomes[part.outcome[index]]
    wait = _IDLE_NS if outcome in _GOES_ON else _SILENT_NS if outcome in _SILENCE else _SETTLED_NS
    return now_ns - end_ns >= wait


def _is_old(part: ExchangeColumns, index: int, now_ns: int, full_ns: int | None) -> bool:
    end_ns = int(part.end_ns[index])
    return now_ns - end_ns >= part.patience_ns or (full_ns is not None and end_ns < full_ns)


def _trouble(finding: Finding) -> Iterator[Line]:
    values = values_of(finding)
    mark = "odd" if works(finding.cause, finding.values.get("case")) else "bad"
    certainty = f"story.certainty.{finding.certainty}{'-with' if finding.rivals else ''}"
    yield Line(message(finding, "verdict"), values, finding.evidence, 0, None, mark)
    yield Line(certainty, {"rivals": len(finding.rivals)}, finding.evidence, 0, None, "under")
    yield Line(message(finding, "so"), values, finding.evidence, 1, None, "under")
