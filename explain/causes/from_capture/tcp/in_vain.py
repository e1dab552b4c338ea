"""What was sent to the end of the capture and never confirmed: data, ends and keep-alives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explain.arrays import among
from explain.causes.from_capture.ping_sizes import LARGE
from explain.causes.from_capture.tcp.trouble import FEWEST_RESENT, Trouble, several
from explain.exchanges.tcp import labels as label
from explain.exchanges.tcp.late import lone_octets
from explain.table import ACK, FIN, RST, SYN

if TYPE_CHECKING:
    from explain.exchanges.tcp.moments import Talk, TcpMoments
    from explain.table import PacketTable, Rows

_FORGOTTEN_NS = 3_000_000_000  # after a shorter rest no middlebox has forgotten a connection (RFC 5382, REQ-5: hours)
_IN_VAIN = (
    "pmtu-blackhole",
    "target-interface-down",
    "filter-on-router-forward",
    "stateful-filter-asymmetric-path",
    "partial-loss",
)
_UNHEARD = ("target-interface-down", "filter-on-router-forward", "stateful-filter-asymmetric-path", "partial-loss")
_DEAF_NS = 1_000_000_000  # a repair is under way for less
_DEAF = ("filter-on-router-forward", "filter-on-target-input", "stateful-filter-asymmetric-path", "corrupted-packets")


def in_vain(moments: TcpMoments, index: int, lone: Rows) -> Trouble | None:
    """A connection to whose end one side sent data or a FIN again, and heard nothing.

    Args:
        moments: looks into the connections.
        index: of the connection.
        lone: rows of single octets that were sent again.
    """
    talk = moments.talk(index)
    if (found := _never_confirmed(talk, lone)) is None:
        return None
    pause, rows = found
    size = largest(moments, rows)
    asker, silent = (moments.table.addresses.text(end) for end in moments.table.ends(int(rows[0])))
    values: dict[str, Any] = {"resent": len(rows), "size": size, "asker": asker, "silent": silent}
    why: tuple[str, ...] = _IN_VAIN if size >= LARGE else _IN_VAIN[1:]
    if _lives(moments.table, rows):
        why = tuple(one for one in why if one != "target-interface-down")
    if pause >= _FORGOTTEN_NS and not _was_closed(talk):
        values |= {"case": "vain", "pause_ns": pause}
        return Trouble("idle-timeout-in-middlebox", "possible", index, why, several(rows), values)
    of_size = "segments-vain" if size >= LARGE else "segments-vain-small" if size else "segments-vain-end"
    values["case"] = "segments-vain-closed" if _was_closed(talk) else of_size
    return Trouble("partial-loss", "possible", index, why[:-1], several(rows), values)


def deaf(moments: TcpMoments, index: int) -> Trouble | None:
    """A side that goes on sending, and confirms nothing more of what the other sends again and again."""
    talk = moments.talk(index)
    resent = np.flatnonzero(talk.labels & np.uint16(label.RESENT) != 0)
    if len(resent) < FEWEST_RESENT or talk.time_ns[-1] - talk.time_ns[resent[0]] < _DEAF_NS:
        return None
    for role in (0, 1):
        own, heard = (np.flatnonzero(talk.role == one) for one in (role, 1 - role))
        heard = heard[talk.flags[heard] & (ACK | RST) == ACK]
        if not len(heard) or not talk.window[heard].all():
            continue
        confirmed = talk.ack[heard[-1]]
        left = own[(talk.length[own] > 0) & ((talk.seq[own] - confirmed).view(np.int32) >= 0)]
        again = left[among(left, resent)]
        if len(again) < FEWEST_RESENT:
            continue
        spoken, rows = heard[(heard > again[0]) & (talk.length[heard] > 0)], talk.rows[again]
        if len(spoken) < FEWEST_RESENT or talk.time_ns[spoken[-1]] - talk.time_ns[again[0]] < _DEAF_NS:
            continue
        asker, silent = (moments.table.addresses.text(end) for end in moments.table.ends(int(rows[0])))
        values = {"case": "segments-deaf", "resent": len(rows), "asker": asker, "silent": silent}
        return Trouble("partial-loss", "likely", index, _DEAF, several(np.append(rows, talk.rows[spoken[-1:]])), values)
    return None


def largest(moments: TcpMoments, rows: Rows) -> int:
    """Octets of data in the largest of some segments: a limit of size loses no small ones."""
    return int(moments.table.payload[rows].max(initial=0))


def _never_confirmed(talk: Talk, lone: Rows) -> tuple[int, Rows] | None:
    """The pause before what was sent to the end of the capture and never confirmed, and what of it was sent again.

    None where less was sent again after the other side was last heard, or where what it sends is not recorded.
    """
    sent = np.flatnonzero((talk.length > 0) | (talk.flags & FIN != 0))
    if not len(sent):
        return None
    role = talk.role[sent[-1]]
    later = np.flatnonzero(talk.role != role)
    heard = int(later[-1]) if len(later) else 0
    unheard = sent[(sent > heard) & (talk.role[sent] == role)]
    is_again = talk.labels[unheard] & np.uint16(label.RESENT) != 0
    again = unheard[is_again | among(talk.rows[unheard], lone)]
    if len(again) < FEWEST_RESENT or talk.flags[heard] & RST or (not len(later) and _is_one_sided(talk)):
        return None
    first = int(unheard[0])
    return int(talk.time_ns[first] - talk.time_ns[first - 1]) if first else 0, talk.rows[again]


def _is_one_sided(talk: Talk) -> bool:
    """Whether the only side that was recorded hears the other one: it opened, or confirms more and more."""
    confirmed = talk.ack[(talk.flags & (SYN | ACK | RST)) == ACK]
    return bool((talk.flags & SYN).any()) or bool((confirmed != confirmed[:1]).any())


def _lives(table: PacketTable, vain: Rows) -> bool:
    """Whether the silent host was heard by the asker in another conversation after the first of these."""
    asker, silent = table.ends(int(vain[0]))
    return bool((table.time_ns[table.rows_from(silent, asker)] > table.time_ns[vain[0]]).any())


def _was_closed(talk: Talk) -> bool:
    """Whether the side that confirms nothing had sent its FIN before the other side's last data or FIN."""
    last = int(np.flatnonzero((talk.length > 0) | (talk.flags & FIN != 0))[-1])
    fins = np.flatnonzero((talk.flags & FIN != 0) & (talk.role != talk.role[last]))
    return len(fins) > 0 and int(fins[0]) < last


def unheard(moments: TcpMoments, index: int) -> Trouble | None:
    """Keep-alives at the end that nobody answers, though the other side's kernel does so whatever its program does."""
    talk = moments.talk(index)
    is_asked = talk.labels & np.uint16(label.KEEP_ALIVE) != 0
    asks = np.flatnonzero(is_asked & ~among(talk.rows, lone_octets(talk)))
    if not len(asks):
        return None
    heard = np.flatnonzero(talk.role != talk.role[asks[-1]])
    vain = asks[(asks > heard[-1]) & (talk.role[asks] == talk.role[asks[-1]])] if len(heard) else asks[:0]
    if len(vain) < FEWEST_RESENT or talk.flags[heard[-1]] & RST:
        return None
    asker, silent = (moments.table.addresses.text(end) for end in moments.table.ends(int(talk.rows[vain[0]])))
    pause = int(talk.time_ns[vain[0]] - talk.time_ns[heard[-1]])
    values = {"case": "keep-alive", "resent": len(vain), "pause_ns": pause, "asker": asker, "silent": silent}
    return Trouble("idle-timeout-in-middlebox", "possible", index, _UNHEARD, several(talk.rows[vain]), values)
