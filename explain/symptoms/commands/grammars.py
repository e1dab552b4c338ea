"""How each program takes its options: which letters carry a value, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


@dataclass(frozen=True, slots=True)
class Grammar:
    """How a program takes its options: the letters with a value, the long ones with a value, what they mean."""

    kind: str
    with_value: str = ""
    long_with_value: frozenset[str] = frozenset()
    meaning: Mapping[str, str] = field(default_factory=dict)
    has_port: bool = False
    has_long_dash: bool = False  # -lf FILE, -connect HOST: one dash, several letters


_LONG_CURL = _set(
    "connect-timeout max-time interface resolve connect-to request header data data-raw data-binary "
    "output user user-agent proxy retry retry-delay cookie cookie-jar form cacert cert key range "
    "referer url write-out limit-rate local-port dns-servers preproxy socks5 socks5-hostname noproxy "
    "json ciphers upload-file max-redirs keepalive-time"
)
GRAMMARS: dict[str, Grammar] = {
    "ping": Grammar(
        "ping",
        "cFiIlmMNpQsStTwWeG",
        meaning={
            "c": "count",
            "i": "interval_s",
            "W": "wait_s",
            "w": "deadline_s",
            "s": "size",
            "t": "ttl",
            "M": "pmtu",
            "I": "from",
            "m": "mark",
            "Q": "tos",
        },
    ),
    "ping.bsd": Grammar(
        "ping",
        "cDgGhiIklmMpsStTWzbCK".replace("D", "").replace("C", ""),
        meaning={
            "c": "count",
            "i": "interval_s",
            "W": "wait_ms",
            "t": "deadline_s",
            "s": "size",
            "m": "ttl",
            "I": "from",
            "S": "source",
            "b": "interface",
        },
    ),
    "ping.windows": Grammar(
        "ping",
        "nlivrswSc",
        meaning={"n": "count", "l": "size", "i": "ttl", "w": "wait_ms", "S": "source"},
    ),
    "fping": Grammar(
        "ping",
        "bBcCfHiIkOpQrStTx",
        _set("count vcount size ttl iface src tos period timeout retry backoff interval file"),
        {
            **dict.fromkeys(("c", "count", "C", "vcount"), "count"),
            **dict.fromkeys(("b", "size"), "size"),
            **dict.fromkeys(("H", "ttl"), "ttl"),
            **dict.fromkeys(("I", "iface"), "interface"),
            **dict.fromkeys(("S", "src"), "source"),
            **dict.fromkeys(("O", "tos"), "tos"),
            **dict.fromkeys(("p", "period"), "interval_ms"),
            **dict.fromkeys(("t", "timeout"), "wait_ms"),
        },
    ),
    "arping": Grammar(
        "arping",
        "cIswitSTPV",
        meaning={"c": "count", "I": "interface", "i": "interface", "s": "source", "w": "deadline_s"},
    ),
    "traceroute": Grammar(
        "traceroute",
        "fgimNopqstlwzMOPS",
        _set(
            "first max-hops gateway interface sim-queries port tos flowlabel wait queries source sendwait "
            "module options sport fwmark"
        ),
        {
            "f": "ttl",
            "i": "interface",
            "s": "source",
            "w": "wait_s",
            "q": "count",
            "m": "most_hops",
            "max-hops": "most_hops",
            "t": "tos",
            "tos": "tos",
            "fwmark": "mark",
        },
    ),
    "tracepath": Grammar("tracepath", "lmp", meaning={"l": "size", "m": "most_hops"}),
    "tracert": Grammar("traceroute", "hwjS", meaning={"w": "wait_ms", "S": "source", "h": "most_hops"}),
    "mtr": Grammar(
        "mtr",
        "cifmsaIQBPLZGUoyFMN",
        _set(
            "report-cycles interval first-ttl max-ttl max-unknown psize bitpattern gracetime tos mpls "
            "timeout address interface port localport order ipinfo filename mark displaymode"
        ),
        {
            "c": "count",
            "i": "interval_s",
            "s": "size",
            "f": "ttl",
            "I": "interface",
            "a": "source",
            "Z": "wait_s",
            "m": "most_hops",
            "max-ttl": "most_hops",
            "Q": "tos",
            "tos": "tos",
            "M": "mark",
            "mark": "mark",
        },
    ),
    "curl": Grammar(
        "connect",
        "omXHdAuxbceFTwYyzEKCrQUDtPhj".replace("j", "").replace("h", ""),
        _LONG_CURL,
        {"m": "deadline_s", "connect-timeout": "wait_s", "max-time": "deadline_s", "interface": "from"},
    ),
    "nc": Grammar("connect", "IimMOPpqsTVWwXx", meaning={"w": "wait_s", "s": "source"}, has_port=True),
    "ncat": Grammar(
        "connect",
        "wpsiecmgGox",
        _set("wait source source-port delay idle-timeout exec sh-exec proxy output"),
        {"w": "wait_s", "s": "source"},
        has_port=True,
    ),
    "ssh": Grammar("connect", "BbcDEeFIiJLlmOoPpQRSWw", meaning={"b": "source", "B": "interface", "p": "port"}),
    "wget": Grammar(
        "connect",
        "TtOoPUeaiBQwIXDARl",
        _set("timeout tries output-document bind-address connect-timeout dns-timeout read-timeout wait header"),
        {"T": "wait_s", "timeout": "wait_s", "connect-timeout": "wait_s", "bind-address": "source"},
    ),
    "telnet": Grammar("connect", "beklnrXxS", meaning={"b": "source"}, has_port=True),
    "tcpprobe": Grammar(
        "connect", "", _set("say times repeat pause timeout enough"), {"timeout": "wait_s"}, has_port=True
    ),
    "udpprobe": Grammar("connect", has_port=True),
    "dig": Grammar("lookup", "bcfkpqtxy", meaning={"b": "source", "p": "port"}),
    "host": Grammar("lookup", "cmNtRW", meaning={"W": "wait_s"}),
    "nslookup": Grammar("lookup", has_long_dash=True),
    "getent": Grammar("lookup", "s"),
    "resolvectl": Grammar("lookup", "itpc"),
    "dhclient": Grammar("dhcp-client", "psegDVIPH", _set("lf pf cf sf df timeout"), has_long_dash=True),
    "udhcpc": Grammar(
        "dhcp-client",
        "isptTArxFVOcH",
        _set(
            "interface pidfile script retries timeout tryagain request-option request hostname fqdn "
            "vendorclass clientid"
        ),
        {"i": "interface", "interface": "interface", "t": "count", "T": "interval_s"},
    ),
    "dhcpcd": Grammar("dhcp-client", "cefhilmoqrstuvzCDFGIOQSXWZ", meaning={"t": "deadline_s"}),
    "tcpdump": Grammar("capture", "BcCEFGijmMQrsTVwWyz", meaning={"i": "interface", "c": "count"}),
    "tshark": Grammar("capture", "iwrfYcsabTEeoXzdDFB", meaning={"i": "interface", "c": "count"}),
}
ALIASES = {
    "ping4": "ping",
    "ping6": "ping",
    "fping6": "fping",
    "traceroute6": "traceroute",
    "traceroute4": "traceroute",
    "traceroute.db": "traceroute",
    "tcptraceroute": "traceroute",
    "tracepath6": "tracepath",
    "tracepath4": "tracepath",
    "tracert6": "tracert",
    "pathping": "tracert",
    "netcat": "nc",
    "nc.openbsd": "nc",
    "nc.traditional": "nc",
    "mtr-packet": "mtr",
    "kdig": "dig",
    "delv": "dig",
    "drill": "dig",
    "systemd-resolve": "resolvectl",
    "test-netconnection": "ping.windows",
    "test-connection": "ping.windows",
    "sftp": "ssh",
    "scp": "ssh",
    "dhclient3": "dhclient",
    "udhcpc6": "udhcpc",
    "wget2": "wget",
}
STATE = _set(
    "ip ifconfig route arp sysctl iptables ip6tables iptables-save ip6tables-save iptables-restore "
    "nft bridge brctl ss netstat conntrack tc ethtool networkctl nmcli ipconfig netsh ipset ebtables "
    "arptables ndp"
)
_SERVERS = _set("dnsmasq dhcpd kea-dhcp4 journalctl tail cat less grep systemctl dmesg")
_OTHERS = _set("echo hostname python python3 perl apt apt-get ls cd exit kill mkdir vi vim nano")
KNOWN_PROGRAMS = frozenset(
    {*(name for name in GRAMMARS if "." not in name), *ALIASES, *STATE, *_SERVERS, *_OTHERS, "bash", "sh"}
)
"""Programs whose name at the start of a line makes it a command line."""
