"""What the NetBIOS name service says: who asks for which name, who has it, and who claims it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.exchanges.netbios import NetbiosAct
    from explain.exchanges.udp.flow import UdpFlow
    from explain.story.exchanges.teller import Teller
    from explain.table import Rows

_MOST = 6  # names that one list tells
_USES = frozenset(("03", "20", "1b", "1c", "1d", "1e", "01"))
_TEACHES = frozenset(("asks-all", "claims-all"))


def told_of(teller: Teller, fields: UdpFlow, rows: Rows, name: str, *, is_to_all: bool) -> Iterator[Line]:
    """One line for each thing that somebody said, with the names of which it was said."""
    together: dict[tuple[str, str], list[NetbiosAct]] = {}
    for one in fields.netbios:
        together.setdefault((one.by, one.act), []).append(one)
    for (by, act), some in together.items():
        form = f"{act}-{'all' if is_to_all else 'one'}" if act in ("asks", "claims", "lists-asked") else act
        message = teller.first(f"netbios.{form}") if form in _TEACHES else f"netbios.{form}"
        other = fields.server.address if by == fields.client.address else fields.client.address
        yield teller.line(message, fields, rows, name, by=by, other=other, items=_few(some))
        yield from _heard(teller, fields, act, some, rows, name)
        if form == "claims-one" and not any(one.by == other for one in fields.netbios):
            yield teller.line("netbios.unregistered", fields, rows, name, by=by, other=other)


def _heard(
    teller: Teller, fields: UdpFlow, act: str, some: Sequence[NetbiosAct], rows: Rows, name: str
) -> Iterator[Line]:
    """Who answered a question to all, or objected to a claim; and for which names nobody did."""
    answered_by = list(dict.fromkeys(by for one in some for by in one.answered_by))
    own = {fields.client.address, fields.server.address}
    if answered_by and act == "asks" and not own.issuperset(answered_by):
        yield teller.line("group.heard", fields, rows, name, answered_by=answered_by)
    if act == "claims" and not own.issuperset(answered_by):
        taken = [one for one in some if one.answered_by]
        yield teller.line("netbios.objected", fields, rows, name, by=taken[0].by, others=answered_by, items=_few(taken))
    if act == "asks" and (silent := [one for one in some if not one.answered_by]) and not _is_denied(fields, silent):
        yield teller.line("netbios.unheard", fields, rows, name, items=_few(silent))


def _is_denied(fields: UdpFlow, silent: Sequence[NetbiosAct]) -> bool:
    denied = {one.name for one in fields.netbios if one.act == "lacks"}
    return denied.issuperset(one.name for one in silent)


def _few(some: Sequence[NetbiosAct]) -> list[Line | str]:
    rest = len(some) - _MOST
    return [*map(_item, some[:_MOST]), *([Line("group.more", {"count": rest})] if rest > 0 else ())]


def _item(one: NetbiosAct) -> Line:
    """A name, what it is for where its last octet says so, and the addresses that go with it."""
    kind = one.name.rpartition("<")[2].partition(">")[0]
    use = kind if kind in _USES else None
    if kind == "00" and one.is_group is not None:
        use = "workgroup" if one.is_group else "computer"
    named = Line("netbios.name-for", {"name": one.name, "use": Line(f"netbios.use.{use}", {})}) if use else one.name
    if one.act == "has" and one.addresses:
        return Line("group.are.address", {"name": named, "addresses": list(one.addresses)})
    return named if isinstance(named, Line) else Line("netbios.name", {"name": named})
