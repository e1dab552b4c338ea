"""Output of ``ip`` and its like held against the picture: what it contradicts, and the picture after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.causes.notes.item import Item, end_item, host_item
from explain.causes.notes.picture import Host, Interface, Picture
from explain.state.addresses import is_link_local

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.symptoms.notes import NoteBlock

Row = dict[str, Any]


def show(picture: Picture, block: NoteBlock) -> Iterator[Item]:
    """What the rows of one block say, and where they contradict what was typed; the picture then follows them."""
    host = picture.host(block.node)
    for key, value in block.rows.items():
        is_part = key in block.partial
        if key in ("addr", "link"):
            yield from _links(picture, host, value, key, is_part)
        elif key in ("route", "route6"):
            yield from _routes(host, value, 6 if key == "route6" else 4, is_part)
        elif key == "sysctl":
            yield from _settings(host, value)
        elif key == "netns":
            yield from _namespaces(picture, value)
        elif key == "neigh":
            host.neighbours = list(value)
            if not is_part:
                host.whole.add("neigh")
        elif key in ("iptables_save", "ip6tables_save"):
            host.saved = list(value)
        elif key == "conntrack":
            host.flows = [*host.flows, *value] if is_part else list(value)


def _links(picture: Picture, host: Host, rows: Sequence[Row], key: str, is_part: bool) -> Iterator[Item]:
    names = {str(row["ifname"]) for row in rows}
    for row in rows:
        one = host.interfaces.get(row["ifname"])
        if one is None:
            one = host.interfaces[row["ifname"]] = Interface(row["ifname"])
        elif one.is_up is not None:
            yield from _state_differs(host, one, row)
        if key == "addr" or row.get("addr_info"):
            yield from _addresses_differ(host, one, row)
        _take(one, row)
        if one.is_up and one.has_carrier is False:
            far = _far_end(picture, one)
            values = {"end": end_item(host.name, one.name), "far": end_item(*far) if far else None}
            yield Item("trouble.no-carrier-known" if far else "trouble.no-carrier", values)
    if is_part or not rows:
        return
    for gone in [name for name in host.interfaces if name not in names]:
        if host.interfaces[gone].is_up is not None and gone != "lo":
            yield Item("trouble.interface-not-shown", {"end": end_item(host.name, gone)})
        del host.interfaces[gone]
    if key == "addr":
        host.whole.add("addr")


def _far_end(picture: Picture, one: Interface) -> tuple[str | None, str] | None:
    """The other end of a cable, where the notes say that it is down."""
    far = picture.hosts.get(one.peer[0]) if one.peer else None
    other = far.interfaces.get(one.peer[1]) if far and one.peer else None
    return one.peer if other is not None and other.is_up is False else None


def _state_differs(host: Host, one: Interface, row: Row) -> Iterator[Item]:
    if "flags" not in row:
        return
    is_up = "UP" in row["flags"]
    if is_up != one.is_up and one.name != "lo" and host.is_built:
        name = "trouble.up-but-shown-down" if one.is_up else "shows.up-without-command"
        yield Item(name, {"end": end_item(host.name, one.name)}, depth=1 if one.is_up else 2)


def _addresses_differ(host: Host, one: Interface, row: Row) -> Iterator[Item]:
    shown = {f"{each['local']}/{each['prefixlen']}" for each in row.get("addr_info", ()) if each.get("local")}
    missing = [each for each in one.addresses if each not in shown and not is_link_local(each.partition("/")[0])]
    for address in missing:
        yield Item("trouble.address-not-shown", {"end": end_item(host.name, one.name), "address": address})


def _take(one: Interface, row: Row) -> None:
    flags = row.get("flags")
    if flags is not None:
        one.is_up = "UP" in flags
        one.has_carrier = "LOWER_UP" in flags if one.is_up else None
        one.has_carrier = False if "NO-CARRIER" in flags else one.has_carrier
    elif "operstate" in row:
        one.is_up = row["operstate"] != "DOWN" or one.is_up
    one.mac, one.mtu = row.get("address") or one.mac, row.get("mtu") or one.mtu
    one.master = row.get("master") if "master" in row or flags is not None else one.master
    if "addr_info" in row:
        one.addresses = {f"{each['local']}/{each['prefixlen']}": each for each in row["addr_info"] if each.get("local")}
    one.row = {**one.row, **row}


def _routes(host: Host, rows: Sequence[Row], family: int, is_part: bool) -> Iterator[Item]:
    typed = [row for row in host.routes if row.get("text") and row.get("family") == family]
    if not is_part:
        for row in typed:
            if not any(_same_route(row, each) for each in rows):
                yield Item("trouble.route-not-shown", {"host": host_item(host.name), "route": row["text"]})
        host.routes = [row for row in host.routes if row.get("family") != family]
        host.whole.add("route" if family == 4 else "route6")
    host.routes += [
        {**row, "family": family} for row in rows if not any(_same_route(row, each) for each in host.routes)
    ]


def _same_route(one: Row, other: Row) -> bool:
    def prefix(row: Row) -> str:
        text = str(row.get("dst", ""))
        return {"0.0.0.0/0": "default", "::/0": "default"}.get(text, text.removesuffix("/32").removesuffix("/128"))

    is_one_table = (one.get("table") or "main") == (other.get("table") or "main")
    return (
        prefix(one) == prefix(other)
        and is_one_table
        and (not one.get("gateway") or not other.get("gateway") or one["gateway"] == other["gateway"])
    )


def _settings(host: Host, values: dict[str, str]) -> Iterator[Item]:
    for name, value in values.items():
        before = host.settings.get(name)
        if before is not None and before != value:
            parts = {"host": host_item(host.name), "name": name, "typed": before, "value": value}
            yield Item("trouble.setting-differs", parts)
        host.settings[name] = value


def _namespaces(picture: Picture, names: Sequence[str]) -> Iterator[Item]:
    for host in picture.hosts.values():
        if host.is_built and not host.is_removed and host.name not in names:
            yield Item("trouble.namespace-not-shown", {"name": host.name})
