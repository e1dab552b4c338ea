"""What sizes, checksums and the order of losses show about the way."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges import losses
from explain.exchanges import tcp_labels as label
from explain.exchanges.tcp_many import with_copies
from explain.places.near import rows_near, whole_of
from explain.table import (
    BAD_CHECKSUM,
    BAD_IP_CHECKSUM,
    DONT_FRAGMENT,
    FRAGMENT,
    GOOD_CHECKSUM,
    ICMP,
    ICMPV6,
    IP,
    REVERSED,
    TCP,
    mac_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.icmp_echo import IcmpEcho
    from explain.table import Bools, PacketTable, Rows

_REQUESTS = (8, 128)
_OFFLOADED = 0.5  # a sender of whom so many segments are wrong leaves them to the card
_FEWEST_VERIFIED = 4
_LARGE = 500  # octets; every link carries this much (RFC 791, 3.1: 576 with headers)
_COPIES = 3
_MOST_SEGMENTS = 5000
_FULL_BUCKET_RIVALS = ("partial-loss", "filter-on-target-input", "corrupted-packets")
_TOO_LARGE_RIVALS = ("mtu-mismatch-on-link", "icmp-errors-filtered-on-router", "filter-on-router-forward",
                     "filter-on-target-input", "partial-loss")  # fmt: skip
_LOSS_RIVALS = ("icmp-rate-limited", "corrupted-packets", "filter-on-target-input", "duplicate-address")


def look(scene: Scene) -> Iterator[Seen]:
    """Damage first, then what is too large, then a limiter, then mere loss."""
    yield from _damaged(scene)
    yield from _too_large_for_pings(scene)
    yield from _too_large_for_segments(scene)
    yield from _some_lost(scene)


def _damaged(scene: Scene) -> Iterator[Seen]:
    """Checksums that are wrong although their sender's others are right: bits changed on the way."""
    whole, table = whole_of(scene.table), scene.table
    wrong = np.flatnonzero(whole.layers[: len(whole)] & (BAD_CHECKSUM | BAD_IP_CHECKSUM) != 0)
    wrong = wrong[_is_no_offload(whole, wrong)]
    if not len(wrong):
        return
    layers, bad = table.layers[: len(table)], rows_near(table, wrong)
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    bad = bad[layers[bad] & IP != 0]
    for row, source, target in zip(bad.tolist(), table.sources(bad).tolist(), table.targets(bad).tolist(), strict=True):
        groups[table.addresses.text(source), table.addresses.text(target)].append(row)
    for (source, target), rows in groups.items():
        sender = int(table.links.source[table.link[rows[0]]])
        values = {"src": source, "dst": target, "count": len(rows), "mac": mac_text(sender)}
        yield Seen("corrupted-packets", "likely", _suffering(scene, rows), rows, ("partial-loss",), values)


def _is_no_offload(table: PacketTable, bad: Rows) -> Bools:
    """Rows whose sender, at this place, computes its checksums otherwise right."""
    if not len(bad):
        return np.zeros(0, np.bool_)
    layers = table.layers[: len(table)]
    verified = np.flatnonzero(layers & (GOOD_CHECKSUM | BAD_CHECKSUM | BAD_IP_CHECKSUM) != 0)
    is_icmp = (layers & (ICMP | ICMPV6) != 0).astype(np.int64)

    def who(rows: Rows) -> Rows:
        sender: Rows = table.place[rows].astype(np.int64) * len(table.links.source) + table.link[rows]
        key: Rows = sender * 2 + is_icmp[rows]
        return key

    is_bad = (layers[verified] & (BAD_CHECKSUM | BAD_IP_CHECKSUM) != 0).astype(np.int64)
    known, inverse, counts = np.unique(who(verified), return_inverse=True, return_counts=True)
    wrong = np.bincount(inverse, is_bad, len(known))
    is_fine = (wrong < counts * _OFFLOADED) & (counts >= _FEWEST_VERIFIED)
    # No card leaves the checksum of ICMP open, so there a single wrong one is damage.
    fine: Bools = is_fine[np.searchsorted(known, who(bad))] | (is_icmp[bad] > 0)
    return fine


