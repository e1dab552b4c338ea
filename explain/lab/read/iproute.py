"""Routes, rules, neighbours and forwarding entries, in the words of ``ip`` and ``bridge``.

A lab file says them as a person types them after ``ip route add``; here they become records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.lab import check
from explain.lab.check import LabFileError
from explain.lab.records import ForwardingEntry, Neighbour, Route, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROUTE_KINDS = ("unicast", "blackhole", "unreachable", "prohibit", "throw", "local")
RULE_ACTIONS = ("blackhole", "unreachable", "prohibit")
NUD = ("permanent", "noarp", "reachable", "stale", "failed")
TABLES = {"main": 254, "local": 255, "default": 253}


def words_of(value: object, where: str) -> list[str]:
    """The words of one line.

    Raises:
        LabFileError: there are none.
    """
    words = check.text(value, where).split()
    if not words:
        raise LabFileError(where, value, "lab_file.iproute")
    return words


def pairs(words: list[str], allowed: Mapping[str, str], where: str) -> dict[str, str]:
    """``key value`` pairs, each key renamed to the field it fills; ``onlink`` stands alone.

    Raises:
        LabFileError: a key is unknown, or its value is missing.
    """
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word not in allowed:
            raise LabFileError(where, word, "lab_file.words", words=[*allowed], near=check.nearest_of(word, allowed))
        if word in {"onlink", "sticky", "proxy", "static", "master"}:
            found[allowed[word]] = "yes"
            continue
        value = next(rest, None)
        if value is None:
            raise LabFileError(where, word, "lab_file.value_follows")
        found[allowed[word]] = value
    return found


def _table_number(word: str | None, where: str) -> int | None:
    """A routing table's number."""
    if word is None:
        return None
    if word in TABLES:
        return TABLES[word]
    if not word.isdecimal() or not 1 <= int(word) <= 252:
        raise LabFileError(where, word, "lab_file.table_name")
    return int(word)


def whole(word: str | None, where: str) -> int | None:
    """A whole number, if one is given.

    Raises:
        LabFileError: it is none.
    """
    if word is None:
        return None
    if not word.isdecimal() or len(word) > 9:
        raise LabFileError(where, word, "lab_file.integer")
    return int(word)


def route(value: object, where: str) -> Route:
    """``[kind] DEST [via ADDRESS] [dev NAME] [src ADDRESS] [metric N] [table N] [mtu N] [onlink]``.

    Raises:
        LabFileError: a word that does not belong there.
    """
    words = words_of(value, where)
    kind = words.pop(0) if words[0] in _ROUTE_KINDS else "unicast"
    is_ipv6 = bool(words) and words[0] == "-6"  # the default route of IPv6 that has no next hop to show its family
    if is_ipv6:
        words.pop(0)
    if not words:
        raise LabFileError(where, value, "lab_file.destination")
    to = words.pop(0)
    fields = {k: k for k in ("via", "dev", "src", "metric", "table", "mtu", "onlink")}
    got = pairs(words, fields, where)
    via = check.address(got["via"], where) if "via" in got else None
    family = 6 if is_ipv6 or ":" in (via or to) else 4
    if kind == "unicast" and via is None and "dev" not in got:
        raise LabFileError(where, value, "lab_file.route_needs")
    return Route(
        text=" ".join(str(value).split()),
        kind=kind,
        to=check.prefix(to, where, family),
        via=via,
        dev=check.name(got["dev"], where) if "dev" in got and got["dev"] != "lo" else got.get("dev"),
        src=check.address(got["src"], where) if "src" in got else None,
        metric=whole(got.get("metric"), where),
        table=_table_number(got.get("table"), where),
        mtu=whole(got.get("mtu"), where),
        is_onlink="onlink" in got,
    )


def rule(value: object, where: str) -> Rule:
    """``[from PREFIX] [to PREFIX] [iif NAME] [priority N] (lookup TABLE | blackhole | unreachable | prohibit)``.

    Raises:
        LabFileError: a word that does not belong there.
    """
    words = words_of(value, where)
    action = "lookup"
    if words[-1] in RULE_ACTIONS:
        action = words.pop()
    fields = {"from": "source", "to": "to", "iif": "iif", "priority": "priority", "pref": "priority"}
    got = pairs(words, {**fields, "lookup": "table", "table": "table"}, where)
    if action == "lookup" and "table" not in got:
        raise LabFileError(where, value, "lab_file.rule_ends")
    known = [check.prefix(got[k], where) for k in ("source", "to") if k in got and got[k] != "all"]
    return Rule(
        text=" ".join(str(value).split()),
        family=6 if any(":" in k for k in known) else 4,
        action=action,
        table=_table_number(got.get("table"), where),
        source=check.prefix(got["source"], where) if got.get("source", "all") != "all" else None,
        to=check.prefix(got["to"], where) if got.get("to", "all") != "all" else None,
        iif=check.name(got["iif"], where) if "iif" in got else None,
        priority=whole(got.get("priority"), where),
    )


def neighbour(value: object, where: str) -> Neighbour:
    """``ADDRESS [lladdr MAC] dev NAME [nud STATE]``, or ``proxy ADDRESS dev NAME``.

    Raises:
        LabFileError: a word that does not belong there.
    """
    words = words_of(value, where)
    is_proxy = words[0] == "proxy"
    if is_proxy:
        words.pop(0)
    if not words:
        raise LabFileError(where, value, "lab_file.an_address")
    address = check.address(words.pop(0), where)
    got = pairs(words, {"lladdr": "mac", "dev": "dev", "nud": "state"}, where)
    if "dev" not in got or ("mac" not in got and not is_proxy):
        raise LabFileError(where, value, "lab_file.neighbour_needs")
    return Neighbour(
        text=" ".join(str(value).split()),
        address=address,
        dev=check.name(got["dev"], where),
        mac=check.mac(got["mac"], where) if "mac" in got else None,
        state=check.one_of(got.get("state", "permanent"), NUD, where),
        is_proxy=is_proxy,
    )


def forwarding_entry(value: object, where: str) -> ForwardingEntry:
    """``MAC dev PORT master [static | sticky]``, as after ``bridge fdb add``.

    Raises:
        LabFileError: a word that does not belong there.
    """
    words = words_of(value, where)
    mac = check.mac(words.pop(0), where)
    got = pairs(words, {"dev": "dev", "static": "static", "sticky": "sticky", "master": "master"}, where)
    if "dev" not in got:
        raise LabFileError(where, value, "lab_file.fdb_needs")
    return ForwardingEntry(" ".join(str(value).split()), mac, check.name(got["dev"], where), is_sticky="sticky" in got)
