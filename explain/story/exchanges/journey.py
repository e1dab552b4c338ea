"""A conversation followed over its places: who passed it on, and where it went missing."""

from __future__ import annotations

from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.addresses import NO_MAC
from explain.exchanges.over_places.sights import Spot, spot_name
from explain.exchanges.over_places.trails import whole
from explain.model import Line
from explain.story.exchanges.teller import end_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.over_places.altered import Altered
    from explain.exchanges.over_places.journey import Journey, LostPings
    from explain.exchanges.over_places.lost_datagrams import LostDatagrams
    from explain.exchanges.over_places.lost_segments import LostSegments
    from explain.exchanges.over_places.sights import Sight
    from explain.exchanges.over_places.syn_options import ChangedOption
    from explain.exchanges.over_places.waits import Wait
    from explain.story.exchanges.teller import Teller
    from explain.table import PacketTable, Rows

_LONGEST_WAY = 20  # places that are named
_TIMED = ("journey.routed", "journey.rewritten")
_MOST_ROUNDS = 2  # times that a packet is told to come by where it was


def _way(names: list[str]) -> list[str]:
    """The places of a way; one that saw it again and again, as in a flood, twice: coming and going."""
    way = [name for _, run in groupby(names) for name in islice(run, 2)]
    return way if len(way) <= _LONGEST_WAY else [*way[: _LONGEST_WAY // 2], "...", way[-1]]


def journey(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """The way of one packet, place by place, and how the conversation ended."""
    fields: Journey = part.fields(index)
    table = whole(teller.table)
    outcome = part.outcomes[part.outcome[index]]
    ends = {
        "src": end_text(fields.packet.src), "dst": end_text(fields.packet.dst),
        "protocol": fields.packet.protocol, "way": _way([spot_name(table, sight) for sight in fields.seen]),
    }  # fmt: skip
    rows = [row_of(table, sight) for sight in fields.seen]
    if len(fields.seen) > 1:
        yield line(teller, "journey.way", fields, rows, name, **ends)
        if any(sight.device is not None for sight in fields.seen) and teller.first("journey.ifindex").endswith("first"):
            yield line(teller, "journey.ifindex.first", fields, rows[:1], name)
    yield from _passed_on(teller, fields, rows, name)
    yield from (_changed_option(teller, fields, one, name) for one in fields.changed_options)
    for lost in fields.lost_segments:
        yield _lost_segments(teller, fields, lost, name)
    yield from (_lost_datagrams(teller, lost, name) for lost in fields.lost_datagrams)
    yield from (_altered(teller, one, name) for one in fields.altered)
    yield from (_waits(teller, fields, rows, one, name) for one in fields.waits)
    if outcome == "vanished":
        yield from _never_arrived(teller, fields, rows, name, ends)
    elif outcome == "answered-elsewhere":
        is_itself = fields.speaker == fields.packet.dst.address
        message = "-partly" if fields.missing else "-itself" if is_itself else ""
        yield line(teller, f"journey.elsewhere{message}", fields, rows, name, **ends)


def _never_arrived(teller: Teller, fields: Journey, rows: list[int], name: str, ends: dict[str, Any]) -> Iterator[Line]:
    """Where single pings were lost; where there are none, or others beside them, where the whole way ends."""
    last, due = fields.last_seen, fields.due
    told = [one for one in fields.lost_pings if due or (one.capture, one.interface) != (last.capture, last.interface)]
    yield from (_lost_pings(teller, lost, name) for lost in told)
    if told and len(told) == len(fields.lost_pings):
        return
    yield _vanished(teller, fields, rows, name, ends)
    if fields.missing == 1:
        yield line(teller, "journey.weak", fields, rows[-1:], name)


def _passed_on(teller: Teller, fields: Journey, rows: list[int], name: str) -> Iterator[Line]:
    """Who passed it on from place to place; what comes by its places again and again is told shortly."""
    table = whole(teller.table)
    again: list[int] = []
    values: dict[str, Any] = {}
    for before, after, row in zip(fields.seen, fields.seen[1:], rows[1:], strict=False):
        for message in _steps(table, before, after):
            at, to = spot_name(table, before), spot_name(table, after)
            is_back = message == "journey.routed" and at == to and before.capture == after.capture
            if is_back and len(again) >= _MOST_ROUNDS:
                again.append(row)
                continue
            values = _values(table, before, after)
            shown = message if values["ttl_before"] and values["ttl_after"] else "journey.rewritten-by-text"
            if is_back and shown == message:
                again.append(row)
                shown = "journey.routed-back"
            shown, wait_ns = _timed(teller.table, shown, before, after, values)
            yield line(teller, shown, None, [row], name, **values, at=at, to=to, wait_ns=wait_ns)
    if rest := again[_MOST_ROUNDS:]:
        values["ttl_after"] = int(table.ttl[rest[-1]])
        yield line(teller, "journey.rounds", None, rest, name, **values, count=len(rest))


def _timed(table: PacketTable, message: str, before: Sight, after: Sight, values: dict[str, Any]) -> tuple[str, int]:
    """The message with how exactly the clocks of two captures tell the time between them, and that time."""
    values["routers"] = values["ttl_before"] - values["ttl_after"]
    wait_ns = max(after.step_ns or 0, 0)
    clocks = {one["capture"]: one for one in getattr(table, "clocks", ())}
    both = [clocks[spot.capture] for spot in (before, after) if spot.capture in clocks]
    if message not in _TIMED or before.capture == after.capture or not any(one["skew_ns"] for one in both):
        return f"{message}-many" if message == "journey.routed" and values["routers"] > 1 else message, wait_ns
    if any(one["bound_ns"] is None for one in both):
        return f"{message}-untimed", wait_ns
    return f"{message}-within", wait_ns + sum(one["bound_ns"] for one in both)


def line(teller: Teller, message: str, fields: object, rows: list[int], exchange: str, **more: Any) -> Line:
    """A line about rows of the whole table."""
    values = {name: getattr(fields, name) for name in getattr(fields, "__slots__", ())}
    return Line(message, values | more, whole(teller.table).evidence(rows), 1, exchange)


def _vanished(teller: Teller, fields: Journey, rows: list[int], name: str, ends: dict[str, Any]) -> Line:
    table = whole(teller.table)
    last = spot_name(table, fields.last_seen)
    due = spot_name(table, fields.due) if fields.due else ""
    stage = "wire" if fields.stage == "link" and not fields.due else fields.stage
    if stage == "router" and fields.routers:
        stage = "between" if fields.routers > 1 else "within"
    message = f"journey.vanished.{stage or 'somewhere'}"
    # Behind a NAT its target is another one than he who was asked.
    target = table.addresses.text(table.ends(row_of(table, fields.last_seen))[1])
    what = Line(f"journey.what.{fields.lost}", {})
    return line(teller, message, fields, rows[-1:], name, **ends, last=last, next=due, what=what, target=target)


def _changed_option(teller: Teller, fields: Journey, changed: ChangedOption, name: str) -> Line:
    """What something on the way did to an option of a SYN or SYN-ACK."""
    table = whole(teller.table)
    one = Spot(changed.capture, changed.interface, changed.frame)
    other = Spot(changed.next_capture, changed.next_interface, changed.next_frame)
    message = "gone" if changed.after is None else "new" if changed.before is None else "changed"
    message = "mss" if changed.option == "mss" and message == "changed" else message
    return line(
        teller, f"journey.option-{message}", None, [row_of(table, spot) for spot in (one, other)], name,
        at=spot_name(table, one), to=spot_name(table, other), option=changed.option, before=changed.before,
        after=changed.after, segment="SYN-ACK" if changed.is_from_server else "SYN",
        src=end_text(fields.packet.dst if changed.is_from_server else fields.packet.src),
        meaning=Line(f"journey.meaning.{changed.option}", {}),
    )  # fmt: skip


def _waits(teller: Teller, fields: Journey, rows: list[int], wait: Wait, name: str) -> Line:
    """Between which places the time goes."""
    table = whole(teller.table)
    last, due = (
        spot_name(table, Spot(capture, interface, 0))
        for capture, interface in ((wait.capture, wait.interface), (wait.next_capture, wait.next_interface))
    )
    values = {"took_ns": wait.took_ns, "between_ns": wait.between_ns, "last": last, "next": due}
    return line(teller, f"journey.wait-{wait.what}", fields, rows[:1], name, **values)


def _lost_segments(teller: Teller, fields: Journey, lost: LostSegments, name: str) -> Line:
    """Where segments that were sent again had been lost."""
    table = whole(teller.table)
    spot, due = Spot(lost.capture, lost.interface, lost.frames[0]), Spot(lost.next_capture, lost.next_interface, 0)
    rows = [row_of(table, Spot(lost.capture, lost.interface, frame)) for frame in lost.frames]
    ends = (fields.packet.dst, fields.packet.src) if lost.is_from_server else (fields.packet.src, fields.packet.dst)
    return line(
        teller, "journey.lost-segments", None, rows, name, src=end_text(ends[0]), segments=lost.segments,
        last=spot_name(table, spot), next=spot_name(table, due),
    )  # fmt: skip


def _lost_datagrams(teller: Teller, lost: LostDatagrams, name: str) -> Line:
    """Between which places datagrams were lost that UDP does not send again."""
    table = whole(teller.table)
    here, due = Spot(lost.capture, lost.interface, lost.frames[0]), Spot(lost.next_capture, lost.next_interface, 0)
    rows = [row_of(table, Spot(lost.capture, lost.interface, frame)) for frame in lost.frames]
    source, _ = table.ends(rows[0])
    return line(
        teller, f"journey.lost-datagrams{'-alone' if lost.datagrams == 1 else ''}", None, rows, name,
        src=table.addresses.text(source), packets=lost.datagrams, last=spot_name(table, here),
        next=spot_name(table, due),
    )  # fmt: skip


def _altered(teller: Teller, changed: Altered, name: str) -> Line:
    """Between which places packets were damaged, or became two."""
    table = whole(teller.table)
    here = Spot(changed.capture, changed.interface, changed.frames[0])
    due = Spot(changed.next_capture, changed.next_interface, 0)
    rows = [row_of(table, Spot(changed.capture, changed.interface, frame)) for frame in changed.frames]
    return line(
        teller, f"journey.{changed.what}", None, rows, name, src=table.addresses.text(table.ends(rows[0])[0]),
        packets=changed.packets, last=spot_name(table, here), next=spot_name(table, due),
    )  # fmt: skip


def _lost_pings(teller: Teller, lost: LostPings, name: str) -> Line:
    """Between which places pings were lost, where others of their run passed both."""
    table = whole(teller.table)
    here = Spot(lost.capture, lost.interface, lost.frames[0])
    due = None if lost.next_capture is None else Spot(lost.next_capture, lost.next_interface, 0)
    rows = [row_of(table, Spot(lost.capture, lost.interface, frame)) for frame in lost.frames]
    source, target = (table.addresses.text(key) for key in table.ends(rows[0]))
    shade = "-last" if due is None else "-weak" if lost.holes else "-alone" if lost.packets == 1 else ""
    return line(
        teller, f"journey.lost-{lost.lost}{shade}", None, rows, name, who=source if lost.lost == "reply" else target,
        packets=lost.packets, last=spot_name(table, here), next=spot_name(table, due) if due else "", holes=lost.holes,
    )  # fmt: skip


def _steps(table: PacketTable, before: Sight, after: Sight) -> Iterator[str]:
    """What a step shows: who passes a packet on by its IP address changes MACs and TTL."""
    if {"address", "port", "id"}.intersection(after.changed):
        yield "journey.rewritten"
    elif "ttl" in after.changed:
        yield "journey.routed"
    elif "mac" in after.changed and _has_new_macs(table, before, after):
        yield "journey.same-ttl"


def _has_new_macs(table: PacketTable, before: Sight, after: Sight) -> bool:
    """Whether both MACs are known at both places, and neither is kept, as no switch or access point would do it."""
    links = table.link[[row_of(table, before), row_of(table, after)]]
    macs = [ends[links] for ends in (table.links.source, table.links.target)]
    return all(bool((one < NO_MAC).all()) and one[0] != one[1] for one in macs)


def _values(table: PacketTable, before: Sight, after: Sight) -> dict[str, Any]:
    rows = np.array([row_of(table, before), row_of(table, after)])
    text = table.addresses.text
    sources, targets = table.sources(rows).tolist(), table.targets(rows).tolist()
    return {
        "src": text(sources[0]),
        "ttl_before": int(table.ttl[rows[0]]), "ttl_after": int(table.ttl[rows[1]]),
        "before": f"{text(sources[0])} > {text(targets[0])}", "after": f"{text(sources[1])} > {text(targets[1])}",
    }  # fmt: skip


def row_of(table: PacketTable, spot: Sight | Spot) -> int:
    """The row of a frame at a vantage point."""
    for index, place in enumerate(table.places):
        if (place.capture, place.interface) == (spot.capture, spot.interface):
            found: Rows = np.flatnonzero((table.place[: len(table)] == index) & (table.frame == spot.frame))
            if len(found):
                return int(found[0])
    raise KeyError(spot)