def _suffering(scene: Scene, rows: list[int]) -> list[Member]:
    """Exchanges that lack an answer and have one of these frames, and the same pings as seen elsewhere."""
    found: list[Member] = []
    for kind in ("icmp.echo", "udp.flow", "tcp.connection"):
        part = scene.part(kind)
        outcomes = [name for name in ("unanswered", "partly-answered") if name in part.outcomes]
        indices = scene.open(part, *outcomes)
        found += [(part, index) for index in indices if np.isin(part.rows(index), rows).any()]
    echoes = scene.part("icmp.echo")
    runs = {_run(echoes, index) for part, index in found if part is echoes}
    pings = scene.open(echoes, "unanswered", "partly-answered") if runs else []
    found += [(echoes, index) for index in pings if _run(echoes, index) in runs and (echoes, index) not in found]
    return found


def _run(part: ExchangeColumns, index: int) -> tuple[str, str, int]:
    fields: IcmpEcho = part.fields(index)
    return fields.src, fields.dst, fields.id


def _too_large_for_pings(scene: Scene) -> Iterator[Seen]:
    """Small pings are answered and large ones are not, between the same hosts."""
    part = scene.part("icmp.echo")
    answered: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index in part.where("answered").tolist():
        fields: IcmpEcho = part.fields(index)
        answered[fields.src, fields.dst].append(_size(scene.table, part, index))
    for index in scene.open(part, "unanswered"):
        fields = part.fields(index)
        size, passed = _size(scene.table, part, index), max(answered[fields.src, fields.dst], default=0)
        if not passed or size < _LARGE or size <= passed:
            continue
        rows = part.rows(index)
        is_cut = bool((scene.table.layers[rows] & FRAGMENT).any())
        values = {"src": fields.src, "dst": fields.dst, "size": size, "passed": passed, "count": fields.sent}
        if is_cut:
            rivals = ("pmtu-blackhole", *_TOO_LARGE_RIVALS)
            yield Seen("fragments-filtered", "likely", [(part, index)], rows.tolist(), rivals, values)
        else:
            values["case"] = "pings"
            yield Seen("pmtu-blackhole", "likely", [(part, index)], rows.tolist(), _TOO_LARGE_RIVALS, values)


def _size(table: PacketTable, part: ExchangeColumns, index: int) -> int:
    """Octets of the first request with its headers, from all its fragments."""
    rows = part.rows(index)
    first = int(rows[0])
    if not table.layers[first] & FRAGMENT:
        return int(table.length[first])
    same = rows[
        (table.ip_id[rows] == table.ip_id[first]) & (table.layers[rows] & REVERSED == table.layers[first] & REVERSED)
    ]
    return int(table.length[same].sum())


def _too_large_for_segments(scene: Scene) -> Iterator[Seen]:
    """A connection whose large segments are sent again and again while smaller ones get through."""
    part = scene.part("tcp.connection")
    if not len(part):
        return
    moments = part.facts["moments"]
    resent = np.flatnonzero(moments.segments.counts(label.RESENT) >= _COPIES - 1)
    done = scene.accounted[part.kind]
    for index in with_copies(moments, resent, _LARGE, _COPIES).tolist():
        if index in done or part.outcomes[part.outcome[index]] in ("unanswered", "refused", "rejected"):
            continue
        rows = part.rows(index)
        stuck = _stuck(scene.table, rows[scene.table.layers[rows] & TCP != 0][:_MOST_SEGMENTS])
        if stuck is None:
            continue
        copies, passed = stuck
        one = copies[:1]
        text, table = scene.table.addresses.text, scene.table
        values = {
            "src": text(int(table.sources(one)[0])), "dst": text(int(table.targets(one)[0])),
            "size": int(table.payload[one][0]), "passed": passed, "count": len(copies),
        }  # fmt: skip
        values |= {} if passed else {"case": "data"}
        certainty = "likely" if passed and bool(table.layers[one][0] & DONT_FRAGMENT) else "possible"
        yield Seen("pmtu-blackhole", certainty, [(part, index)], copies.tolist(), _TOO_LARGE_RIVALS, values)


