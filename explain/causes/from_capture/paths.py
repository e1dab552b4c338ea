"""What checksums and the order of losses show about the way; sizes have their own file."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.addresses import mac_text
from explain.arrays import among
from explain.causes.from_capture import sizes
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges import losses
from explain.exchanges.fragments import datagrams
from explain.exchanges.tcp.labels import REPEATED
from explain.places.near import rows_near, whole_of
from explain.table import ACK, BAD_CHECKSUM, BAD_IP_CHECKSUM, GOOD_CHECKSUM, ICMP, ICMPV6, IP, REVERSED, TCP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.icmp.echo import IcmpEcho
    from explain.table import Bools, PacketTable, Rows

_REQUESTS = (8, 128)
_OFFLOADED = 0.5  # a sender of whom so many segments are wrong leaves them to the card
_FEWEST_VERIFIED = 4
_MOST_DOUBTED = 100
_HARDLY_MORE = 2
_FEWEST_TORN, _ARRIVING_NS = 3, 1_000_000_000
_FULL_BUCKET_RIVALS = ("partial-loss", "filter-on-target-input", "corrupted-packets")
_GONE = ("target-interface-down", "router-interface-down", "no-route-on-router")  # from some moment on
_LOSS_RIVALS = ("icmp-rate-limited", "corrupted-packets", "filter-on-target-input", "duplicate-address")

_LOST_ON_THE_WAY = ("corrupted-packets", "filter-on-router-forward", "duplicate-address")


def look(scene: Scene) -> Iterator[Seen]:
    """Damage first, then what is too large, then a limiter, then mere loss."""
    yield from _damaged(scene)
    yield from sizes.look(scene)
    yield from _in_pieces(scene)
    yield from _some_lost(scene)


def _damaged(scene: Scene) -> Iterator[Seen]:
    """Checksums that are wrong although their sender's others are right: bits changed on the way."""
    whole, table = whole_of(scene.table), scene.table
    wrong = np.flatnonzero(whole.layers[: len(whole)] & (BAD_CHECKSUM | BAD_IP_CHECKSUM) != 0)
    wrong = wrong[_is_no_offload(whole, wrong)]
    wrong = wrong[~_was_accepted(whole, wrong)]
    if not len(wrong):
        return
    layers, bad = table.layers[: len(table)], rows_near(table, wrong)
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    bad = bad[layers[bad] & IP != 0]
    for row, source, target in zip(bad.tolist(), table.sources(bad).tolist(), table.targets(bad).tolist(), strict=True):
        groups[table.addresses.text(source), table.addresses.text(target)].append(row)
    for (source, target), rows in groups.items():
        if source == target or source.startswith("127."):
            continue  # what never leaves its host needs no sum, and no wire can change it
        sender = int(table.links.source[table.link[rows[0]]])
        values = {"src": source, "dst": target, "count": len(rows), "mac": mac_text(sender)}
        from explain.exchanges.over_places.altered import stretch_of

        if way := stretch_of(table, scene.part("journey"), "damaged", rows):
            values |= {"case": "between"} | way
        certainty, rivals = ("proved", ()) if way else ("likely", ("partial-loss",))
        yield Seen("corrupted-packets", certainty, _suffering(scene, rows), rows, rivals, values)


def _is_no_offload(table: PacketTable, bad: Rows) -> Bools:
    """Rows whose sender, at this place, computes its checksums otherwise right."""
    if not len(bad):
        return np.zeros(0, np.bool_)
    layers = table.layers[: len(table)]
    is_doubted = np.zeros(len(table.links.source), np.bool_)
    is_doubted[table.link[bad]] = True
    verified = np.flatnonzero(layers & (GOOD_CHECKSUM | BAD_CHECKSUM | BAD_IP_CHECKSUM) != 0)
    verified = verified[is_doubted[table.link[verified]]]

    def who(rows: Rows) -> Rows:
        sender: Rows = table.place[rows].astype(np.int64) * len(table.links.source) + table.link[rows]
        key: Rows = sender * 2 + (layers[rows] & (ICMP | ICMPV6) != 0)
        return key

    is_bad = (layers[verified] & (BAD_CHECKSUM | BAD_IP_CHECKSUM) != 0).astype(np.int64)
    known, inverse, counts = np.unique(who(verified), return_inverse=True, return_counts=True)
    wrong = np.bincount(inverse, is_bad, len(known))
    is_fine = (wrong < counts * _OFFLOADED) & (counts >= _FEWEST_VERIFIED)
    # No card leaves the checksum of ICMP open, so there a single wrong one is damage; the header's sum it may well.
    is_own = (layers[bad] & (ICMP | ICMPV6) != 0) & (layers[bad] & BAD_CHECKSUM != 0)
    fine: Bools = is_fine[np.searchsorted(known, who(bad))] | is_own
    return fine


def _was_accepted(table: PacketTable, rows: Rows) -> Bools:
    """Segments that their receiver confirmed though no copy came: what is wrong was put right after the capture."""
    found = np.zeros(len(rows), np.bool_)
    segments = np.flatnonzero(table.layers[rows] & TCP != 0)[:_MOST_DOUBTED]
    for at in segments.tolist():
        row = int(rows[at])
        own = table.by_flow.of(table.flow[row : row + 1].astype(np.int64))
        own = own[table.layers[own] & TCP != 0]
        is_same = (table.layers[own] ^ table.layers[row]) & REVERSED == 0
        end = table.seq[row : row + 1] + table.payload[row : row + 1]
        is_begun = (table.seq[own] - table.seq[row]).view(np.int32) <= 0
        is_ended = (table.seq[own] + table.payload[own] - end).view(np.int32) >= 0
        copies = is_same & is_begun & is_ended & (table.payload[own] > 0)
        later = own[~is_same & (own > row) & (table.flags[own] & ACK != 0)]
        confirmed = (table.ack[later] - end).view(np.int32) >= 0
        found[at] = table.payload[row] > 0 and int(copies.sum()) == 1 and bool(confirmed.any())
    return found


