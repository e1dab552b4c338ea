"""What ``nft list`` prints, and rules as they are typed, as the objects of nft's JSON form: one evaluator serves all.

Source: nft(8), sections TABLES, CHAINS, EXPRESSIONS and STATEMENTS; libnftables-json(5).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Statement = dict[str, Any]

_TOKEN = re.compile(r'"[^"]*"|#[^\n]*|[{};,\n]|[^\s{};,"#]+')
_DECIMAL, _HEXADECIMAL = re.compile(r"-?[0-9]{1,15}"), re.compile(r"0x[0-9a-fA-F]{1,16}")
_HANDLE = re.compile(r"# handle (\d{1,9})")
_FAMILIES = frozenset(("ip", "ip6", "inet", "arp", "bridge", "netdev"))
_BREAKS = frozenset(("\n", ";"))
_HEADERS = frozenset(("ip", "ip6", "icmp", "icmpv6", "tcp", "udp", "th", "sctp", "ether", "arp", "vlan", "frag"))
_TWO_WORDS = frozenset(("arp saddr", "arp daddr"))
_META = frozenset(("iifname", "oifname", "iif", "oif", "mark", "pkttype", "l4proto", "nfproto", "skuid", "skgid"))
_OPERATORS = frozenset(("==", "!=", "<", ">", "<=", ">="))
_FLAGGED = ({"ct": {"key": "state"}}, {"ct": {"key": "status"}})
_VERDICTS = frozenset(("accept", "drop", "return", "continue", "queue", "notrack"))
_LEADING = frozenset(("jump", "goto"))
_NATS = frozenset(("masquerade", "snat", "dnat", "redirect"))
_ENDS = _VERDICTS | _LEADING | _NATS | {"reject"}
_PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100, "out": 100}
_HARMLESS = {
    "counter": ("packets", "bytes"),
    "log": ("prefix", "level", "group", "snaplen", "queue-threshold", "flags"),
}


def listed(lines: Iterable[str]) -> list[dict[str, Any]]:
    """The tables, chains, sets and rules of a listing; what is not understood of a rule is one unknown condition."""
    words = _Words("\n".join(lines))
    found: list[dict[str, Any]] = []
    while (word := words.next()) is not None:
        if word != "table":
            continue
        head = words.until("{")
        family, name = (head[0], head[1]) if len(head) > 1 else ("ip", "".join(head))
        found.append({"table": {"family": family, "name": name}})
        found += _table(words, family, name)
    return found


def typed(words: Sequence[str]) -> list[dict[str, Any]]:
    """What ``add rule`` or ``insert rule`` would add, statement by statement.

    Args:
        words: of the command, without ``nft`` itself.

    Returns:
        The statements in their order; what is not understood is one ``unknown``. Empty for other commands.
    """
    if len(words) < 5 or words[0] not in ("add", "insert") or words[1] != "rule":
        return []
    rest = words[5:] if words[2] in _FAMILIES else words[4:]
    if rest and rest[0] in ("position", "handle", "index"):
        rest = rest[2:]
    return list(_Rule(_TOKEN.findall(" ".join(rest))).statements())


class _Words:
    """The words of a listing, one after the other; line ends, braces and commas are words."""

    def __init__(self, text: str) -> None:
        self.words = _TOKEN.findall(text)
        self.at = 0

    def peek(self) -> str | None:
        return self.words[self.at] if self.at < len(self.words) else None

    def next(self) -> str | None:
        word = self.peek()
        self.at += 1
        return word

    def until(self, *ends: str) -> list[str]:
        """The words before the next of these, which is passed over; without line ends and remarks."""
        found: list[str] = []
        while (word := self.next()) is not None and word not in ends:
            if word != "\n" and not word.startswith("#"):
                found.append(word.strip('"'))
        return found

    def block(self) -> Iterator[list[str]]:
        """The statements up to the brace that closes what is open, each with the braces within it."""
        depth, now = 0, list[str]()
        while (word := self.next()) is not None:
            if word == "}" and depth == 0:
                break
            depth += (word == "{") - (word == "}")
            if word in _BREAKS and depth == 0:
                if now:
                    yield now
                now = []
            elif word != "\n":
                now.append(word)
        if now:
            yield now


def _table(words: _Words, family: str, table: str) -> Iterator[dict[str, Any]]:
    while (kind := words.next()) is not None and kind != "}":
        if kind in {"chain", "set", "map"}:
            name = (words.until("{") or [""])[0]
            of = {"family": family, "table": table, "name": name}
            yield from _chain(words, of) if kind == "chain" else [{kind: {**of, "elem": _elements(words)}}]
        elif kind == "{":
            for _ in words.block():
                pass


def _elements(words: _Words) -> list[Any]:
    lines = [line for line in words.block() if line[:2] == ["elements", "="]]
    return _Rule(lines[0][2:]).value_set() if lines else []


def _chain(words: _Words, of: dict[str, str]) -> Iterator[dict[str, Any]]:
    chain, rules = dict[str, Any](of), list[dict[str, Any]]()
    for whole in words.block():
        handle = next((int(found[1]) for each in whole if (found := _HANDLE.match(each))), None)
        line = [each for each in whole if not each.startswith("#")]
        if line[:1] == ["type"]:
            chain |= _base(line)
        elif line[:1] == ["policy"]:
            chain["policy"] = line[-1]
        elif line:
            where = {"family": of["family"], "table": of["table"], "chain": of["name"]}
            number = {"handle": handle} if handle is not None else {}
            rules.append({"rule": {**where, **number, "expr": list(_Rule(line).statements())}})
    yield {"chain": chain}
    yield from rules


def _base(line: list[str]) -> dict[str, Any]:
    """``type filter hook input device "eth0" priority filter - 10``."""
    after = {word: line[at + 1] for at, word in enumerate(line[:-1])}
    first, *rest = line[line.index("priority") + 1 :] if "priority" in after else ["0"]
    base, shift = _number(first), _number("".join(rest[:2]))
    base = base if isinstance(base, int) else _PRIORITIES.get(first, 0)
    prio = base + (shift if isinstance(shift, int) else 0)
    found: dict[str, Any] = {"type": after.get("type"), "hook": after.get("hook"), "prio": prio}
    devices = [each.strip('"') for each in line if each.startswith('"')]
    return {**found, "dev": devices} if devices else found


class _Rule:
    """Reads the words of one rule from left to right."""

    def __init__(self, words: list[str]) -> None:
        self.words = words

    def take(self, *wanted: str) -> bool:
        """Whether these words come next; then they are passed over."""
        is_next = self.words[: len(wanted)] == list(wanted)
        if is_next:
            del self.words[: len(wanted)]
        return is_next

    def pop(self) -> str:
        """The next word without its quotation marks, or nothing behind the last."""
        return self.words.pop(0).strip('"') if self.words else ""

    def statements(self) -> Iterator[Statement]:
        while self.words:
            yield from self._statement()

    def _statement(self) -> Iterator[Statement]:
        word = self.words[0]
        if word in _VERDICTS or word in _LEADING:
            yield self.verdict()
        elif word in _HARMLESS:
            self.pop()
            while self.words and self.words[0] in _HARMLESS[word]:
                del self.words[:2]
            yield {word: None}
        elif word == "comment":
            del self.words[:2]
        elif (ask := _ASK.get(word)) is not None:
            self.pop()
            yield ask(self)
        elif (left := self.expression()) is not None:
            yield from self._condition(left)
        else:
            yield self._unknown()

    def verdict(self) -> Statement:
        """One that ends the chain, or leads to another."""
        word = self.pop()
        return {word: {"target": self.pop()}} if word in _LEADING else {word: None}

    def _unknown(self) -> Statement:
        """What is not understood, up to the verdict that it is a condition of."""
        taken = [self.pop() or "?"]
        while self.words and self.words[0] not in _ENDS:
            taken.append(self.pop())
        return {"unknown": " ".join(taken)}

    def expression(self) -> Statement | None:
        """What a condition is about; None where the next words name nothing that is known."""
        parts = [self._part()]
        while parts[-1] is not None and self.take("."):
            parts.append(self._part())
        if None in parts:
            return None
        return {"concat": parts} if len(parts) > 1 else parts[0]

    def _part(self) -> Statement | None:
        word, *after = self.words[:3] or [""]
        if word in _HEADERS and after:
            del self.words[:2]
            field = f"{after[0]} {self.pop()}" if f"{word} {after[0]}" in _TWO_WORDS else after[0]
            return {"exthdr": {"name": "frag"}} if word == "frag" else {"payload": {"protocol": word, "field": field}}
        if word == "meta" and after:
            del self.words[:2]
            return {"meta": {"key": after[0]}}
        if word in _META:
            return {"meta": {"key": self.pop()}}
        if self.take("numgen", "random", "mod"):
            return {"numgen": {"mode": "random", "mod": _number(self.pop()), "offset": 0}}
        if word == "ct" and after:
            del self.words[:2]
            return {"ct": {"key": after[0]}}
        return self._fib() if word == "fib" else None

    def _fib(self) -> Statement:
        self.pop()
        flags = [self.pop()]
        while self.take("."):
            flags.append(self.pop())
        return {"fib": {"result": self.pop(), "flags": flags}}

    def _condition(self, left: Statement) -> Iterator[Statement]:
        if self.take("set"):
            yield {"mangle": {"key": left, "value": self.expression() or self.value()}}
            return
        if self.take("vmap"):
            data = {"set": self.value_set()} if self.words[:1] == ["{"] else self.pop()
            yield {"vmap": {"key": left, "data": data}}
            return
        masked = self.words[:1] == ["&"] and len(self.words) > 1 and _number(self.words[1])
        if isinstance(masked, int) and not isinstance(masked, bool):
            del self.words[:2]
            left = {"&": [left, masked]}
        op = self.pop() if self.words[:1] and self.words[0] in _OPERATORS else "=="
        if not self.words or self.words[0] in {"&", "and", "|", "/", "map"} or self.words[0].startswith("("):
            yield self._unknown()
            return
        value = self.value()
        if self.take("/"):
            left = {"&": [left, self.value()]}
        elif op == "==" and (isinstance(value, list) or left in _FLAGGED):
            op = "in"
        yield {"match": {"op": op, "left": left, "right": value}}

    def value(self) -> Any:
        """A number, a name, a network, a range, a set in braces, or names with commas between."""
        if self.words[:1] == ["{"]:
            return {"set": self.value_set()}
        found = [self._single()]
        while self.take(","):
            found.append(self._single())
        return found if len(found) > 1 else found[0]

    def _single(self) -> Any:
        found = [_single(self.pop())]
        while self.take("."):
            found.append(_single(self.pop()))
        return {"concat": found} if len(found) > 1 else found[0]

    def value_set(self) -> list[Any]:
        """The elements between braces; of a map each with what it leads to."""
        self.take("{")
        found: list[Any] = []
        while self.words and not self.take("}"):
            one = self._single()
            while self.words and self.words[0] not in {",", "}", ":"}:
                self.pop()  # timeout, counter, comment
            if self.take(":"):
                word = self.words[0] if self.words else ""
                one = [one, self.verdict() if word in _VERDICTS | _LEADING else self._single()]
            found.append(one)
            self.take(",")
        return found

    def reject(self) -> Statement:
        """``reject with icmp type port-unreachable``, older without ``type``."""
        if not self.take("with"):
            return {"reject": None}
        kind = self.pop()
        if kind == "tcp":
            self.pop()
            return {"reject": {"type": "tcp reset"}}
        self.take("type")
        return {"reject": {"type": kind, "expr": self.pop()}}

    def limit(self) -> Statement:
        """``limit rate over 5/second burst 5 packets``."""
        if not self.take("rate"):
            return self._unknown()
        is_over = self.take("over")
        rate, slash, unit = self.pop().partition("/")
        size, _, per = ("packets", "", unit) if slash else self.pop().partition("/")
        if self.take("burst"):
            del self.words[:2]
        return {"limit": {"rate": _number(rate), "per": per, "inv": is_over, "rate_unit": size}}

    def translation(self, name: str) -> Statement:
        """``dnat ip to 192.0.2.1:80``; flags behind it change nothing of where it leads."""
        for family in ("ip", "ip6"):
            self.take(family)
        to: dict[str, Any] = {}
        if self.take("to"):
            to = self._mapped() if "map" in self.words else _destination(self.pop())
        self.words.clear()
        return {name: to or None}

    def _mapped(self) -> dict[str, Any]:
        """``tcp dport map @ports``: where it leads depends on the packet."""
        key = self.expression()
        self.take("map")
        data = {"set": self.value_set()} if self.words[:1] == ["{"] else self.pop()
        return {"addr": {"map": {"key": key, "data": data}}}


_ASK: dict[str, Callable[[_Rule], Statement]] = {
    "reject": _Rule.reject,
    "limit": _Rule.limit,
    "masquerade": lambda rule: rule.translation("masquerade"),
    "snat": lambda rule: rule.translation("snat"),
    "dnat": lambda rule: rule.translation("dnat"),
    "redirect": lambda rule: rule.translation("redirect"),
}


def _destination(text: str) -> dict[str, Any]:
    """``192.0.2.1:80``, ``[2001:db8::1]:80``, an address alone, or ``:80``."""
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
    elif text.count(":") > 1:
        address, port = text, ""
    else:
        address, _, port = text.partition(":")
    port = port.lstrip(":")
    return ({"addr": _single(address)} if address else {}) | ({"port": _single(port)} if port else {})


def _single(text: str) -> Any:
    address, slash, length = text.partition("/")
    if slash and isinstance(_number(length), int):
        return {"prefix": {"addr": address, "len": _number(length)}}
    first, dash, last = text.partition("-")
    numbers = [isinstance(_number(each), int) for each in (first, last)]
    if dash and first and numbers[0] == numbers[1] and (numbers[0] or "." in first or ":" in first):
        return {"range": [_number(first), _number(last)]}
    return {"exists": True, "missing": False}.get(text, _number(text))


def _number(text: str) -> int | str:
    if _DECIMAL.fullmatch(text):
        return int(text)
    return int(text, 16) if _HEXADECIMAL.fullmatch(text) else text
