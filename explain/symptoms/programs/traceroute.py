"""One line of traceroute, understood: the modern one of Linux, BSD and macOS, busybox, and tracert of Windows.

Source: the messages of traceroute(8) 2.1, of FreeBSD and busybox, and of tracert.exe in English and Japanese.
"""

# ruff: noqa: E501 - one message a row reads better than a pattern in pieces

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from explain.symptoms.addresses import canonical, family_of
from explain.symptoms.programs.failures import failure_at_end
from explain.symptoms.programs.icmp_words import icmp_error

Reading = tuple[str, dict[str, Any]]

_MOST_TOKENS = 128

_HEADER = re.compile(
    r"(?:tcp)?traceroute[46]? to (?P<host>[^\s(]{1,300}) \((?P<addr>[^()\s]{1,80})\)(?: from (?P<src>[^\s,]+))?"
    r"(?:, (?P<hops>\d{1,3}) hops? max)?(?:, (?P<size>\d{1,6}) bytes? packets)?"
)
_WHERE = r"(?P<host>[^\s\[]{1,300})(?: ?\[(?P<addr>[^\]\s]{1,80})\])?"
_TRACERT = (
    re.compile(rf"Tracing route to {_WHERE}(?: over a maximum of (?P<hops>\d{{1,3}}) hops)?"),
    re.compile(rf"{_WHERE} ?へのルートをトレースしています(?:。経由するホップ数は最大 (?P<hops>\d{{1,3}}))?"),
)
_TRACERT_PARTS = (
    "over a maximum of ",
    "経由するホップ数は最大",
    "Trace complete",
    "トレースを完了しました",
    "Control-C",
)
_NO_HOST = re.compile(
    r"(?:Unable to resolve target system name (\S+?)\.?|ターゲット システム名 (\S+?) を解決できません(?:でした)?。?|"
    r"traceroute6?: unknown host (\S+)|traceroute6?: bad address ['`](\S+)['`])\Z"
)
_HOP = re.compile(r"\s{0,4}(?P<ttl>\d{1,3})  ?(?P<rest>\S.*|\s+\S.*)")
_MORE = re.compile(r"\s{2,12}(?P<rest>\S+ .*\b(?:ms|\*).*)")
_WINDOWS_HOP = re.compile(
    r"\s{0,4}(?P<ttl>\d{1,3})\s+(?P<probes>(?:(?:<?\d{1,6} ?(?:ms|ミリ秒)|\*)\s+){1,10})(?P<who>\S.*)\Z"
)
_WINDOWS_REPORT = re.compile(
    r"\s{0,4}(?P<ttl>\d{1,3})\s{1,20}(?:[\s*\dms<]{0,100}\s)?(?P<who>[0-9a-fA-F:.%]+)\s+(?:reports|レポート|の報告) ?: (?P<rest>.+)\Z"
)
_TOKEN = re.compile(
    r"\*|(?P<time><?\d{1,9}(?:\.\d{1,6})?) ?(?:ms|ミリ秒)|\((?P<addr>[0-9A-Fa-f:.]+(?:%[\w.@-]+)?)\)"
    r"|(?P<mark>!(?:F-?\d{1,6}|<\d{1,3}(?:-\d{1,3})?>|[A-Z?]|\d{1,3})?)(?!\S)"
    r"|(?P<note>\[[^\]\s]*\]|<[^>\s][^>]*>|'-?\d+'|F=\d+|\(TOS=\d+!?\)|\{[^}]*\})|(?P<word>[^\s*!]\S*)"
)
_MARKS = {
    # letter: what it means in IPv4, in IPv6
    "H": ("host-unreachable", "address-unreachable"),
    "N": ("net-unreachable", "no-route"),
    "P": ("protocol-unreachable", "policy-failed"),
    "S": ("source-route-failed", "beyond-scope"),
    "F": ("fragmentation-needed", "packet-too-big"),
    "X": ("admin-prohibited", "admin-prohibited"),
    "A": ("net-prohibited", "admin-prohibited"),
    "Z": ("host-prohibited", "admin-prohibited"),
    "V": ("precedence-violation", "precedence-violation"),
    "C": ("precedence-cutoff", "precedence-cutoff"),
    "U": ("net-unknown", "no-route"),
    "W": ("host-unknown", "address-unreachable"),
    "I": ("source-isolated", "source-isolated"),
    "T": ("host-unreachable-tos", "host-unreachable-tos"),
    "Q": ("net-unreachable-tos", "net-unreachable-tos"),
    "B": ("beyond-scope", "beyond-scope"),
    "": ("ttl-too-low-in-reply", "ttl-too-low-in-reply"),
}
_CODES = {
    9: "net-prohibited",
    10: "host-prohibited",
    13: "admin-prohibited",
    14: "precedence-violation",
    15: "precedence-cutoff",
}
_PROGRAM = re.compile(r"(?:\S*/)?(?:tcp)?(?:traceroute[46]?(?:\.db)?|tracepath[46]?|tracert|mtr(?:-packet)?): +")
_CALLS = ("connect:", "send:", "sendto:", "sendmsg:", "bind:", "socket:", "setsockopt", "recvmsg:", "NET ERROR")
_USAGE = (
    "Cannot handle ",
    "Bad option",
    "Specify ",
    "Usage:",
    "max hops cannot",
    "too big packetlen",
    "first hop out of range",
)
_PRIVILEGE = (
    "You do not have enough privileges",
    "The specified type of tracerouting is allowed for superuser only",
    "you don't have permission",
)


