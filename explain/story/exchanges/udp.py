"""Datagrams between two ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.decode.services import UDP as UDP_SERVICES
from explain.exchanges.udp.flow import BOTH_SEND, MULTICAST_DNS, ONE_WAY, RELAYED, SEARCH
from explain.model import Line
from explain.story.exchanges.teller import end_text
from explain.table import REVERSED, UDP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.netbios import NetbiosAct
    from explain.exchanges.udp.complaints import UdpComplaint
    from explain.exchanges.udp.flow import UdpFlow
    from explain.story.exchanges.teller import Teller
    from explain.table import PacketTable, Rows

_WITH_SERVICE = ("one-way", "both-send", "search", "to-one", "told-to-one")  # they name it in their own way
_DHCP = (68, 67)
_SIP = frozenset((401, 403, 404, 407, 408, 480, 486, 487, 488, 503, 603))  # those with a sentence of their own
_KISSES = {"RATE": "rate", "DENY": "deny", "RSTR": "deny"}
_BROADCAST = ".255"  # of most networks (RFC 919)


def _has_both_sides(table: PacketTable, rows: Rows) -> bool:
    sides = table.layers[rows][table.layers[rows] & UDP != 0] & REVERSED
    return len(sides) > 0 and bool((sides != sides[0]).any())


def _is_multicast_dns_to_one(fields: UdpFlow) -> bool:
    from ipaddress import ip_address

    is_own_port = fields.client.port == fields.server.port == MULTICAST_DNS
    return is_own_port and not ip_address(fields.server.address).is_multicast


def _is_to_many(address: str) -> bool:
    from ipaddress import ip_address

    return ip_address(address).is_multicast or address.endswith(_BROADCAST)


def flow(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """One line for a flow."""
    fields: UdpFlow = part.fields(index)
    port = fields.server.port or 0
    service = ONE_WAY.get(port) or SEARCH.get(port) or BOTH_SEND.get(port) or RELAYED.get(port)
    told = {"client": end_text(fields.client), "server": end_text(fields.server), "service": service}
    told |= {"other": end_text(fields.answered_from or fields.asked_at or fields.server)}
    message = _message(teller, part, index, fields)
    if message not in _WITH_SERVICE and (custom := UDP_SERVICES.get(port)):
        told["server"] = f"{told['server']} ({custom})"
    yield teller.line(f"udp.{message}", fields, part.rows(index), name, **told)
    if fields.names:
        from explain.story.exchanges.group_names import told_of

        yield from told_of(teller, fields, fields.names, part.rows(index), name)
    if fields.quic:
        from explain.story.exchanges import quic

        ends = {"client": end_text(fields.client), "server": end_text(fields.server)}
        yield from quic.told_of(teller, fields.quic, part.rows(index), name, ends)
    for one in fields.complaints:
        at = part.rows(index)
        yield _complaint(teller, fields, one, at[teller.table.frame[at] == one.frame], name)
    if fields.netbios:
        from explain.story.exchanges import netbios

        is_to_all = _is_to_many(fields.server.address)
        yield from netbios.told_of(teller, fields, part.rows(index), name, is_to_all=is_to_all)


def _complaint(teller: Teller, fields: UdpFlow, one: UdpComplaint, rows: Rows, name: str) -> Line:
    """What one side refused or warned of."""
    other = fields.server if one.by == fields.client.address else fields.client
    values: dict[str, Any] = {
        "by": one.by,
        "other": other.address,
        "code": one.code,
        "word": one.word,
        "text": one.text,
    }
    if one.protocol == "SIP":
        values["meaning"] = Line(f"udp.sip-{one.code if one.code in _SIP else str(one.code)[:1]}", {})
        return teller.line("udp.complaint-sip", fields, rows, name, **values)
    if one.protocol == "NTP":
        return teller.line(f"udp.complaint-ntp-{_KISSES.get(one.word, 'other')}", fields, rows, name, **values)
    form = "client" if one.by == fields.client.address else "bare" if one.text is None else "said"
    return teller.line(f"udp.complaint-tftp-{form}", fields, rows, name, **values)


def _are_answers(acts: Sequence[NetbiosAct]) -> bool:
    from explain.exchanges.netbios import TOLD_TO_ONE

    return all(one.act in TOLD_TO_ONE for one in acts)


def _message(teller: Teller, part: ExchangeColumns, index: int, fields: UdpFlow) -> str:
    outcome: str = part.outcomes[part.outcome[index]]
    is_both = _has_both_sides(teller.table, part.rows(index))
    if outcome == "answered" and not is_both and fields.answered_from:
        return "answered-elsewhere"
    if outcome == "answered" and fields.asked_at:
        if is_both and fields.asked_at.port == fields.server.port:
            return "answers-to-many"
        return "answers-elsewhere" if is_both else "answer-elsewhere"
    if outcome == "answered":
        return "answered" if is_both else "answer-only"
    if outcome == "unanswered" and (fields.client.port, fields.server.port) == _DHCP:
        return "unanswered-dhcp" if not _is_to_many(fields.server.address) else "to-many"
    if outcome == "unanswered" and fields.quic:
        return "unanswered-quic"
    return (_unasked(fields) or outcome) if outcome == "unanswered" and fields.needs_no_answer else outcome


def _unasked(fields: UdpFlow) -> str | None:
    """Why nobody needs to answer; None where a name was to be registered after all."""
    port, is_to_many = fields.server.port or 0, _is_to_many(fields.server.address)
    if port in ONE_WAY:
        return "one-way"
    if fields.netbios and _are_answers(fields.netbios):
        return "told-to-one"
    if port in BOTH_SEND | RELAYED and not is_to_many:
        return "both-send"
    if _is_multicast_dns_to_one(fields):
        return "to-one"
    if any(one.act == "claims" for one in fields.netbios) and not is_to_many:
        return None
    return "search" if port in SEARCH and not is_to_many else "to-many"
