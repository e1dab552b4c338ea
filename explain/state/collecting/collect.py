"""Collects the state of the host, or of the namespace in which the calling thread stands, as the contract has it.

The keys hold what ``ip -j``, ``bridge -j`` and ``nft -j`` print.  What cannot be asked is left out: an absent key is
unknown, an empty one was looked at and is empty.

Source: contract section 4; proc(5) for counters.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

IP = {
    "addr": ("ip", "-j", "address"),
    "link": ("ip", "-j", "-d", "-s", "link"),
    "route": ("ip", "-j", "-4", "route", "show", "table", "all"),
    "route6": ("ip", "-j", "-6", "route", "show", "table", "all"),
    "rule": ("ip", "-j", "-4", "rule"),
    "rule6": ("ip", "-j", "-6", "rule"),
    "neigh": ("ip", "-j", "neigh", "show", "nud", "all"),
    "proxy": ("ip", "-j", "neigh", "show", "proxy"),
    "qdisc": ("tc", "-j", "qdisc", "show"),
}
_BRIDGE = {"fdb": ("bridge", "-j", "fdb"), "bridge_link": ("bridge", "-j", "-d", "link")}
LINES = {
    "iptables_save": ("iptables-save", "-c"),
    "ip6tables_save": ("ip6tables-save", "-c"),
    "sockets": ("ss", "-H", "-tulnp"),
    "conntrack": ("conntrack", "-L"),
}
SETTINGS = (
    *("net.ipv4.ip_forward", "net.ipv4.icmp_echo_ignore_all", "net.ipv4.icmp_echo_ignore_broadcasts"),
    *("net.ipv4.ip_default_ttl", "net.ipv4.ping_group_range", "net.ipv4.icmp_ratelimit", "net.ipv4.ip_no_pmtu_disc"),
    *("net.ipv6.conf.all.forwarding", "net.ipv6.conf.all.disable_ipv6", "net.ipv6.icmp.echo_ignore_all"),
    *("net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"),
    *("net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_count"),
)
_CONF4 = (
    *("forwarding", "rp_filter", "arp_ignore", "arp_announce", "arp_filter", "proxy_arp", "accept_redirects"),
    *("send_redirects", "accept_source_route", "log_martians"),
)
_CONF6 = ("forwarding", "accept_ra", "accept_dad", "disable_ipv6", "hop_limit")
MOST_FLOWS = 20_000  # a table with more is not listed: the count among the settings says that it is (nearly) full
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # ordinary users often lack the sbin ones


def collect() -> dict[str, Any]:
    """The state as one JSON object.

    Returns:
        key of the contract -> what iproute2 or nft would print, lines, settings, or counters.  Keys that could not
        be collected here are absent.
    """
    state: dict[str, Any] = {}
    for key, argv in IP.items():
        _put(state, key, _json(argv))
    from explain.state.collecting.netlink import collect_netlink, neighbours

    if "neigh" in state:
        state["neigh"] = neighbours(state["neigh"])
    if "link" not in state:  # no iproute2 here
        state = {**collect_netlink(), **state}
    if any(link.get("linkinfo", {}).get("info_kind") == "bridge" for link in state.get("link", [])):
        for key, argv in _BRIDGE.items():
            _put(state, key, _json(argv))
    _put(state, "nft", _json(("nft", "-j", "list", "ruleset")))
    state["sysctl"] = settings([link["ifname"] for link in state.get("link", [])])
    for key, argv in LINES.items():
        if key != "conntrack" or int(state["sysctl"].get("net.netfilter.nf_conntrack_count", 0)) <= MOST_FLOWS:
            _put(state, key, _lines(argv))
    state["counters"] = counters()
    return state


def _put(state: dict[str, Any], key: str, value: object) -> None:
    if value is not None:
        state[key] = value


def _output(argv: tuple[str, ...]) -> str | None:
    tool = shutil.which(argv[0], path=PATH)
    if tool is None:
        return None
    environment = {**os.environ, "PATH": PATH, "LC_ALL": "C"}
    try:
        done = subprocess.run([tool, *argv[1:]], capture_output=True, check=False, timeout=20, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def _json(argv: tuple[str, ...]) -> Any:
    printed = _output(argv)
    if printed is None:
        return None
    try:
        rows = json.loads(printed or "[]")
    except ValueError:
        return None
    return [row for row in rows if row] if isinstance(rows, list) else rows


def _lines(argv: tuple[str, ...]) -> list[str] | None:
    if argv[0].endswith("tables-save") and not _has_tables(argv[0]):
        return []
    printed = _output(argv)
    if printed is not None and argv[0].endswith("tables-save") and _is_beside_legacy(argv[0], printed):
        # Beside nft's tables there are those of the kernel's old filter.
        printed += _output((argv[0].replace("tables-", "tables-legacy-"), *argv[1:])) or ""
    return None if printed is None else [line.rstrip() for line in printed.splitlines() if line.strip()]


def _has_tables(command: str) -> bool:
    """False if no table of iptables exists, neither old nor in nft; asking iptables-save would not say more."""
    if _legacy_names(command):
        return True
    listed = _output(("nft", "list", "tables"))
    return listed is None or bool(re.search(r"table ip6? (filter|nat|mangle|raw|security)$", listed, re.MULTILINE))


def _is_beside_legacy(command: str, printed: str) -> bool:
    """Whether these are nft's tables, or none, and the old ones exist as well."""
    return bool(_legacy_names(command)) and (not printed or "(nf_tables)" in printed)


def _legacy_names(command: str) -> str:
    names = "ip6_tables_names" if "6" in command else "ip_tables_names"
    try:
        return Path("/proc/thread-self/net", names).read_text().strip()
    except OSError:
        return ""


def settings(interfaces: list[str]) -> dict[str, str]:
    """The kernel settings that decide about packets, of the calling thread's namespace."""
    found = {}
    names = [*SETTINGS]
    for nic in ("all", "default", *interfaces):
        names += [f"net.ipv4.conf.{nic}.{key}" for key in _CONF4]
        names += [f"net.ipv6.conf.{nic}.{key}" for key in _CONF6]
    for name in names:
        prefix, _, rest = name.partition(".conf.")
        # An interface's name may have dots of its own.
        nic, _, key = rest.rpartition(".")
        path = Path("/proc/sys", *prefix.split("."), *(("conf", nic, key) if rest else ()))
        try:
            found[name] = path.read_text().strip()
        except OSError:
            continue
    return found


def counters() -> dict[str, int]:
    """The kernel's counters that are not zero, of the calling thread's namespace."""
    found: dict[str, int] = {}
    for table in ("snmp", "netstat"):
        try:
            lines = Path(f"/proc/thread-self/net/{table}").read_text().splitlines()
        except OSError:
            continue
        for names, values in zip(lines[::2], lines[1::2], strict=False):
            group, *keys = names.split()
            for key, value in zip(keys, values.split()[1:], strict=False):
                found[group.rstrip(":") + key] = int(value)
    try:
        for line in Path("/proc/thread-self/net/snmp6").read_text().splitlines():
            key, value = line.split()
            found[key] = int(value)
    except OSError:
        pass
    return {key: value for key, value in found.items() if value > 0}


def without_processes(state: dict[str, Any]) -> dict[str, Any]:
    """The same state, its sockets without the names and numbers of the processes that hold them."""
    sockets = [re.sub(r" users:\(\(.*?\)\)", "", line) for line in state.get("sockets", [])]
    return {**state, "sockets": sockets} if "sockets" in state else state
