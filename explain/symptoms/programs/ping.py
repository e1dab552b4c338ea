"""One line of a Unix ping, understood: iputils of fifteen years, busybox, BSD and macOS; English and Japanese.

Source: the messages of ping(8) of iputils s20101006 to 20250605, of busybox, and of FreeBSD and macOS.
"""

from __future__ import annotations

import re
from typing import Any

from explain.symptoms.addresses import canonical, family_of, who
from explain.symptoms.programs.icmp_words import icmp_error

Reading = tuple[str, dict[str, Any]]

_STAMP = re.compile(r"\[(\d{9,11}\.\d{1,9})\] |(\d{1,2}:\d{2}:\d{2}(?:\.\d{1,9})?) ")
_HEADER = re.compile(
    r"PING6? (?P<host>[^()]{1,300}?) ?\((?:(?P<canon>[^()\s]+) \()?(?P<addr>[^()\s]+)\)?\):? ?"
    r"(?:, flow 0x[0-9a-f]+, )?(?:from (?P<src>\S+?)(?: (?P<dev>\S*))?\s?: )?"
    r"(?P<size>\d+)(?:\((?P<total>\d+)\))? (?:bytes of data|data bytes|バイトのデータ|[^\W\d_][^\d:]{4,30}\Z)"
)
_HEADER6 = re.compile(r"PING6?\((?P<total>\d+)=40\+8\+(?P<size>\d+) bytes\) (?P<src>\S+) --> (?P<addr>\S+)")
_BYTES_FROM = re.compile(r"(?P<bytes>\d+) (?:bytes from|バイト応答 送信元|バイト 送信元) (?P<rest>.+)")
_OTHER_REPLY = re.compile(
    r"(?P<bytes>\d{1,6}) [^\d:]{3,30} (?P<from>[0-9A-Fa-f.:%]{2,45}) ?: icmp_seq=(?P<seq>\d{1,9}) ttl=(?P<ttl>\d{1,3}) "
    r"[^\W\d_]{2,12}=(?P<time>\d{1,9}(?:[.,]\d{1,6})?) ?ms(?P<rest>.{0,40})\Z"
)
"""A reply in a language without words here."""
_SEQ = re.compile(r"[:,]? ?\b(?:icmp_)?(?:seq|req)=(\d+)")
_TTL = re.compile(r"\b(?:ttl|hlim)=(\d+)")
_TIME = re.compile(r"(?:\btime|時間)([=<])(-?\d+(?:\.\d+)?) ?(?:ms|ミリ秒)")
_IDENT = re.compile(r"\bident=(\d+)")
_FROM = re.compile(r"(?:From|送信元) (?P<who>\S+(?: \([^()\s]+\))?):? (?:icmp_(?:seq|req)=(?P<seq>\d+) ?)?(?P<rest>.+)")
_FLAGS = {
    "duplicate": ("(DUP!)", "(重複!)"),
    "damaged": ("(BAD CHECKSUM!)", "(チェックサム異常!)", "(BAD CHECKSUM)", "(チェックサム異常)"),
    "other-address": ("(DIFFERENT ADDRESS!)", "(アドレス相違!)"),
    "truncated": ("(truncated)", "(切り詰められました)"),
}
_WRONG_BYTE = re.compile(
    r"(?:wrong data byte|誤りデータバイト) #(\d+)\.? ?(?:should be|正しい値:) "
    r"0x([0-9a-f]+) (?:but was|返り値:) 0x([0-9a-f]+)"
)
_WAITING = re.compile(
    r"no answer yet for icmp_seq=(\d+)|icmp_seq=(\d+) が未応答です|Request timeout for icmp_seq (\d+)"
)
_BACK = re.compile(r".*(?:time of day goes back|時刻が巻き戻りました) \((-?\d+) ?(us|s)\)")
_STRUCTURE = (
    ("echo.quoted-header", re.compile(r"Vr HL TOS  ?Len   ?ID Flg  ?off TTL Pro  ?cks ")),
    ("echo.quoted-header", re.compile(r" ?[0-9a-f]  ?[0-9a-f]  [0-9a-f]{2} [0-9a-f]{4} [0-9a-f]{4}   [0-9a-f] ")),
    ("echo.payload", re.compile(r"#\d+\t(?:[0-9a-f]{1,2} ?)+\Z")),
    ("echo.payload", re.compile(r"[cd]p:[\s0-9a-f]*\Z")),
    ("echo.payload", re.compile(r"\t(?: ?[0-9a-f]{1,2} ?)+\Z")),
    ("echo.route", re.compile(r"(?:RR:|TS:|[SL]SRR:)\s|NOP\Z|Unrecorded hops: \d|unknown option [0-9a-f]+\Z")),
    ("echo.route", re.compile(r"記録されていないホップ数: \d|\t\(same route\)|\t\(同一経路\)")),
    ("echo.route", re.compile(r"\t\S+(?: \([0-9a-f.:]+\))?(?:\t\d.*)?\Z|\t\d+ (?:absolute|not-standard)")),
    ("echo.pattern", re.compile(r"(?:PATTERN|パターン): 0x[0-9a-f]+\Z")),
    ("echo.flood", re.compile(r"[.EC!]{4,}\Z|\.+\Z|E+\Z")),
    ("echo.note", re.compile(r"ai->ai_family: ")),
    ("echo.length", re.compile(r"wrong total length \d+ instead of \d+\Z")),
)  # fmt: skip


