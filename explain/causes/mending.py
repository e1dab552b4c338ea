"""How to mend a cause here: the page's words, with this network's own addresses where the witnesses tell them all."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

from explain.causes.pages import page
from explain.state.addresses import is_link_local, network_of
from explain.state.settings import is_router

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.diagnosis import Candidate, Witnesses
    from explain.state.addresses import Network
    from explain.state.records import HostState

_TABLE = re.compile(r"\btable [\w.-]{1,15}(?= |\Z)")
_REFUSING = re.compile(r"(?:blackhole|unreachable|prohibit) (?:default|[0-9a-f.:]+(?:/\d+)?)(?= |\Z)")
_NUMBER = re.compile(r"(\d{1,10}): ")
_FILTER_RULE = re.compile(r"(\w{1,8}) ([\w.-]{1,64}) [\w.-]{1,64} handle \d{1,10}")
_STOPS = re.compile(r"[\w .,:/=!@&<>-]*\b(?:drop|reject|DROP|REJECT)\b[\w .-]*")
"""A rule that does nothing else: one that sends packets on by a map has other tasks.  A file may hold any quotes."""
_OF_A_SHELL = frozenset("&<>")
_OF_A_FILTER = ("filter-on-", "fragments-filtered")
_EXAMPLE_DELETE = re.compile(r"\bip (route|rule) del (?:unreachable \S+|to \S+ unreachable)")
_NAME = re.compile(r"[\w.-]{1,15}")
"""An interface's name that may stand in a command; a state may hold any."""
_EXAMPLE = re.compile(r"\b(192\.0\.2|198\.51\.100|198\.51\.0)\.(\d+)(?:/(\d+)|:(\d+))?\b")
_NETS = {"192.0.2": "2001:db8:1::", "198.51.100": "2001:db8:2::", "198.51.0": "2001:db8::"}
_LENGTHS = {"8": "/32", "16": "/32", "24": "/64", "32": "/128", None: ""}
_IN_IPV6 = {"iptables": "ip6tables", "ip rule": "ip -6 rule", "icmp type": "icmpv6 type"}


def mending(candidate: Candidate, witnesses: Witnesses, lang: str) -> tuple[str, bool]:
    """A command or an action that mends the cause.

    Returns:
        The page's words, and whether they are about this network: what stands for an address or interface of the
        example is its own, if the witnesses tell each of them, else the example is left, for IPv6 with addresses of
        IPv6.
    """
    about = page(candidate.cause)
    text, own = about.tellings[lang].mend, _own(candidate, witnesses)
    deletion = _EXAMPLE_DELETE.search(text)
    if deletion and (delete := _delete(candidate, own, is_rule=deletion[1] == "rule")):
        return text.replace(deletion[0], delete), True
    if not about.stands_for or not all(own.get(part) for part in about.stands_for.values()):
        text = _in_ipv6(text) if ":" in own.get("target", "") else text
        command = _without_the_rule(candidate) if candidate.cause.startswith(_OF_A_FILTER) else None
        return (f"    {command}\n\n{text}", True) if command else (text, False)
    for example, part in about.stands_for.items():
        text = re.sub(rf"(?<![\w.:/]){re.escape(example)}(?![\w/:]|\.\d)", own[part], text)
    return _in_its_table(text, candidate), True


def _in_ipv6(text: str) -> str:
    """The example's addresses and programs as IPv6 has them."""
    for word, theirs in _IN_IPV6.items():
        text = re.sub(rf"\b{word}\b", theirs, text)
    return _EXAMPLE.sub(_address_in_ipv6, text)


def _address_in_ipv6(found: re.Match[str]) -> str:
    host = {"0": "", "254": "fe"}.get(found[2], found[2])
    address = f"{_NETS[found[1]]}{host}{_LENGTHS[found[3]]}"
    return f"[{address}]:{found[4]}" if found[4] else address


def _in_its_table(text: str, candidate: Candidate) -> str:
    """A route that a policy rule's table holds is mended there, not in ``main``."""
    table = _TABLE.search(_shown(candidate, "route"))
    return re.sub(r"(?m)^(\s*ip (?:-6 )?route replace \S.*)$", rf"\1 {table[0]}", text) if table else text


def _shown(candidate: Candidate, kind: str) -> str:
    """The route or the rule that the state shows for this cause, as ``ip`` writes it; empty where there is none."""
    shown = (each.evidence or {} for each in candidate.because)
    return next((str(each["text"]) for each in shown if each.get("kind") == kind), "")


def _delete(candidate: Candidate, own: dict[str, str], *, is_rule: bool) -> str | None:
    """The command that takes away what refuses here: a route is found by its type too, a rule by its number."""
    program = "ip -6" if ":" in own.get("target", "") else "ip"
    if rule := _NUMBER.match(_shown(candidate, "policy-rule")):
        return f"{program} rule del pref {rule[1]}"
    route = None if is_rule else _REFUSING.match(_shown(candidate, "route"))
    table = _TABLE.search(route.string) if route else None
    return f"{program} route del {route[0]}{f' {table[0]}' if table else ''}" if route else None


def _without_the_rule(candidate: Candidate) -> str | None:
    """The command that takes away the rule of a filter which stops the packet here, if the state tells its number."""
    name, text = candidate.locus[0].rule if candidate.locus else None, _shown(candidate, "filter-rule")
    found = _FILTER_RULE.fullmatch(name or "")
    if found is None or not _STOPS.fullmatch(text):
        return None
    family, table = found.groups()
    if text.startswith("-"):
        if _OF_A_SHELL & set(text):
            return None
        return f"{'ip6tables' if family == 'ip6' else 'iptables'} -t {table} -D {text.removeprefix('-A ')}"
    return f"nft delete rule {name}"


def _own(candidate: Candidate, witnesses: Witnesses) -> dict[str, str]:
    """What is known of this network, by the words of the pages' ``stands_for``."""
    found: dict[str, str] = {}
    device = candidate.locus[0].interface if candidate.locus else None
    if device and _NAME.fullmatch(device):
        found["interface"] = device
    target = (witnesses.text.target_address if witnesses.text else None) or witnesses.destination or ""
    try:
        found["target"] = str(ip_address(target))
    except ValueError:
        return found
    family = ip_address(target).version
    sender = next((each for each in witnesses.states if each.name == witnesses.sender), None)
    owner = next((each for each in witnesses.states if each.owner_of(target) is not None), None)
    for prefix, host, address in (("", sender, None), ("target-", owner, target)):
        nets = {net for own, net in _networks(host, family) if address in {None, own}}
        if len(nets) != 1:
            continue
        (net,) = nets
        found[f"{prefix or 'sender-'}net"] = str(net)
        routers = {one for one in _routers(witnesses, net, family) if host is None or host.owner_of(one) is None}
        if len(routers) == 1:
            (found[f"{prefix}gateway"],) = routers
    return found


def _networks(host: HostState | None, family: int) -> Iterator[tuple[str, Network]]:
    for interface, address in host.addresses(family) if host is not None else ():
        net = network_of(address.local, address.prefix_length)
        if net is not None and not interface.is_loopback and not is_link_local(address.local):
            yield address.local, net


def _routers(witnesses: Witnesses, net: Network, family: int) -> Iterator[str]:
    """The addresses in a network of hosts that forward."""
    for state in witnesses.states:
        if is_router(state, family):
            yield from (own for own, _ in _networks(state, family) if net.covers(own))
