"""A lease of IPv6 addresses or prefixes, message by message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.dhcpv6.lease import Dhcpv6Lease
    from explain.exchanges.dhcpv6.talk import Step6, Talk6
    from explain.model import Line
    from explain.story.exchanges.teller import Teller

_ASKED = frozenset((
    "SOLICIT", "REQUEST", "CONFIRM", "RENEW", "REBIND", "RELEASE", "DECLINE", "INFORMATION-REQUEST",
))  # fmt: skip
_SECOND = 1_000_000_000
_FOREVER = 0xFFFFFFFF


def lease(teller: Teller, part: ExchangeColumns, index: int, name: str) -> Iterator[Line]:
    """The lines of one negotiation."""
    fields: Dhcpv6Lease = part.fields(index)
    talk: Talk6 = part.facts["talks"][index]
    outcome = part.outcomes[part.outcome[index]]
    values: dict[str, Any] = {
        "given": (*fields.addresses, *fields.prefixes), "valid_ns": (fields.valid_s or 0) * _SECOND,
        "t1_ns": (fields.t1_s or 0) * _SECOND, "t2_ns": (fields.t2_s or 0) * _SECOND,
    }  # fmt: skip
    is_relayed = talk.steps[0].said.relays != ()
    if is_relayed:  # the client's own frames are on another link
        values["client"] = fields.client_mac or fields.client_duid or fields.client

    def line(message: str, steps: Sequence[Step6], **more: Any) -> Line:
        return teller.line(f"dhcpv6.{message}", fields, [step.row for step in steps], name, **values, **more)

    if is_relayed:
        yield line("relayed", talk.steps, speaker=teller.table.addresses.text(talk.steps[0].source))
    yield from _asked(fields, talk, line)
    if fields.relays and not is_relayed:
        yield line("relay", talk.steps)
    if outcome != "unanswered":
        yield from _answered(teller, fields, talk, outcome, line)
    else:
        yield line("unanswered", talk.steps)
    for note in fields.notes:
        yield line(note, [step for step in talk.steps if note in step.said.notes])


def _asked(fields: Dhcpv6Lease, talk: Talk6, line: Any) -> Iterator[Line]:
    kinds = dict.fromkeys(step.said.kind for step in talk.own())
    if not kinds:
        yield line("answer-only", talk.steps)
    for kind in kinds:
        steps = talk.of(kind)
        if kind == "REQUEST" and talk.of("ADVERTISE"):
            yield from _offered(fields, talk, line)
        yield line(f"asked.{kind if kind in _ASKED else 'other'}", steps[:1], type=kind)
        if len(steps) > 1 and fields.tries > 1:
            yield line("repeated", steps)
    if talk.of("ADVERTISE") and "REQUEST" not in kinds:
        yield from _offered(fields, talk, line)


def _offered(fields: Dhcpv6Lease, talk: Talk6, line: Any) -> Iterator[Line]:
    steps = talk.of("ADVERTISE")
    if any(step.said.leases for step in steps):
        yield line("offered", steps)
    elif any("cut" in step.said.notes for step in steps):
        yield line("offered-cut", steps)
    else:
        yield line("offered-nothing" if fields.status else "offered-nothing-bare", steps)


def _answered(teller: Teller, fields: Dhcpv6Lease, talk: Talk6, outcome: str, line: Any) -> Iterator[Line]:
    replies = talk.of("REPLY")
    if outcome == "offered" and replies:
        yield line("answered-cut", replies)
    elif outcome == "offered" and talk.of("REQUEST"):
        yield line("unconfirmed", talk.of("REQUEST"))
    elif not replies:
        return
    elif outcome == "refused":
        yield line("refused" if fields.status not in (None, "Success") else "refused-bare", replies)
    elif outcome in ("released", "declined"):
        yield line("released", replies)
    elif outcome in ("bound", "renewed"):
        agreed = "confirmed-link" if fields.began == "CONFIRM" else "confirmed"
        ending = "-endless" if fields.valid_s == _FOREVER else ""
        yield line(f"{outcome}{ending}" if fields.valid_s is not None else agreed, replies)
        if outcome == "bound":
            yield from _used(teller, fields, replies, line)
        yield from _names(fields, replies, line)
        if fields.t1_s and fields.t2_s and fields.t1_s != _FOREVER:
            yield line("renewal" if fields.t1_s <= fields.t2_s else "renewal-odd", replies)
    elif outcome == "informed":
        yield from _names(fields, replies, line)


def _names(fields: Dhcpv6Lease, replies: Sequence[Step6], line: Any) -> Iterator[Line]:
    if fields.dns:
        yield line("dns", replies)
    if fields.domains:
        yield line("domains", replies)


def _used(teller: Teller, fields: Dhcpv6Lease, replies: Sequence[Step6], line: Any) -> Iterator[Line]:
    """What the client does with addresses and prefixes."""
    if fields.addresses:
        yield line(teller.first("address"), replies)
    if fields.prefixes:
        yield line("prefix", replies)