def _suffering(scene: Scene, rows: list[int]) -> list[Member]:
    """Exchanges that lack an answer and have one of these frames, and the same pings as seen elsewhere."""
    found = [*scene.with_rows(np.array(rows), "unanswered", "partly-answered"), *_torn(scene, rows)]
    echoes = scene.part("icmp.echo")
    runs = {_run(echoes, index) for part, index in found if part is echoes}
    pings = scene.open(echoes, "unanswered", "partly-answered") if runs else []
    found += [(echoes, index) for index in pings if _run(echoes, index) in runs and (echoes, index) not in found]
    return found


def _torn(scene: Scene, rows: list[int]) -> Iterator[Member]:
    """Connections of which hardly more was sent again than came damaged."""
    part = scene.part("tcp.connection")
    hit = part.with_rows(np.array(rows))
    if len(hit):
        resent = part.facts["moments"].segments.counts(REPEATED)
        yield from (
            (part, index)
            for index in hit.tolist()
            if index not in scene.accounted[part.kind]
            and 0 < resent[index] <= _HARDLY_MORE * int(among(part.rows(index), rows).sum())
        )


def _run(part: ExchangeColumns, index: int) -> tuple[str, str, int]:
    fields: IcmpEcho = part.fields(index)
    return fields.src, fields.dst, fields.id


def _in_pieces(scene: Scene) -> Iterator[Seen]:
    """Packets that lack a fragment where others of the same two hosts are whole: so no filter holds them back."""
    table = scene.table
    if not len(table.fragments.row):
        return
    cut = datagrams(table)
    groups: dict[tuple[int, int, int], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    torn, first = set(cut.unfinished().tolist()), cut.rows[cut.bounds[:-1]]
    keys = zip(table.place[first].tolist(), table.sources(first).tolist(), table.targets(first).tolist(), strict=True)
    for index, key in enumerate(keys):
        if index not in torn or table.waited_ns(cut.of(index)[-1]) > _ARRIVING_NS:
            groups[key][index in torn].append(index)
    for (_, source, target), (whole, lacking) in groups.items():
        if not whole or len(lacking) < _FEWEST_TORN:
            continue
        rows = np.concatenate([cut.of(index) for index in lacking]).tolist()
        values = {
            "case": "pieces", "src": table.addresses.text(source), "dst": table.addresses.text(target),
            "count": len(lacking), "total": len(lacking) + len(whole),
        }  # fmt: skip
        yield Seen("partial-loss", "likely", scene.with_rows(np.array(rows)), sorted(rows), (), values)


def _some_lost(scene: Scene) -> Iterator[Seen]:
    """Runs of pings of which some were answered: the order of the losses tells a limiter from a bad line."""
    part = scene.part("icmp.echo")
    some = scene.open(part, "partly-answered")
    on_the_way = _lost_on_the_way(scene) if some else set()
    for index in some:
        fields: IcmpEcho = part.fields(index)
        was_answered = _answers(scene.table, part, index, fields)
        rows = part.rows(index).tolist()
        values = {"src": fields.src, "dst": fields.dst, "sent": fields.sent, "received": fields.received}
        step = None if index in on_the_way else losses.limiter_step(was_answered)
        if step:
            values |= {"step": step[0], "burst": was_answered.index(False) if False in was_answered else 0}
            certainty = "likely" if step[1] else "possible"
            yield Seen("icmp-rate-limited", certainty, [(part, index)], rows, _FULL_BUCKET_RIVALS, values)
            continue
        values["case"] = losses.pattern(was_answered)
        rivals = scene.one_link.possible(rows, _LOST_ON_THE_WAY) if index in on_the_way else _LOSS_RIVALS
        if values["case"] == "end" and index not in on_the_way:
            rivals = (*scene.one_link.possible(rows, _GONE), *rivals)
        yield Seen("partial-loss", "possible", [(part, index)], rows, rivals, values)


def _lost_on_the_way(scene: Scene) -> set[int]:
    """Runs of pings in whose losses the target has no part, as several places show: it replied, or was not reached."""
    part = scene.part("journey")
    lost = scene.open(part, "vanished")
    verdicts = [part.facts["paths"].verdict(int(part.facts["trail"][index])) for index in lost]
    clear = [
        index
        for index, one in zip(lost, verdicts, strict=True)
        if one.lost == "reply" or one.stage in {"link", "router"}
    ]
    legs = scene.exchanges.carried(part, clear).values() if clear else ()
    return {index for carried in legs for one, index in carried if one.kind == "icmp.echo"}


def _answers(table: PacketTable, part: ExchangeColumns, index: int, fields: IcmpEcho) -> list[bool]:
    """For each request in the order of sending, whether a reply came."""
    rows = part.rows(index)
    rows = rows[table.layers[rows] & (ICMP | ICMPV6) != 0]
    at = np.searchsorted(table.icmp.row, rows)
    messages = zip(table.icmp.type[at].tolist(), (table.icmp.word[at] & 0xFFFF).tolist(), strict=True)
    missing = set(fields.unanswered_seqs)
    return [seq not in missing for seq in dict.fromkeys(seq for kind, seq in messages if kind in _REQUESTS)]