def read_ping_line(text: str) -> Reading | None:
    """What one line of a Unix ping says: id and values; None if it is not understood."""
    stamp = _STAMP.match(text)
    extra: dict[str, Any] = {}
    if stamp:
        text = text[stamp.end() :]
        extra = {"timestamp_s": float(stamp.group(1))} if stamp.group(1) else {"clock": stamp.group(2)}
    found = _packet(text) or (_odd(text) if extra else None)
    if found:
        return found[0], {**found[1], **extra}
    if extra:
        return None
    return _header(text) or _odd(text) or _unsigned(text)


def _unsigned(text: str) -> Reading | None:
    """An error without who told it: ``ping -j`` leaves the words before it out.  Windows ends its own with a stop."""
    error = None if text.endswith((".", "。")) else icmp_error(text)
    return (error[0], {"from": None, "from_name": None, "seq": None, **error[1]}) if error else None


def _header(text: str) -> Reading | None:
    match = _HEADER.match(text) or _HEADER6.match(text)
    if match is None:
        return None
    groups = match.groupdict()
    address = canonical(groups["addr"])
    total = groups.get("total")
    return "echo.start", {
        "target": groups.get("host") or groups["addr"],
        "address": address,
        "family": family_of(address),
        "source": canonical(groups["src"]) if groups["src"] else None,
        "interface": groups.get("dev") or None,
        "size": int(groups["size"][:9]),
        "total": int(total[:9]) if total else None,
        "dialect": "bsd"
        if match.re is _HEADER6 or (" data bytes" in text and ("): " in text or ":" not in str(address)))
        else "iputils",
    }


def _packet(text: str) -> Reading | None:
    """A reply or an error: ``64 bytes from ...`` and ``From ...``."""
    bytes_from = _BYTES_FROM.match(text)
    if bytes_from:
        return _reply(int(bytes_from.group("bytes")[:9]), bytes_from.group("rest"))
    from_somebody = _FROM.match(text)
    if from_somebody is None:
        other = _OTHER_REPLY.match(text)
        return _reply(int(other["bytes"]), _in_english(other)) if other else None
    speaker = who(from_somebody.group("who"))
    rest = from_somebody.group("rest").strip()
    is_damaged = rest.startswith(_FLAGS["damaged"])
    for flag in _FLAGS["damaged"]:
        rest = rest.removeprefix(flag)
    error = icmp_error(rest, family_of(speaker["from"]))
    if error is None:
        if not (is_damaged and not rest):
            return None
        error = ("icmp.damaged", {})
    seq = from_somebody.group("seq")
    values = {**speaker, "seq": int(seq[:9]) if seq else None, **error[1]}
    return error[0], {**values, "damaged": True} if is_damaged else values


def _reply(size: int, rest: str) -> Reading | None:
    seq = _SEQ.search(rest)
    if seq is None:
        speaker, _, said = rest.partition(": ")
        error = icmp_error(said, family_of(canonical(speaker)))
        if error is None:
            return ("echo.node-info", {**who(speaker), "bytes": size}) if "; seq=" in rest or "seq=" in rest else None
        return error[0], {**who(speaker), "seq": None, **error[1]}
    speaker, said = rest[: seq.start()], rest[seq.end() :]
    ttl, time, ident = _TTL.search(said), _TIME.search(said), _IDENT.search(said)
    flags = [name for name, words in _FLAGS.items() if any(word in said for word in words)]
    values: dict[str, Any] = {
        **who(speaker),
        "seq": int(seq.group(1)[:9]),
        "ttl": int(ttl.group(1)[:9]) if ttl else None,
        "time_ms": float(time.group(2)) if time else None,
        "bytes": size,
        "flags": tuple(flags),
    }
    if time and time.group(1) == "<":
        values["is_below"] = True
    if ident:
        values["id"] = int(ident.group(1)[:9])
    if "seq=" in seq.group(0) and "icmp_" not in seq.group(0):
        values["dialect"] = "busybox"
    worst = next((flag for flag in ("damaged", "other-address", "duplicate", "truncated") if flag in flags), None)
    return f"echo.reply.{worst}" if worst else "echo.reply", values


def _in_english(other: re.Match[str]) -> str:
    time = other["time"].replace(",", ".")
    return f"{other['from']}: icmp_seq={other['seq']} ttl={other['ttl']} time={time} ms{other['rest']}"


def _odd(text: str) -> Reading | None:
    """Lines about single requests and payloads."""
    if wrong := _WRONG_BYTE.match(text):
        return "echo.wrong-data", {
            "byte": int(wrong.group(1)[:9]),
            "expected": int(wrong.group(2)[:4], 16),
            "found": int(wrong.group(3)[:4], 16),
        }
    if waiting := _WAITING.fullmatch(text.strip()):
        seq = next(group for group in waiting.groups() if group)
        kind = "echo.timeout" if waiting.group(3) else "echo.waiting"
        return kind, {"seq": int(seq[:9])} | ({"dialect": "bsd"} if waiting.group(3) else {})
    if back := _BACK.match(text):
        factor = 0.001 if back.group(2) == "us" else 1000.0
        return "echo.clock-back", {"back_ms": float(back.group(1)[:15]) * factor}
    for name, pattern in _STRUCTURE:
        if pattern.match(text):
            return name, {}
    return None
