"""Lines of iptables-save as statements in nft's JSON form, so that one evaluator serves both."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

Statement = Mapping[str, Any]
Table = tuple[str, str, str, list[tuple[tuple[Statement, ...], str]]]

LEGACY = " (legacy)"
"""Behind the name of a table that nft does not know. Source: xtables-legacy(8)."""
_LIMIT_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}


def tables_of(lines: tuple[str, ...], family: str) -> list[Table]:
    """Chains as (table, chain, policy, rules); a rule is its statements and its text.

    Lines that are no iptables-save are passed over; a rule that cannot be split is one unknown statement.  A table that
    comes once more is that of the other iptables: a packet meets both.
    """
    tables: set[str] = set()
    chains: dict[tuple[str, str], Table] = {}
    table = "filter"
    for raw in lines:
        line = raw.strip()
        if line.startswith("*"):
            table = line[1:] if line[1:] not in tables else line[1:] + LEGACY
            tables.add(table)
        elif line.startswith(":"):
            name, _, rest = line[1:].partition(" ")
            policy = rest.split(" ")[0] if rest else "-"
            chains[(table, name)] = (table, name, "accept" if policy == "-" else policy, [])
        else:
            text = line.partition("] ")[2] if line.startswith("[") else line
            if text.startswith("-A "):
                name = text[3:].split(" ", 1)[0]
                chain = chains.setdefault((table, name), (table, name, "accept", []))
                chain[3].append((_statements(text, family), text))
    return list(chains.values())


def _statements(text: str, family: str) -> tuple[Statement, ...]:
    try:
        words = shlex.split(text)[2:]
    except ValueError:
        return {"unknown": text}, {"drop": None}
    return _Parser(words, family).parse()


def _match(left: object, right: object, *, inverted: bool = False, op: str = "==") -> Statement:
    return {"match": {"op": "!=" if inverted else op, "left": left, "right": right}}


def _meta(key: str) -> Statement:
    return {"meta": {"key": key}}


def _payload(protocol: str, field: str) -> Statement:
    return {"payload": {"protocol": protocol, "field": field}}


def _number(text: str) -> object:
    try:
        return int(text, 0)
    except ValueError:
        return text


def _range(text: str, mark: str = ":") -> object:
    first, found, last = text.partition(mark)
    return {"range": [_number(first or "0"), _number(last or "65535")]} if found else _number(text)


class _Parser:
    """Reads the words of one rule from left to right."""

    def __init__(self, words: list[str], family: str) -> None:
        self.words = words
        self.at = 0
        self.family = family
        self.out: list[Statement] = []
        self.inverted = False
        self.module = ""

    def parse(self) -> tuple[Statement, ...]:
        while self.at < len(self.words):
            word = self.next()
            if word == "!":
                self.inverted = True
                continue
            self._option(word)
            self.inverted = False
        return tuple(self.out)

    def next(self) -> str:
        """The next word, or nothing behind the last."""
        word = self.words[self.at] if self.at < len(self.words) else ""
        self.at += 1
        return word

    def _add(self, left: object, right: object, op: str = "==") -> None:
        self.out.append(_match(left, right, inverted=self.inverted, op=op))

    def _unknown(self, word: str) -> None:
        """An option that is not understood: it and its arguments decide nothing that could be relied on."""
        taken = [word]
        while self.at < len(self.words) and not self.words[self.at].startswith(("-", "!")):
            taken.append(self.next())
        self.out.append({"unknown": " ".join(taken)})

    def _option(self, word: str) -> None:
        if word in {"-m", "--match"}:
            self.module = self.next()
            if self.module in {"tcp", "udp"} and not any("l4proto" in str(each) for each in self.out):
                self.out.append(_match(_meta("l4proto"), self.module))
        elif word in {"-j", "--jump"}:
            _Target(self).take(self.next())
        elif word in {"-g", "--goto"}:
            self.out.append({"goto": {"target": self.next()}})
        elif not (self._header(word) or self._ports(word) or self._connection(word) or self._extra(word)):
            self._unknown(word)

    def _header(self, word: str) -> bool:
        protocol = "ip" if self.family == "ip" else "ip6"
        if word in {"-s", "--source", "-d", "--destination"}:
            field = "saddr" if word in {"-s", "--source"} else "daddr"
            self._add(_payload(protocol, field), self.next())
        elif word in {"-i", "--in-interface", "-o", "--out-interface"}:
            name = self.next()
            key = "iifname" if word in {"-i", "--in-interface"} else "oifname"
            self._add(_meta(key), name[:-1] + "*" if name.endswith("+") else name)
        elif word in {"-p", "--protocol"}:
            name = self.next()
            if name not in {"all", "0"}:
                self._add(_meta("l4proto"), {"icmp6": "ipv6-icmp"}.get(name, name))
        elif word in {"-f", "--fragment"}:
            left = {"&": [_payload("ip", "frag-off"), 0x1FFF]}
            self.out.append(_match(left, 0, inverted=not self.inverted))
        else:
            return False
        return True

    def _ports(self, word: str) -> bool:
        names = {"--sport": "sport", "--source-port": "sport", "--dport": "dport", "--destination-port": "dport"}
        several = {"--sports": "sport", "--source-ports": "sport", "--dports": "dport", "--destination-ports": "dport"}
        if word in names:
            self._add(_payload("th", names[word]), _range(self.next()))
        elif word in several:
            self._add(_payload("th", several[word]), {"set": [_range(each) for each in self.next().split(",")]})
        elif word in {"--icmp-type", "--icmpv6-type"}:
            self._icmp(self.next(), "icmp" if word == "--icmp-type" else "icmpv6")
        elif word == "--tcp-flags":
            mask, wanted = self._flags(self.next()), self._flags(self.next())
            self._add({"&": [_payload("tcp", "flags"), mask]}, wanted)
        elif word == "--syn":
            self._add({"&": [_payload("tcp", "flags"), ["fin", "syn", "rst", "ack"]]}, ["syn"])
        else:
            return False
        return True

    @staticmethod
    def _flags(text: str) -> list[str]:
        lowered = text.lower()
        if lowered == "all":
            return ["fin", "syn", "rst", "psh", "ack", "urg"]
        return [] if lowered == "none" else lowered.split(",")

    def _icmp(self, text: str, protocol: str) -> None:
        if text in {"any", "255", "255/255"}:
            return
        kind, slash, code = text.partition("/")
        if slash and self.inverted:
            self.out.append({"unknown": f"! --icmp-type {text}"})
            return
        self._add(_payload(protocol, "type"), _number(kind))
        if slash:
            self._add(_payload(protocol, "code"), _number(code))

    def _connection(self, word: str) -> bool:
        if word in {"--ctstate", "--state"}:
            names = [name.lower() for name in self.next().split(",")]
            states = [name for name in names if name not in {"snat", "dnat"}]
            if len(states) < len(names):
                self.out.append({"unknown": f"{word} {','.join(names)}"})
            else:
                self._add({"ct": {"key": "state"}}, states, op="in")
        elif word == "--mark" and self.module in {"mark", ""}:
            value, slash, mask = self.next().partition("/")
            left: Statement = {"&": [_meta("mark"), _number(mask)]} if slash else _meta("mark")
            self._add(left, _number(value))
        elif word in {"--src-range", "--dst-range"}:
            field = "saddr" if word == "--src-range" else "daddr"
            protocol = "ip" if self.family == "ip" else "ip6"
            self._add(_payload(protocol, field), {"range": self.next().split("-", 1)})
        elif word == "--length":
            self._add(_meta("length"), _range(self.next()))
        elif word == "--pkt-type":
            kind = self.next()
            self._add(_meta("pkttype"), {"unicast": "host"}.get(kind, kind))
        elif word in {"--src-type", "--dst-type"}:
            flag = "saddr" if word == "--src-type" else "daddr"
            self._add({"fib": {"result": "type", "flags": [flag]}}, self.next().lower())
        elif word == "--mac-source":
            self._add(_payload("ether", "saddr"), self.next().lower())
        else:
            return False
        return True

    def _extra(self, word: str) -> bool:
        if word in {"--limit", "--hashlimit-upto", "--hashlimit-above"}:
            rate, _, per = self.next().partition("/")
            unit = _LIMIT_UNITS.get(per[:1], "second")
            inverted = self.inverted != (word == "--hashlimit-above")
            self.out.append({"limit": {"rate": _number(rate), "per": unit, "inv": inverted}})
        elif word in {"--limit-burst", "--hashlimit-burst", "--hashlimit-name", "--hashlimit-mode", "--comment"}:
            self.next()
        elif word == "--mode":
            self.out.append({"sometimes": {"mode": self.next()}})
        elif word in {"--probability", "--every", "--packet"}:
            self.next()
        elif word in {"--ttl-eq", "--hl-eq", "--ttl-lt", "--hl-lt", "--ttl-gt", "--hl-gt"}:
            op = {"eq": "==", "lt": "<", "gt": ">"}[word[-2:]]
            protocol, field = ("ip", "ttl") if self.family == "ip" else ("ip6", "hoplimit")
            self._add(_payload(protocol, field), _number(self.next()), op=op)
        elif self.module == "frag" or word == "--header":
            self.out.append(_match({"exthdr": {"name": "frag"}}, True))
            if word == "--header":
                self.out[-1] = _frag_header(self.next(), self.out[-1])
        elif word == "--soft":
            pass
        else:
            return False
        return True


def _frag_header(names: str, statement: Statement) -> Statement:
    return statement if names == "frag" else {"unknown": f"--header {names}"}


_REJECTS = {
    "net": "net-unreachable",
    "host": "host-unreachable",
    "port": "port-unreachable",
    "proto": "prot-unreachable",
}


class _Target:
    """The part of a rule behind ``-j``."""

    def __init__(self, parser: _Parser) -> None:
        self.parser = parser

    def take(self, name: str) -> None:
        options = self._options()
        out = self.parser.out
        simple = {"ACCEPT": "accept", "DROP": "drop", "RETURN": "return", "NFQUEUE": "queue", "NOTRACK": "notrack"}
        if name in simple:
            out.append({simple[name]: None})
        elif name == "REJECT":
            out.append({"reject": self._reject(options.get("--reject-with", ""))})
        elif name == "CT":
            out.append({"notrack": None} if "--notrack" in options else {"effect": "CT"})
        elif name in {"SNAT", "DNAT", "MASQUERADE", "REDIRECT"}:
            out.append({name.lower(): self._translation(options)})
        elif name == "MARK":
            out.append(self._mark(options))
        elif name in {"TTL", "HL"}:
            out.append(self._ttl(options))
        elif name == "TEE":
            out.append({"dup": options.get("--gateway", "")})
        elif name in {"LOG", "NFLOG", "ULOG", "TCPMSS", "TRACE", "CONNMARK", "CLASSIFY", "DSCP", "TOS", "CHECKSUM"}:
            out.append({"effect": name})
        elif name.isupper() and name in {"SYNPROXY", "TPROXY", "NETMAP", "SET", "HMARK", "RATEEST", "AUDIT"}:
            out.append({"unknown": f"-j {name}"})
        else:
            out.append({"jump": {"target": name}})

    def _options(self) -> dict[str, str]:
        options: dict[str, str] = {}
        while self.parser.at < len(self.parser.words):
            word = self.parser.next()
            if not word.startswith("--"):
                continue
            following = self.parser.words[self.parser.at : self.parser.at + 1]
            has_value = bool(following) and not following[0].startswith("--")
            options[word] = self.parser.next() if has_value else ""
        return options

    @staticmethod
    def _reject(text: str) -> Statement:
        if text in {"tcp-reset", "tcp-rst"}:
            return {"type": "tcp reset"}
        kind = text.removeprefix("icmp6-").removeprefix("icmp-") or "port-unreachable"
        kind = kind.replace("adm-prohibited", "admin-prohibited")
        return {"type": "icmp", "expr": _REJECTS.get(kind.split("-")[0], kind) if "unreach" in kind else kind}

    @staticmethod
    def _translation(options: Mapping[str, str]) -> Statement | None:
        text = options.get("--to-source") or options.get("--to-destination") or ""
        ports = options.get("--to-ports") or options.get("--to-port")
        if text.startswith("["):
            address, _, port = text[1:].partition("]")
            port = port.lstrip(":")
        elif text.count(":") > 1:
            address, port = text, ""
        else:
            address, _, port = text.partition(":")
        found: dict[str, object] = {}
        if address:
            first, dash, last = address.partition("-")
            found["addr"] = {"range": [first, last]} if dash else first
        if ports or port:
            found["port"] = _range(ports or port, "-")
        return found or None

    @staticmethod
    def _mark(options: Mapping[str, str]) -> Statement:
        text = options.get("--set-mark") or options.get("--set-xmark") or ""
        value, _, mask = text.partition("/")
        if not value or mask not in {"", "0xffffffff"}:
            return {"effect": "MARK"}
        return {"mangle": {"key": _meta("mark"), "value": _number(value)}}

    def _ttl(self, options: Mapping[str, str]) -> Statement:
        protocol, field = ("ip", "ttl") if self.parser.family == "ip" else ("ip6", "hoplimit")
        for name in ("--ttl-set", "--hl-set"):
            if name in options:
                return {"mangle": {"key": _payload(protocol, field), "value": _number(options[name])}}
        return {"effect": "TTL"}
