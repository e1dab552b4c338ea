"""Lines of iptables-save as statements in nft's JSON form, so that one evaluator serves both."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from explain.state.filters.iptables_target import number, span, target
from explain.state.filters.nft_json import match, meta, payload

if TYPE_CHECKING:
    from explain.state.filters.nft_json import Statement

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
        self.out.append(match(left, right, "!=" if self.inverted else op))

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
                self.out.append(match(meta("l4proto"), self.module))
        elif word in {"-j", "--jump"}:
            name = self.next()
            self.out.append(target(name, self.words[self.at :], self.family))
            self.at = len(self.words)
        elif word in {"-g", "--goto"}:
            self.out.append({"goto": {"target": self.next()}})
        elif not (self._header(word) or self._ports(word) or self._connection(word) or self._extra(word)):
            self._unknown(word)

    def _header(self, word: str) -> bool:
        protocol = "ip" if self.family == "ip" else "ip6"
        if word in {"-s", "--source", "-d", "--destination"}:
            field = "saddr" if word in {"-s", "--source"} else "daddr"
            self._add(payload(protocol, field), self.next())
        elif word in {"-i", "--in-interface", "-o", "--out-interface"}:
            name = self.next()
            key = "iifname" if word in {"-i", "--in-interface"} else "oifname"
            self._add(meta(key), name[:-1] + "*" if name.endswith("+") else name)
        elif word in {"-p", "--protocol"}:
            name = self.next()
            if name not in {"all", "0"}:
                self._add(meta("l4proto"), {"icmp6": "ipv6-icmp"}.get(name, name))
        elif word in {"-f", "--fragment"}:
            left = {"&": [payload("ip", "frag-off"), 0x1FFF]}
            self.out.append(match(left, 0, "==" if self.inverted else "!="))
        else:
            return False
        return True

    def _ports(self, word: str) -> bool:
        names = {"--sport": "sport", "--source-port": "sport", "--dport": "dport", "--destination-port": "dport"}
        several = {"--sports": "sport", "--source-ports": "sport", "--dports": "dport", "--destination-ports": "dport"}
        if word in names:
            self._add(payload("th", names[word]), span(self.next()))
        elif word in several:
            self._add(payload("th", several[word]), {"set": [span(each) for each in self.next().split(",")]})
        elif word in {"--icmp-type", "--icmpv6-type"}:
            self._icmp(self.next(), "icmp" if word == "--icmp-type" else "icmpv6")
        elif word == "--tcp-flags":
            mask, wanted = self._flags(self.next()), self._flags(self.next())
            self._add({"&": [payload("tcp", "flags"), mask]}, wanted)
        elif word == "--syn":
            self._add({"&": [payload("tcp", "flags"), ["fin", "syn", "rst", "ack"]]}, ["syn"])
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
        self._add(payload(protocol, "type"), number(kind))
        if slash:
            self._add(payload(protocol, "code"), number(code))

    def _connection(self, word: str) -> bool:
        if word in {"--ctstate", "--state"}:
            names = [name.lower() for name in self.next().split(",")]
            states = [name for name in names if name not in {"snat", "dnat"}]
            if len(states) < len(names):
                self.out.append({"unknown": f"{word} {','.join(names)}"})
            else:
                self._add({"ct": {"key": "state"}}, states, op="in")
        elif word == "--mark" and self.module in {"mark", "connmark", ""}:
            value, slash, mask = self.next().partition("/")
            mark: Statement = {"ct": {"key": "mark"}} if self.module == "connmark" else meta("mark")
            self._add({"&": [mark, number(mask)]} if slash else mark, number(value))
        elif word in {"--src-range", "--dst-range"}:
            field = "saddr" if word == "--src-range" else "daddr"
            protocol = "ip" if self.family == "ip" else "ip6"
            self._add(payload(protocol, field), {"range": self.next().split("-", 1)})
        elif word == "--length":
            self._add(meta("length"), span(self.next()))
        elif word == "--pkt-type":
            kind = self.next()
            self._add(meta("pkttype"), {"unicast": "host"}.get(kind, kind))
        elif word in {"--src-type", "--dst-type"}:
            flag = "saddr" if word == "--src-type" else "daddr"
            self._add({"fib": {"result": "type", "flags": [flag]}}, self.next().lower())
        elif word == "--mac-source":
            self._add(payload("ether", "saddr"), self.next().lower())
        else:
            return False
        return True

    def _extra(self, word: str) -> bool:
        if word in {"--limit", "--hashlimit-upto", "--hashlimit-above"}:
            rate, _, per = self.next().partition("/")
            unit = _LIMIT_UNITS.get(per[:1], "second")
            inverted = self.inverted != (word == "--hashlimit-above")
            self.out.append({"limit": {"rate": number(rate), "per": unit, "inv": inverted}})
        elif word in {"--limit-burst", "--hashlimit-burst", "--hashlimit-name", "--hashlimit-mode", "--comment"}:
            self.next()
        elif word == "--mode":
            self.out.append({"sometimes": {"mode": self.next()}})
        elif word in {"--probability", "--every", "--packet"}:
            self.next()
        elif word in {"--ttl-eq", "--hl-eq", "--ttl-lt", "--hl-lt", "--ttl-gt", "--hl-gt"}:
            op = {"eq": "==", "lt": "<", "gt": ">"}[word[-2:]]
            protocol, field = ("ip", "ttl") if self.family == "ip" else ("ip6", "hoplimit")
            self._add(payload(protocol, field), number(self.next()), op=op)
        elif self.module == "frag" or word == "--header":
            self.out.append(match({"exthdr": {"name": "frag"}}, True))
            if word == "--header":
                self.out[-1] = _frag_header(self.next(), self.out[-1])
        elif word == "--soft":
            pass
        else:
            return False
        return True


def _frag_header(names: str, statement: Statement) -> Statement:
    return statement if names == "frag" else {"unknown": f"--header {names}"}
