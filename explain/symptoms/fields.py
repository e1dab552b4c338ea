"""The words of one printed line: where each stands, and under which term a book would explain it.

A term is what a learner would look up: ``LOWER_UP``, ``scope link``, ``valid_lft``, ``STALE``, ``Flags [S.]``.  Words
that no term belongs to (names, plain numbers) are left out.
"""

# ruff: noqa: E501 - lists of words of one program read better in one row

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Field:
    """One word or pair of words of a line.

    Attributes:
        term: what to look it up as, the same whatever the value: ``mtu``, ``scope link``, ``LOWER_UP``, ``inet6``.
        value: what it says here (``1500``), None where the term says all.
        start, end: columns in the line, from 0, ``end`` exclusive.
    """

    term: str
    value: str | None
    start: int
    end: int


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


_WORD = re.compile(r"\S+")
_LINK_FLAGS = _words(
    "UP LOWER_UP BROADCAST MULTICAST LOOPBACK POINTOPOINT NOARP PROMISC ALLMULTI MASTER SLAVE NO-CARRIER DYNAMIC DORMANT ECHO M-DOWN"
)
_VALUED = {
    "link": _words("mtu qdisc master mode group qlen brd link-netns link-netnsid peer promiscuity minmtu maxmtu valid_lft preferred_lft altname numtxqueues numrxqueues gso_max_size parentbus parentdev metric"),
    "route": _words("via dev proto src metric table pref expires nhid weight mtu advmss hoplimit uid from"),
    "rule": _words("from to iif oif fwmark lookup table priority pref"),
    "neigh": _words("dev lladdr used probes ref"),
    "bridge": _words("dev master vlan dst mtu priority cost"),
    "iptables": _words("-p -s -d -i -o -m -A -P -N -t --dport --sport --to-destination --to-source --to-ports --ctstate --state --reject-with --icmp-type"),
}  # fmt: skip
_CHOICES = {
    "scope": "link",
    "state": "link",
    "proto": "route",
    "pref": "route",
    "policy": "iptables",
    "mode": "link",
    "-j": "iptables",
}
"""Keys whose value is part of the term: ``scope link`` and ``scope global`` are explained apart."""
_ALONE = {
    "link": _words("inet inet6 dynamic tentative dadfailed deprecated temporary mngtmpaddr noprefixroute secondary optimistic permaddr veth bridge dummy vlan vrf forever"),
    "route": _words("default blackhole unreachable prohibit throw local broadcast unicast linkdown dead onlink nexthop multicast anycast"),
    "rule": _words("all not blackhole unreachable prohibit"),
    "neigh": _words("REACHABLE STALE DELAY PROBE FAILED INCOMPLETE PERMANENT NOARP router proxy extern_learn"),
    "bridge": _words("permanent static sticky self master extern_learn offload forwarding blocking disabled learning listening hairpin guard isolated flood"),
    "iptables": _words("ACCEPT DROP REJECT MASQUERADE SNAT DNAT REDIRECT RETURN LOG NOTRACK FORWARD INPUT OUTPUT PREROUTING POSTROUTING Chain policy target prot opt source destination anywhere COMMIT"),
    "sockets": _words("LISTEN ESTAB UNCONN SYN-SENT SYN-RECV TIME-WAIT CLOSE-WAIT FIN-WAIT-1 FIN-WAIT-2 LAST-ACK CLOSING Recv-Q Send-Q"),
    "nft": _words("table chain type hook priority policy accept drop reject masquerade snat dnat counter ct jump goto meta iifname oifname saddr daddr dport sport"),
}  # fmt: skip
_FAMILY = {
    "ip-address": "link", "ip-link": "link", "ip-route": "route", "ip-rule": "rule", "ip-neighbour": "neigh",
    "bridge-fdb": "bridge", "bridge-link": "bridge", "iptables": "iptables", "iptables-save": "iptables",
    "nft": "nft", "sockets": "sockets",
}  # fmt: skip
_PATTERNS: dict[str, tuple[tuple[str, str], ...]] = {
    "link": ((r"@(?:if\d+|[\w.-]+)(?=:)", "@if"), (r"link/\S+", ""), (r"qlen (?P<v>\d+)", "qlen")),
    "iptables": ((r"(?:dpts?|spts?):(?P<v>\S+)", "dpt"), (r"\bto:(?P<v>\S*)", "to"), (r"ctstate (?P<v>\S+)", "ctstate")),
    "tcpdump": (
        (r"Flags \[[^\]]*\]", ""), (r"(?<=\d, )seq (?P<v>\d+)(?=, length)", "icmp_seq"), (r"\bseq (?P<v>[\d:]+)", "seq"), (r"\back (?P<v>\d+)", "ack"), (r"\bwin (?P<v>\d+)", "win"),
        (r"\boptions \[(?P<v>[^\]]*)\]", "options"), (r"\blength:? (?P<v>\d+)", "length"), (r"\bttl (?P<v>\d+)", "ttl"),
        (r"\bid (?P<v>\d+)", "id"), (r"\btos (?P<v>0x[0-9a-f]+)", "tos"), (r"\bflags \[(?P<v>[^\]]*)\]", "flags"),
        (r"\bproto (?P<v>\w+)", "proto"), (r"\bhlim (?P<v>\d+)", "hlim"), (r"who-has", "who-has"), (r"is-at", "is-at"),
        (r"ethertype (?P<v>\S+)", "ethertype"), (r"\bmss (?P<v>\d+)", "mss"), (r"sackOK", "sackOK"), (r"TS val (?P<v>\d+)", "TS val"),
        (r"wscale (?P<v>\d+)", "wscale"), (r"cksum (?P<v>\S+ \([^)]*\))", "cksum"), (r"\boffset (?P<v>\d+)", "offset"),
        (r"ICMP echo request", ""), (r"ICMP echo reply", ""), (r"neighbor solicitation", ""), (r"neighbor advertisement", ""),
        (r"router solicitation", ""), (r"router advertisement", ""), (r"(?<= )(?:In|Out|M|B|P)(?= )", ""),
        (r"\btime exceeded in-transit", ""), (r"(?<=ICMP )\S+ [^,]{1,80}? unreachable\b", "ICMP unreachable"), (r"prefix info option", ""),
        (r"BOOTP/DHCP", ""), (r"DHCP-Message", ""), (r"Server-ID", ""), (r"Lease-Time", ""), (r"Subnet-Mask", ""), (r"Default-Gateway", ""),
        (r"Domain-Name-Server", ""), (r"\bxid (?P<v>0x[0-9a-f]+)", "xid"), (r"\bRN(?= \()", ""), (r"\bRB(?= \()", ""), (r"Your-IP", ""),
        (r"(?<=: )\d{1,5}\+(?= )", "56640+"), (r"(?<= )[A-Z]{1,10}\?(?= )", ""), (r"(?<= )\d{1,3}/\d{1,3}/\d{1,3}(?= )", "1/0/0"), (r"\bNXDomain\b", ""),
        (r"\bvlan (?P<v>\d+)", "vlan"), (r"link-type \S+", ""), (r"(?:snapshot length|capture size) (?P<v>\d+)", "snapshot length"), (r"(?P<v>\d+) packets dropped by kernel", "packets dropped by kernel"),
        (r"(?<=HTTP: )(?:GET|POST|HEAD|HTTP/1\.[01])\b", ""), (r"^\s+0x0000:", "0x0000:"),
    ),
    "ping": (
        (r"icmp_seq=(?P<v>\d+)", "icmp_seq"), (r"ttl=(?P<v>\d+)", "ttl"), (r"time=(?P<v>[\d.]+ ms)", "time"), (r"\(DUP!\)", ""),
        (r"(?P<v>[\d.]+%) packet loss", "packet loss"), (r"rtt min/avg/max/mdev = (?P<v>\S+)", "rtt min/avg/max/mdev"), (r"\bpipe (?P<v>\d+)", "pipe"),
        (r"\+(?P<v>\d+) errors", "errors"), (r"(?P<v>\d+\(\d+\)) bytes of data", "bytes of data"),
        (r"Destination (?:Host|Net|Port|Protocol) Unreachable", ""), (r"Network is unreachable", ""), (r"Time to live exceeded", ""),
        (r"No route to host", ""), (r"Operation not permitted", ""), (r"Packet filtered", ""), (r"Frag needed and DF set", ""), (r"message too long", ""),
        (r"Redirect Host", ""), (r"Do you want to ping broadcast\?", ""), (r"Name or service not known", ""), (r"Temporary failure in name resolution", ""), (r"Invalid argument", ""),
    ),
    "dhcp": (
        (r"DHCP(?:DISCOVER|OFFER|REQUEST|ACK|NAK|DECLINE|RELEASE|INFORM)", ""), (r"xid=(?P<v>0x[0-9a-f]+)", "xid"),
        (r"interval (?P<v>\d+)", "interval"), (r"renewal in (?P<v>\d+) seconds", "renewal in"), (r"lease time (?P<v>\d+[dhms]?)", "lease time"),
        (r"bound to (?P<v>\S+)", "bound to"), (r"255\.255\.255\.255", ""), (r"broadcasting (?:discover|select)", ""), (r"lease of (?P<v>\S+) obtained", "lease of * obtained"),
        (r"available DHCP range", ""), (r"sockets bound exclusively", ""), (r"query\[\w+\]", "query[A]"), (r"(?<=: )config(?= )", ""), (r"NXDOMAIN", ""),
        (r"RTR-(?:ADVERT|SOLICIT)", ""), (r"(?<=\d )T[12](?= )", ""), (r"server-identifier", ""), (r"dns-server(?= )", ""), (r"lease-time", ""), (r"IP range", ""),
    ),
    "trace": ((r"(?<!\S)\*(?!\S)", "*"), (r"![HNPSFXVC](?!\w)|!\d+", ""), (r"pmtu (?P<v>\d+)", "pmtu"), (r"asymm +(?P<v>\d+)", "asymm"), (r"(?P<v>\d+) hops max", "hops max"), (r"\[LOCALHOST\]", ""), (r"Loss%", ""), (r"\breached\b", "")),
    "connect": (
        (r"Connection refused", ""), (r"[Cc]onnection timed out", "Connection timed out"), (r"succeeded!", ""), (r"Connected to", ""), (r"Trying(?= )", ""), (r"No route to host", ""),
        (r"Network is unreachable", ""), (r"HTTP/1\.[01](?= \d)", ""), (r"(?<=> )(?:GET|POST|HEAD)(?= )", ""), (r"Content-Length", ""), (r"TLS handshake", ""),
        (r"TLS alert", ""), (r"self-signed certificate", ""), (r"Server certificate", ""),
    ),
    "lookup": (
        (r"\bNXDOMAIN\b", ""), (r"\bNOERROR\b", ""), (r"\bSERVFAIL\b", ""), (r"\bREFUSED\b", ""), (r"(?<= )aa(?= )", ""), (r"\bANSWER(?=:)", "1/0/0"), (r"ANSWER SECTION", ""),
        (r"QUESTION SECTION", ""), (r"Query time", ""), (r"\bAAAA\b", ""),
    ),
    "conntrack": ((r"\[(?:ASSURED|UNREPLIED)\]", ""), (r"(?<= )(?:TIME_WAIT|ESTABLISHED|SYN_SENT|SYN_RECV|CLOSE|LAST_ACK|CLOSE_WAIT|FIN_WAIT)(?= )", ""), (r"\bmark=\d+", "mark"), (r"flow entries", "")),
}  # fmt: skip
_PATTERN_FAMILY = {
    **{kind: kind for kind in ("tcpdump", "ping", "connect", "lookup", "conntrack")}, "dhcp-client": "dhcp", "server-log": "dhcp", "traceroute": "trace",
    "tracepath": "trace", "mtr": "trace", "ip-address": "link", "ip-link": "link", "iptables": "iptables",
    "iptables-save": "iptables",
}  # fmt: skip