def _stuck(table: PacketTable, rows: Rows) -> tuple[Rows, int] | None:
    """The copies of a large segment that was never acknowledged as sent, and the largest that was."""
    for way in (0, REVERSED):
        is_own = table.layers[rows] & REVERSED == way
        sent, heard = rows[is_own & (table.payload[rows] > 0)], rows[~is_own]
        if len(sent) < _COPIES or not len(heard):
            continue
        _, inverse, counts = np.unique(table.seq[sent], return_inverse=True, return_counts=True)
        for which in np.flatnonzero(counts >= _COPIES).tolist():
            copies = sent[inverse == which]
            size = int(table.payload[copies].max())
            full = copies[table.payload[copies] == size]
            if size < _LARGE or len(full) < _COPIES or _is_acked_whole(table, copies, full, heard):
                continue
            passed = _largest_passed(table, np.setdiff1d(sent, full), heard)
            if passed < size:
                return full, passed
    return None


def _is_acked_whole(table: PacketTable, copies: Rows, full: Rows, heard: Rows) -> bool:
    """Whether the segment was acknowledged before a smaller one took its place."""
    end = table.seq[full[:1]] + table.payload[full[:1]]
    later = heard[heard > full[0]]
    acked = later[(table.ack[later] - end).view(np.int32) >= 0]
    smaller = copies[table.payload[copies] < table.payload[full[0]]]
    return len(acked) > 0 and not (smaller < acked[0]).any()


def _largest_passed(table: PacketTable, sent: Rows, heard: Rows) -> int:
    """The largest segment of the same sender whose last octet was acknowledged, 0 if none was."""
    acked = int(np.argmax((table.ack[heard] - table.ack[heard[:1]]).view(np.int32)))
    reach = table.ack[heard[acked]]
    ends = table.seq[sent] + table.payload[sent]
    fits = (reach - ends).view(np.int32) >= 0
    return int(table.payload[sent][fits].max()) if fits.any() else 0


def _some_lost(scene: Scene) -> Iterator[Seen]:
    """Runs of pings of which some were answered: the order of the losses tells a limiter from a bad line."""
    part = scene.part("icmp.echo")
    for index in scene.open(part, "partly-answered"):
        fields: IcmpEcho = part.fields(index)
        was_answered = _answers(scene.table, part, index, fields)
        rows = part.rows(index).tolist()
        values = {"src": fields.src, "dst": fields.dst, "sent": fields.sent, "received": fields.received}
        step = losses.limiter_step(was_answered)
        if step:
            values |= {"step": step[0], "burst": was_answered.index(False) if False in was_answered else 0}
            certainty = "likely" if step[1] else "possible"
            yield Seen("icmp-rate-limited", certainty, [(part, index)], rows, _FULL_BUCKET_RIVALS, values)
            continue
        values["case"] = losses.pattern(was_answered)
        yield Seen("partial-loss", "possible", [(part, index)], rows, _LOSS_RIVALS, values)


def _answers(table: PacketTable, part: ExchangeColumns, index: int, fields: IcmpEcho) -> list[bool]:
    """For each request in the order of sending, whether a reply came."""
    rows = part.rows(index)
    rows = rows[table.layers[rows] & (ICMP | ICMPV6) != 0]
    at = np.searchsorted(table.icmp.row, rows)
    asked = table.icmp.word[at[np.isin(table.icmp.type[at], _REQUESTS)]] & 0xFFFF
    missing = set(fields.unanswered_seqs)
    return [seq not in missing for seq in dict.fromkeys(asked.tolist())]
