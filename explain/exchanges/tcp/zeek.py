"""A connection in the words of Zeek's ``conn.log``: ``conn_state`` and ``history``.

Zeek's timers are not followed: what it would split into several entries after a long silence is one here.

Source: docs.zeek.org, ``base/protocols/conn/main.zeek``, record ``Conn::Info``.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.labels import ACKED_UNSEEN
from explain.record import dataclass
from explain.table import ACK, FIN, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.moments import Talk
    from explain.table import Bools, Rows

_WRAP = 0xFFFFFFFF
_INACTIVE, _SYN_SENT, _PARTIAL, _ESTABLISHED, _CLOSED, _RESET = range(6)
_GIVEN_UP = re.compile(r"\^?S[^HAFGIQ]*R")
_FEW = 32  # segments, which are looked at sooner than they are sorted out
_QUIET = (_INACTIVE, _PARTIAL)


@dataclass(slots=True)
class _End:
    state: int = _INACTIVE
    before: int = _INACTIVE
    seen: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def become(self, state: int) -> None:
        self.before, self.state = self.state, state


def summary(talk: Talk, is_damaged: Bools, octets: int) -> tuple[str, str]:
    """``conn_state`` and ``history``.

    Args:
        talk: the segments.
        is_damaged: bool[k], those whose checksum is wrong; Zeek leaves them aside.
        octets: of payload, in both directions.
    """
    ends = (_End(), _End())
    letters = ["^"] if len(talk.rows) and talk.role[0] == 1 else []
    again = _resent(talk)
    at = _notable(talk, is_damaged, again)
    columns = (talk.role, is_damaged, talk.flags, talk.length, talk.seq, talk.window, again, talk.labels)
    for role, damaged, flags, length, seq, window, is_again, labels in zip(
        *(column[at].tolist() for column in columns), strict=True
    ):
        near, far = ends[role], ends[1 - role]
        if damaged:
            letters += _scaled(near, role, "c")
            continue
        letters += _flag_letter(near, role, flags, seq, length)
        if window == 0 and not flags & RST and far.state != _CLOSED and near.state != _RESET:
            letters += _scaled(near, role, "w")
        if is_again and near.state != _RESET:
            letters += _scaled(near, role, "t")
        _step(near, far, role, flags, length)
        if labels & ACKED_UNSEEN and _CLOSED not in (near.state, far.state) and near.state != _RESET:
            letters += _scaled(far, 1 - role, "g")
    history = "".join(letters)
    return _state(*ends, octets, history), history


def _resent(talk: Talk) -> Bools:
    """Segments with payload that end where the side had been before, or earlier."""
    result = np.zeros(len(talk.rows), np.bool_)
    for role in (0, 1):
        mine = np.flatnonzero(talk.role == role)
        if len(mine) > 1:
            flags, length = talk.flags[mine], talk.length[mine]
            end = talk.numbers(role) + length * (flags & RST == 0) + (flags & SYN != 0) + (flags & FIN != 0)
            result[mine[1:]] = (end[1:] <= np.maximum.accumulate(end)[:-1]) & (length[1:] > 0)
    return result


def _notable(talk: Talk, is_damaged: Bools, again: Bools) -> Rows:
    """Positions that can add a letter or change a state; of a few all."""
    if len(talk.rows) <= _FEW:
        return np.arange(len(talk.rows))
    is_notable = (talk.flags & (FIN | SYN | RST) != 0) | (talk.window == 0) | is_damaged | again
    is_notable |= talk.labels & np.uint16(ACKED_UNSEEN) != 0
    plain = talk.flags & (FIN | SYN | RST) == 0
    for role in (0, 1):
        mine = (talk.role == role) & ~is_damaged
        for kind in (mine, mine & plain & (talk.length > 0), mine & plain & (talk.length == 0)):
            is_notable[np.flatnonzero(kind)[:1]] = True
    return np.flatnonzero(is_notable)


def _flag_letter(near: _End, role: int, flags: int, seq: int, length: int) -> str:
    """The letter for a segment's flags, if it is the first of its kind or has another number."""
    control = flags & (FIN | SYN | RST)
    if not control:
        kind = "d" if length else "a" if flags & ACK else ""
        return _once(near, role, kind)
    if control & (control - 1):
        return _once(near, role, "i" if control == FIN | RST else "q")
    kind, number = {SYN: ("s", seq), FIN: ("f", seq + length & _WRAP), RST: ("r", seq)}[control]
    letter = "h" if control == SYN and flags & ACK else kind
    is_same = near.seen.get(kind) == number
    near.seen[kind] = number
    return "" if is_same else _cased(letter, role)


def _once(near: _End, role: int, letter: str) -> str:
    if not letter or letter in near.seen:
        return ""
    near.seen[letter] = 0
    return _cased(letter, role)


def _scaled(near: _End, role: int, letter: str) -> str:
    """A letter at the first time, the tenth, the hundredth and so on."""
    count = near.counts[letter] = near.counts.get(letter, 0) + 1
    return _cased(letter, role) if str(count).strip("0") == "1" else ""


def _cased(letter: str, role: int) -> str:
    return letter if role else letter.upper()


def _step(near: _End, far: _End, role: int, flags: int, length: int) -> None:
    """The state of the sender, and of its peer where an answer changes that."""
    if near.state == _INACTIVE:
        _wake(near, far, role, flags, length)
    elif near.state == _CLOSED:
        if flags & RST and far.state != _CLOSED:
            near.become(_RESET)
    elif near.state != _RESET:
        is_half_known = near.state == _PARTIAL and far.state == _INACTIVE
        if is_half_known and flags & (SYN | ACK) == SYN:
            near.become(_SYN_SENT)
        if flags & FIN and not flags & RST:
            near.become(_CLOSED)
            if far.state == _RESET and far.before == _CLOSED:
                far.become(_CLOSED)  # FIN, then RST: it had closed in order
        if flags & RST:
            near.become(_RESET)


def _wake(near: _End, far: _End, role: int, flags: int, length: int) -> None:
    """The first segments of a side."""
    if flags & SYN and role == 0:
        near.become(_SYN_SENT)
    elif flags & SYN:
        if far.state == _SYN_SENT:
            far.become(_ESTABLISHED)
        near.become(_ESTABLISHED)
    if flags & FIN:
        near.become(_CLOSED)
    if flags & RST:
        near.become(_RESET)
    if near.state != _INACTIVE:
        return
    if role == 1 and length == 0 and far.state == _SYN_SENT:
        return  # some acknowledge a SYN before they answer it
    near.become(_ESTABLISHED if flags & ACK and far.state == _ESTABLISHED else _PARTIAL)


def _state(orig: _End, resp: _End, octets: int, history: str) -> str:
    if resp.state == _RESET:
        if orig.state == _SYN_SENT or (orig.state == _RESET and octets == 0):
            return "REJ"
        return "RSTRH" if orig.state in _QUIET else "RSTR"
    if orig.state == _RESET:
        if resp.state in _QUIET:
            return "RSTOS0" if _GIVEN_UP.match(history) else "OTH"
        return "RSTO"
    if orig.state == _CLOSED:
        if resp.state == _CLOSED:
            return "SF"
        return "SH" if resp.state in _QUIET else "S2"
    if resp.state == _CLOSED:
        return "SHR" if orig.state in _QUIET else "S3"
    if orig.state == _SYN_SENT and resp.state == _INACTIVE:
        return "S0"
    return "S1" if orig.state == resp.state == _ESTABLISHED else "OTH"
