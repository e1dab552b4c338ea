"""What came back for the probes of traces: each error or reply goes to the probe that it is about."""

from __future__ import annotations

from collections import defaultdict, deque
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.exchanges.icmp.error import error_positions
from explain.exchanges.traceroute.probes import Answer, Key, Mark, Probe, Run, as_lists, marks_of
from explain.record import NamedTuple
from explain.table import RST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.table import PacketTable, Rows

EXPIRED, TOO_BIG, UNREACHABLE, REPLY = "ttl-exceeded", "too-big", "unreachable", "reply"
_NAMES = (UNREACHABLE, EXPIRED, TOO_BIG)
_ICMP = (1, 58)
_WITH_PORTS = (6, 17)  # as far as packets are read here
_NO_FLOW = -1
_CUT_OFF: Mark = (0, 0)
"""The mark of a quotation whose ports or words the capture did not keep."""


class Said(NamedTuple):
    """An error or a packet of the other side; ``key`` and ``mark`` are those of the probe that it is about."""

    row: int
    time_ns: int
    speaker: int
    key: Key
    mark: Mark
    ip_id: int
    name: str
    word: int = 0
    flow: int = _NO_FLOW
    is_reset: bool = False


class _Waiting:
    """Probes that nobody has answered yet, each found by what an answer says of it, without a search."""

    def __init__(self) -> None:
        self._by_mark: dict[tuple[Key, Mark], list[tuple[Run, Probe]]] = defaultdict(list)
        self._by_id: dict[tuple[Key, Mark, int], deque[tuple[Run, Probe]]] = defaultdict(deque)

    def add(self, run: Run, probe: Probe) -> None:
        self._by_mark[run.key, probe.mark].append((run, probe))
        if probe.ip_id:
            for mark in {probe.mark, _CUT_OFF}:
                self._by_id[run.key, mark, probe.ip_id].append((run, probe))

    def take(self, said: Said) -> tuple[Run, Probe] | None:
        """The latest probe that the quotation fits; by its IP id where the sender counts them.

        A quotation that the capture cut behind its IP header is known by the id alone.
        """
        exact = self._by_id.get((said.key, said.mark, said.ip_id), deque())
        while exact:
            run, probe = exact.popleft()
            if probe.row not in run.answers:
                return run, probe
        fitting = self._by_mark.get((said.key, said.mark), [])
        while fitting:
            run, probe = fitting.pop()
            if probe.row not in run.answers:
                return run, probe
        return None


def listen(table: PacketTable, runs: list[Run]) -> None:
    """Gives each run the answers to its probes, in the order in which they were recorded."""
    waiting, newest, opened = _Waiting(), dict[Key, Run](), dict[int, Run]()
    sent = [(run, probe) for run in runs for probe in run.probes]
    sent.sort(key=lambda one: one[1].row)
    probes = iter([*sent, None])
    following = next(probes)
    for said in sorted((*errors(table, error_positions(table.icmp)), *_replies(table, sent)), key=attrgetter("row")):
        while following is not None and following[1].row < said.row:
            waiting.add(*following)
            newest[following[0].key] = following[0]
            following = next(probes)
        if said.is_reset and said.flow in opened and opened[said.flow].source == said.speaker:
            opened[said.flow].strays.append(said.row)
        elif (found := waiting.take(said)) is not None:
            run, probe = found
            answer(run, probe.row, probe.time_ns, said)
            opened[said.flow] = run
        elif said.name == EXPIRED and said.key in newest and _is_stray(said, newest[said.key]):
            newest[said.key].strays.append(said.row)


def _is_stray(said: Said, run: Run) -> bool:
    """Whether an error may be about a probe of a run that was not recorded; a ping with another identifier is none."""
    if said.time_ns >= run.until_ns:
        return False
    if run.protocol not in _ICMP or said.mark == _CUT_OFF:
        return True
    return said.mark[1] >> 16 in {probe.mark[1] >> 16 for probe in run.probes}


def answer(run: Run, row: int, sent_ns: int, said: Said) -> None:
    """Note what was said about the probe at a row."""
    if said.name == TOO_BIG:
        run.mtus.append((said.word & 0xFFFF, said.speaker))
    run.answers[row] = Answer(said.row, said.speaker, said.time_ns - sent_ns, said.name)


def errors(table: PacketTable, at: Rows) -> Iterator[Said]:
    """Of the errors at some positions all but redirects, which answer nothing.

    They go to whoever sent the packet, also where a NAT forgot to translate the quotation back.
    """
    icmp = table.icmp
    at = at[icmp.type[at] != np.where(icmp.is_v6[at], 137, 5)]
    rows = icmp.row[at]
    is_icmp, has_ports = (np.isin(icmp.quote_protocol[at], some) for some in (_ICMP, _WITH_PORTS))
    is_late = icmp.type[at] == np.where(icmp.is_v6[at], 3, 11)
    is_too_big = np.where(icmp.is_v6[at], icmp.type[at] == 2, (icmp.type[at] == 3) & (icmp.code[at] == 4))
    keys = table.place[rows], table.targets(rows), icmp.quote_dst[at], icmp.quote_protocol[at]
    ports = icmp.quote_sport[at] * has_ports, icmp.quote_dport[at] * has_ports
    marks = ports[0], np.where(is_icmp, icmp.quote_word[at], ports[1])
    rest = icmp.quote_ip_id[at], is_late + 2 * is_too_big, icmp.word[at]
    said = as_lists((rows, table.time_ns[rows], table.sources(rows)))
    about = [zip(*as_lists(each), strict=True) for each in (keys, marks, rest)]
    for row, time_ns, speaker, key, mark, (ip_id, name, word) in zip(*said, *about, strict=True):
        yield Said(row, time_ns, speaker, key, mark, ip_id, _NAMES[name], word)


def _replies(table: PacketTable, sent: list[tuple[Run, Probe]]) -> Iterator[Said]:
    """All that else was recorded between the two ends of a probe."""
    is_probed = np.zeros(len(table.flows.low), np.bool_)
    is_probed[[probe.flow for _, probe in sent]] = True
    rows = table.rows_of(is_probed)
    own = np.array([probe.row for _, probe in sent], np.int64)
    rows = rows[~among(rows, own) & ~among(rows, table.icmp.row[error_positions(table.icmp)])]
    marks = marks_of(table, rows, table.target_ports(rows), table.source_ports(rows))
    protocol = table.flows.protocol[table.flow[rows]]
    keys = zip(*as_lists((table.place[rows], table.targets(rows), table.sources(rows), protocol)), strict=True)
    is_reset = table.flags[rows] & RST != 0
    said = as_lists((rows, table.time_ns[rows], table.sources(rows), table.flow[rows], is_reset))
    for row, time_ns, speaker, flow, reset, key, mark in zip(*said, keys, marks, strict=True):
        yield Said(
            row=row,
            time_ns=time_ns,
            speaker=speaker,
            key=key,
            mark=mark,
            ip_id=0,
            name=REPLY,
            word=0,
            flow=flow,
            is_reset=reset,
        )