def read_traceroute_line(text: str) -> Reading | None:
    """What one line of traceroute or tracert says, or None."""
    header = _HEADER.match(text.strip()) or next(
        (found for each in _TRACERT if (found := each.match(text.strip()))), None
    )
    if header:
        return _header(header)
    if text.strip().startswith(_TRACERT_PARTS):
        return "way.note", {"dialect": "windows"}
    report = _WINDOWS_REPORT.match(text)
    if report:
        return _report(report)
    windows = _WINDOWS_HOP.match(text)
    if windows and not re.search(r"\bms\b|\*", windows.group("who")):
        return _windows_hop(windows)
    hop = _HOP.match(text)
    if hop and (answers := _answers(hop.group("rest"))):
        return _hop(int(hop.group("ttl")), answers)
    more = _MORE.match(text)
    if more and (answers := _answers(more.group("rest"))) and answers[0]["from"]:
        return "way.more", _hop(0, answers)[1] | {"ttl": None}
    return None


def _header(header: re.Match[str]) -> Reading:
    groups = header.groupdict()
    address = canonical(groups["addr"] or groups["host"])
    size = groups.get("size")
    return "way.start", {
        "target": groups["host"], "address": address, "family": family_of(address), "source": canonical(groups.get("src") or ""),
        "hops": int(groups["hops"]) if groups["hops"] else None, "size": int(size) if size else None,
        "dialect": "unix" if header.re is _HEADER else "windows",
    }  # fmt: skip


def _answers(rest: str) -> list[dict[str, Any]] | None:
    """The responders of one line: who, with which times and marks; a leading silent one has no address."""
    answers: list[dict[str, Any]] = []
    at = 0
    for token in islice(_TOKEN.finditer(rest), _MOST_TOKENS):
        if rest[at : token.start()].strip() or not _take(token, answers):
            return None
        at = token.end()
    if rest[at:].strip() or not any(each["times_ms"] or each["silent"] for each in answers):
        return None
    return answers


def _take(token: re.Match[str], answers: list[dict[str, Any]]) -> bool:
    """One word of a hop into the answers; False where it does not belong there."""
    word, address, time, mark = (token.group(name) for name in ("word", "addr", "time", "mark"))
    if word is not None:
        is_stray = bool(answers) and not answers[-1]["times_ms"] and answers[-1]["silent"] == 0
        if is_stray or re.search(r"[^\w.:%-]", word):
            return False
        answers.append(_responder(word))
    elif token.group() == "*":
        answers[:] = answers or [_responder(None)]
        answers[-1]["silent"] += 1
    elif token.group("note") is not None:
        return True
    elif not answers:
        return False
    elif address is not None:
        answers[-1] |= {"from": canonical(address), "from_name": answers[-1]["from_name"]}
    elif time is not None:
        answers[-1]["times_ms"].append(float(time.lstrip("<")))
    else:
        answers[-1]["errors"].append(_mark(str(mark)[1:], family_of(answers[-1]["from"])))
    return True


def _responder(word: str | None) -> dict[str, Any]:
    address = canonical(word or "")
    return {"from": address, "from_name": None if address else word, "times_ms": [], "errors": [], "silent": 0}