def fields_of(kind: str, text: str) -> tuple[Field, ...]:
    """The fields of a line, in the order in which they stand there; none where nothing is to be explained."""
    found: list[Field] = []
    for field in (*_by_pattern(kind, text), *_by_word(kind, text)):
        if not any(each.start < field.end and field.start < each.end for each in found):
            found.append(field)
        if len(found) >= _MOST_FIELDS:
            break
    return tuple(sorted(found, key=lambda each: each.start))


def _by_pattern(kind: str, text: str) -> Iterator[Field]:
    for pattern, term in _PATTERNS.get(_PATTERN_FAMILY.get(kind, ""), ()):
        for match in re.finditer(pattern, text):
            value = match.groupdict().get("v") or (match.group()[1:] if term == "@if" else None)
            yield Field(term or match.group(), value, match.start(), match.end())
    if kind == "sysctl" and (name := re.match(r"\s*([\w.-]+(?:[./][\w-]+)+)\s*=\s*(\S.*)?", text)):
        yield Field(name.group(1), name.group(2), name.start(1), len(text.rstrip()))


def _by_word(kind: str, text: str) -> Iterator[Field]:
    family = _FAMILY.get(kind)
    if family is None:
        return
    words = list(_WORD.finditer(text))
    for at, word in enumerate(words):
        shown, following = word.group(), words[at + 1] if at + 1 < len(words) else None
        if shown.startswith("<") and shown.endswith((">", ">,")):
            yield from _flags(word)
        elif (key := shown.lstrip("(")) in _CHOICES and following is not None:
            said = following.group().rstrip("),:;")
            yield Field(f"{key} {said}", None, word.end() - len(key), following.start() + len(said))
        elif shown in _VALUED.get(family, ()) and following is not None:
            yield Field(shown, following.group(), word.start(), following.end())
        elif (bare := shown.strip("():,;")) in _ALONE.get(family, ()):
            yield Field(bare, None, word.start(), word.end())


