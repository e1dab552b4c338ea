"""Octets that arrived, and that no segment of the capture holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.tcp.labels import ACKED_UNSEEN, GAP, KEEP_ALIVE
from explain.exchanges.tcp.measures import covered
from explain.table import ACK, FIN, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.table import Rows

_SIGNS = np.uint16(GAP | ACKED_UNSEEN)
_MOST_LOOKED_AT = 2000


def lacking(moments: TcpMoments) -> dict[int, Rows]:
    """The connections that lack octets which arrived, and the segments that show it; of very many the first."""
    found: dict[int, Rows] = {}
    for index in np.flatnonzero(moments.segments.counts(ACKED_UNSEEN))[:_MOST_LOOKED_AT].tolist():
        talk = moments.talk(index)
        rows = [rows for octets, rows in (unrecorded(talk, role) for role in (0, 1)) if octets]
        if rows:
            found[index] = np.sort(np.concatenate(rows))
    return found


def unrecorded(talk: Talk, role: int) -> tuple[int, Rows]:
    """How many octets of one side the other confirms without their being here, and the segments that show it.

    An acknowledgement covers all octets before its number (RFC 9293, section 3.4).  What was sent before the first
    segment that is here is not counted.  Rows without an octet are what looks like a
    keep-alive of a connection that began before, and what answers it.
    """
    nothing = 0, talk.rows[:0]
    if not (talk.labels & _SIGNS).any():
        return nothing
    is_own = talk.role == role
    is_heard = ~is_own & (talk.flags & (ACK | SYN | RST) == ACK)
    is_new = talk.labels[is_own] & np.uint16(KEEP_ALIVE) == 0  # such a one begins before what is new
    if not is_heard.any() or not is_new.any():
        return nothing
    flags = talk.flags[is_own][is_new]
    start = talk.numbers(role)[is_new] + (flags & SYN != 0)
    end = start + talk.length[is_own][is_new]
    base = int(start[flags & SYN != 0][0] if (flags & SYN != 0).any() else start.min())
    confirmed = base + int((talk.ack[is_heard] - np.uint32(base & 0xFFFFFFFF)).view(np.int32).max())
    confirmed = min(confirmed, *end[flags & FIN != 0].tolist(), 1 << 62)
    octets = confirmed - base - covered(np.maximum(start, base), np.minimum(end, confirmed))
    if octets <= 0:
        return nothing
    is_sign = (talk.labels & np.uint16(ACKED_UNSEEN) != 0) & is_heard | (talk.labels & np.uint16(GAP) != 0) & is_own
    if octets == 1 and not (flags & SYN).any() and not (end - start)[start == base].any():
        asked = talk.rows[is_own][is_new][start == base]  # with the number before the one that is due (RFC 9293, 3.8.4)
        return 0, np.sort(np.concatenate((asked, talk.rows[is_sign][:1])))
    shown = talk.rows[is_sign]  # without any, they were sent before the capture, of which the first came again in it
    return (octets, shown) if len(shown) else nothing