def _mark(letters: str, family: int | None) -> str:
    if letters[:1] in ("<", "") or letters.isdigit():
        code = re.sub(r"\D.*", "", letters.lstrip("<"))
        return _CODES.get(int(code), f"code-{code}") if code else _MARKS[""][0]
    return _MARKS.get(letters[0], (f"mark-{letters[0].lower()}",) * 2)[family == 6]


def _hop(ttl: int, answers: list[dict[str, Any]]) -> Reading:
    loud = [each for each in answers if each["from"] or each["from_name"]]
    errors = tuple(error for each in loud for error in each["errors"])
    values: dict[str, Any] = {
        "ttl": ttl,
        "from": loud[0]["from"] if loud else None,
        "from_name": loud[0]["from_name"] if loud else None,
        "addresses": tuple(dict.fromkeys(each["from"] or each["from_name"] for each in loud)),
        "times_ms": tuple(time for each in loud for time in each["times_ms"]),
        "silent": sum(each["silent"] for each in answers),
        "errors": errors,
    }
    return "way.silent" if not loud else "way.refused" if set(errors) - {"ttl-too-low-in-reply"} else "way.hop", values


def _windows_hop(match: re.Match[str]) -> Reading | None:
    times = re.findall(r"<?(\d{1,6}) ?(?:ms|ミリ秒)|(\*)", match.group("probes"))
    said = match.group("who").strip()
    ttl, silent = int(match.group("ttl")), sum(bool(star) for _, star in times)
    if said.startswith(("Request timed out", "要求がタイムアウトしました")):
        return "way.silent", _hop(ttl, [_responder(None) | {"silent": silent}])[1] | {"dialect": "windows"}
    named = re.fullmatch(r"(\S+?) ?\[([^\]\s]+)\]", said)
    answer = _responder(named.group(2) if named else said)
    if answer["from"] is None:
        return None
    answer |= {
        "from_name": named.group(1) if named else None,
        "times_ms": [float(time) for time, _ in times if time],
        "silent": silent,
    }
    return "way.hop", _hop(ttl, [answer])[1] | {"dialect": "windows"}


def _report(match: re.Match[str]) -> Reading | None:
    answer = _responder(match.group("who"))
    error = icmp_error(match.group("rest"), family_of(answer["from"]))
    if error is None:
        return None
    answer["errors"] = [error[0].removeprefix("icmp.")]
    return "way.refused", _hop(int(match.group("ttl")), [answer])[1] | {"dialect": "windows"}


_BARE_NAME = re.compile(r"[\w.-]+: [^:]+\Z")  # Linux leaves its own name out: "nowhere.test: Name or service ..."


def read_traceroute_error(text: str) -> Reading | None:
    """What traceroute, tracepath and mtr say of themselves and of this kernel, or None."""
    text = text.strip()
    if unknown := _NO_HOST.match(text):
        return "name.unresolved", {"name": next(name for name in unknown.groups() if name), "errno": None}
    prefix = _PROGRAM.match(text)
    said = text[prefix.end() :] if prefix else text
    if said.startswith(_PRIVILEGE):
        return "way.no-privilege", {}
    if said.startswith(_USAGE):
        return "way.usage", {"message": said[:300]}
    if prefix and "multiple addresses" in said:
        return "way.note", {}
    is_call = said.startswith(
        ("connect:", "send:", "sendto:", "sendmsg:", "bind:", "socket:", "setsockopt", "recvmsg:", "NET ERROR")
    )
    failure = failure_at_end(said) if prefix or is_call or _BARE_NAME.match(said) else None
    if failure is None:
        return ("way.note", {"message": said[:300]}) if prefix else None
    kind, name, symbol, before = failure
    call = before.rstrip(": ")
    if kind == "name":
        return f"name.{name}", {"name": call.rsplit(": ", 1)[-1] or None, "errno": symbol}
    if not prefix and not is_call:
        return None
    if "SO_BINDTODEVICE" in call and name == "no-such-device":
        return "kernel.no-such-device", {"errno": symbol, "call": "SO_BINDTODEVICE"}
    if name in ("not-permitted", "permission-denied") and call == "socket":
        return "way.no-privilege", {"errno": symbol}
    return f"kernel.{name}", {"errno": symbol, "call": call or None}