def _flags(word: re.Match[str]) -> Iterator[Field]:
    at = word.start() + 1
    for flag in word.group().strip("<>").split(",")[:40]:
        name = flag.rstrip(">")
        if name in _LINK_FLAGS:
            yield Field(name, None, at, at + len(name))
        at += len(flag) + 1


_TCPDUMP_WITH_VALUE = "BcCFGijmMQrsTVwWyzE"


def typed_fields(kind: str, words: tuple[str, ...], text: str) -> tuple[tuple[str, str], ...]:
    """The options of a command that a book would explain: as typed, and the term; ``-nle`` is three of them.

    Args:
        kind: of the block.
        words: of the bare command, its name first.
        text: the line as typed.
    """
    if kind == "iptables" or (words and words[0] in ("iptables", "ip6tables")):
        return tuple((text[each.start : each.end], each.term) for each in fields_of("iptables", text))
    return tuple(_tcpdump_options(words[1:60])) if kind == "tcpdump" else ()


def _tcpdump_options(words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for at, word in enumerate(words):
        if word == "-i" and words[at + 1 : at + 2] == ("any",):
            yield "-i any", "-i any"
        elif re.fullmatch(r"-(t+|v+|xx?|XX?)", word):
            yield word, word
        elif re.fullmatch(r"-[A-Za-z]{1,20}", word):
            for letter in word[1:]:
                if letter in _TCPDUMP_WITH_VALUE:
                    break
                yield f"-{letter}", f"-{letter}"
