"""What a student wrote as an answer, read as what the question asks for."""

from __future__ import annotations

import math
import re
import unicodedata
from http import HTTPStatus
from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING, Any

from explain.grade.language.functions import canonical_mac
from explain.grade.marking.number_words import in_digits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.grade.rubric.records import Question

_LONGEST = 4000
_MOST_ITEMS = 200
_NUMBER = re.compile(
    r"\s*([+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?)\s*([a-zA-Zµμ%秒分時間日ミリマイクロナノ]{0,12})\.?\s*"
)
_TIMES_TEN = re.compile(r"(?<=\d)\s*[×x*]\s*10\s*(?:\^|\*\*)?\s*([+−-]?\d{1,3})(?!\d)")
_PARAGRAPH = re.compile(r"\n[ \t]*\n|\n[ \t]*以上[^\n]*$")
_AROUND = re.compile(
    r"^\s*[=＝]?\s*(?:(?:only|just|exactly)\s+|ちょうど|たった)?|"
    r"(?:\s+(?:only|in total)|だけ|のみ)?\s*(?:です|である|程度|くらい|ぐらい|ほど)?[.。]?\s*$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"「([^「」]*)」|『([^『』]*)』|“([^“”]*)”|\"([^\"]*)\"|'([^']*)'|`([^`]*)`")
_SENTENCE = re.compile(r"^.{1,60}?(?:\s(?:is|are|was|were)\s+|は|が)\s*(?=\S)", re.IGNORECASE)
"""How a sentence begins that ends with the answer."""
_DENIED = re.compile(r"(?<![a-z])(?:not|no|never|except|instead)(?![a-z])|n['’]t|ない|なく|以外", re.IGNORECASE)
_ONE_OF = {
    "mac": re.compile(r"(?<![0-9a-z.:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![0-9a-z:-])", re.IGNORECASE),
    "ip": re.compile(
        r"(?<![0-9a-z.])(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9a-f]*:[0-9a-f:.]*[0-9a-f:])(?![0-9a-z:])", re.IGNORECASE
    ),
}
_ABOUT = re.compile(r"\s*(?:[~≈≒∼〜]|about|around|approx(?:\.|imately)?|circa|ca\.?|約|およそ)\s*", re.IGNORECASE)
_COMMA = re.compile(r"([+-]?\d+),(\d+)(?=\D*$)")
_UNITS_S = {
    unit: size
    for units, size in (
        (" s sec secs second seconds 秒 秒間", 1.0), ("ms msec millisecond milliseconds ミリ秒", 1e-3),
        ("us µs μs usec microsecond microseconds マイクロ秒", 1e-6), ("ns nanosecond nanoseconds ナノ秒", 1e-9),
        ("min mins minute minutes m 分 分間", 60.0), ("h hr hrs hour hours 時間", 3600.0),
        ("d day days 日 日間", 86400.0),
    )
    for unit in units.split(" ")
}  # fmt: skip
_PART = re.compile(
    r"\s*(\d{1,30}(?:\.\d{1,30})?)\s*([a-zA-Zµμ秒分時間日ミリマイクロナノ]{1,12})\s*(?:,\s*)?(?:and\s+|と)?"
)
_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d(?:\.\d{1,9})?)")
_SAID_BEFORE = re.compile(r"^\([^()]{1,60}\)\s*(?=\S)")
"""What Wireshark has before a time, as in *(3600s) 1 hour*."""
_COUNTED = re.compile(
    r"(?:at\s+)?(?:the\s+)?(?:(?:frame|packet|segment|mtu|ttl|hop(?:\s+limit)?|seq|ack|vlan(?:\s*id)?|vid|id|type|code|"
    r"opcode|status|length|size|(?:byte\s+)?offset|byte|octet|"
    r"(?:(?:tcp|udp)\s*)?(?:port|ポート)|tcp|udp|フレーム|パケット)?\s*(?:no\.?|number|#|番号)?\s*[:=]?\s*)?"
    r"([+-]?[0-9]{1,38})\s*(?:/(?:tcp|udp))?\s*(?:(?:st|nd|rd|th|番目の?|番?の)\s*)?"
    r"(?:syns?|acks?|fins?|rsts?|resets?|tries|attempts?|retries|bytes?|octets?|b|s|secs?|seconds?|hops?|packets?|"
    r"frames?|segments?|datagrams?|fragments?|messages?|times?|"
    r"requests?|repl(?:y|ies)|answers?|responses?|quer(?:y|ies)|probes?|pings?|retransmissions?|connections?|"
    r"routers?|hosts?|servers?|clients?|devices?|addresses|"
    r"番ポート|バイト|オクテット|秒|回|個|番|台|つ|件|度|本|ホップ|(?:パケット|フレーム|セグメント)目?)?\.?"
)
_REMARK = re.compile(r"(?<=[^\s(])\s*\([^()]{1,60}\)\s*$")
"""What explains a number behind it, as in *2 (reply)*."""
_STATUS = re.compile(r"(?:http(?:/[0-9.]{1,3})?\s+)?([1-5][0-9]{2})(?:\s+([a-z][a-z' -]{1,40}))?")
_TIMED = re.compile(r"_(ms|us|ns)\b")
_RECKONED = re.compile(r"[*/+]|\s-")
_GROUPED = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:[ ,][0-9]{3})+(?![0-9.,])")
_LISTED = re.compile(r"[,;、・\n→]|->|\s(?:and|&)\s|\s*(?:および|及び)\s*|(?<=[!-~])\s*と\s*(?=[!-~])", re.IGNORECASE)
_CELL = re.compile(r"[|;,、\n\t→]|[-=]+>")
_BULLET = re.compile(r"\s*(?:[-*•]\s+|and\s+)?", re.IGNORECASE)
_NOUN = re.compile(r"\s*(?:field|message|flag|フィールド|メッセージ|フラグ)$")
_ARTICLE = re.compile(r"^the\s+")
_COUNTS = ("int", "uint32", "frame", "offset", "number", "duration")
_BRACKETS = ("[]", "{}", "()")
_PLAIN = re.compile(r"[0-9]+|[0-9a-fA-F]*[.:-][0-9a-fA-F.:-]+")
_PREFIX = re.compile(r"[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}")
_SOCKET = re.compile(
    r"\[?([0-9a-f:.]{2,45}?)\]?(?:\s*[:,の]\s*|\s+)(?:(?:port|ポート)\s*)?([0-9]{1,5})(?:\s*番(?:ポート)?)?"
)
_AS_TCPDUMP = re.compile(r"((?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9a-f:]*:[0-9a-f:]*)\.([0-9]{1,5})")
_FIELD_WORDS = {
    "ip.src": "ipsrc srcip src source sourceip sourceaddress sourceipaddress ipsource ipsourceaddress srcaddr "
    "saddr srcaddress 送信元 送信元アドレス 送信元ip 送信元ipアドレス ip送信元アドレス 送信ipアドレス",
    "ip.dst": "ipdst dstip dst destination destinationip destinationaddress destinationipaddress ipdestination "
    "ipdestinationaddress dstaddr daddr dstaddress 宛先 宛先アドレス 宛先ip 宛先ipアドレス ip宛先アドレス",
    "ip.ttl": "ipttl ttl timetolive iptimetolive hoplimit 生存時間 ホップリミット",
    "ip.id": "ipid id identification ipidentification ip識別子 識別番号",
    "ip.checksum": "ipchecksum ipheaderchecksum headerchecksum iphdrchecksum ipチェックサム ipヘッダチェックサム "
    "ipヘッダーチェックサム ヘッダチェックサム ヘッダーチェックサム",
    "port.src": "tcpsrcport udpsrcport srcport sourceport sport tcpsourceport udpsourceport tcpsport 送信元ポート "
    "送信元ポート番号 tcp送信元ポート",
    "port.dst": "tcpdstport udpdstport dstport destinationport dport tcpdestinationport udpdestinationport tcpdport "
    "宛先ポート 宛先ポート番号 tcp宛先ポート",
    "tcp.seq": "tcpseq seq sequencenumber tcpsequencenumber sequence シーケンス番号 tcpシーケンス番号",
    "tcp.ack": "tcpack ack acknowledgementnumber acknowledgmentnumber tcpacknowledgmentnumber 確認応答番号 ack番号",
    "icmp.id": "icmpid icmpidentifier identifier icmp識別子",
    "checksum": "checksum tcpchecksum udpchecksum icmpchecksum transportchecksum layer4checksum チェックサム "
    "tcpチェックサム udpチェックサム icmpチェックサム",
}
FIELD_NAMES = {word: name for name, words in _FIELD_WORDS.items() for word in words.split()}
"""How people write a header field, blanks and marks left out -> its name in ``diff_fields``."""
_MARKS = re.compile(r"[\W_]|の")


class NoAnswerError(ValueError):
    """What was written is not of the type that was asked for."""


def read(question: Question, given: Any) -> Any:
    """The value of an answer, in the form in which two answers can be compared.

    Raises:
        NoAnswerError: it is not of the question's type.
    """
    if question.type == "number" and isinstance(given, str) and (unit_s := _unit_s(question.key)):
        value, unit = _float(_said("number", unicodedata.normalize("NFKC", given[:_LONGEST])))
        return value * _UNITS_S[unit] / unit_s if unit and unit in _UNITS_S else value
    if question.type == "choice" and isinstance(given, str):
        return _chosen(given, [read_as("choice", one) for one in question.choices])
    return read_as(question.type, given, question.columns or {})


def _chosen(given: str, choices: Sequence[str]) -> str:
    """The choice that was written, also with *the* or a noun around it, or beside its number: *3 (NXDOMAIN)*."""
    text: str = read_as("choice", given)
    bare = _unquoted(_AROUND.sub("", _REMARK.sub("", text)))
    ways = (text, bare, _NOUN.sub("", _ARTICLE.sub("", bare)), *(one.strip(" ()") for one in _REMARK.findall(text)))
    return next((one for one in ways if one in choices), text)


def _unit_s(key: Any) -> float | None:
    """The unit of a key that is a time of the capture as it stands, such as ``{median(ping.rtt_ms)}``."""
    found = _TIMED.findall(key) if isinstance(key, str) and not _RECKONED.search(key) else []
    return _UNITS_S[found[0]] if len(set(found)) == 1 else None


def read_as(kind: str, given: Any, columns: Any = None) -> Any:
    """A value as one of ``rubric.records.ANSWER_TYPES``.

    Raises:
        NoAnswerError: it is no such value.
    """
    if not isinstance(given, str):
        return _as(kind, given, columns)
    if len(given) > _LONGEST:
        raise NoAnswerError
    written = unicodedata.normalize("NFKC", given)
    for said in _readings(kind, _said(kind, written), written):
        try:
            return _as(kind, said, columns)
        except NoAnswerError:
            continue
    raise NoAnswerError


def _readings(kind: str, text: str, whole: str) -> Iterator[str]:
    """What was written, as it stands, and as the answer that it holds where it is a sentence."""
    yield text
    if kind in _COUNTS:
        yield (text := in_digits(text))
    if kind in _COUNTS or kind == "hex":
        yield _SENTENCE.sub("", text)
    if kind in _ONE_OF and not _DENIED.search(whole) and len(found := {*_ONE_OF[kind].findall(whole)}) == 1:
        yield found.pop()


def _as(kind: str, given: Any, columns: Any) -> Any:
    match kind:
        case "int" | "frame" | "offset":
            return _integer(given)
        case "uint32":
            number = _integer(given)
            if not 0 <= number < 1 << 32:
                raise NoAnswerError
            return number
        case "hex":
            return _hex(given)
        case "number":
            return _float(given)[0]
        case "duration":
            return _seconds(given)
        case "set":
            return frozenset(_items(given))
        case "table":
            return _rows(given, columns or {})
    return _text(kind, given)


def _said(kind: str, text: str) -> str:
    """What was written without a remark behind it, the rest of the page, and the end of a sentence."""
    if kind == "text":
        return text
    text = _PARAGRAPH.split(text.strip())[0]
    if kind in ("set", "table", "string", "choice"):
        return _unquoted(text.strip(" .。"))
    return _unquoted(_AROUND.sub("", _REMARK.sub("", _AROUND.sub("", text))))


def _unquoted(text: str) -> str:
    return found[found.lastindex or 0] if (found := _QUOTED.fullmatch(text)) else text


def _text(kind: str, given: Any) -> Any:
    if not isinstance(given, str):
        given = str(given) if isinstance(given, (int, float)) and not isinstance(given, bool) else None
    if given is None:
        raise NoAnswerError
    text = str(given).strip()
    if kind == "mac":
        mac = canonical_mac(text)
        if mac is None:
            raise NoAnswerError
        return mac
    if kind == "ip":
        return _address(text)
    if kind == "ip:port":
        found = _AS_TCPDUMP.fullmatch(text.lower()) or _SOCKET.fullmatch(text.lower())
        if not found or int(found[2]) > 65535:
            raise NoAnswerError
        return f"{_address(found[1])}:{int(found[2])}"
    return _prefix(text) if _PREFIX.fullmatch(text) else " ".join(text.casefold().split())


def _prefix(text: str) -> str:
    """A prefix, or an address with its length, in one spelling; what is neither as it stands."""
    try:
        return str(ip_interface(text))
    except ValueError:
        return text.casefold()


def _address(text: str) -> str:
    try:
        return str(ip_address(re.sub(r"/[0-9]{1,3}$|%[\w.-]+$", "", text.strip("[]"))))
    except ValueError:
        raise NoAnswerError from None


def _integer(given: Any) -> int:
    if isinstance(given, bool):
        raise NoAnswerError
    if isinstance(given, int) and given.bit_length() <= 128:
        return given
    if isinstance(given, float) and math.isfinite(given) and given == int(given):
        return int(given)
    text = given.replace("_", "") if isinstance(given, str) else ""
    text = _GROUPED.sub(lambda found: re.sub(r"[ ,]", "", found[0]), text)
    if counted := _COUNTED.fullmatch(text.lower()) or _status(text.lower()):
        return int(counted[1])
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,32}", text):
        return int(text, 16)
    raise NoAnswerError


def _status(text: str) -> re.Match[str] | None:
    """A status of HTTP as its line has it, with the words that belong to the number (RFC 9110, 15)."""
    found = _STATUS.fullmatch(text)
    phrase = {one.value: one.phrase.lower() for one in HTTPStatus}.get(int(found[1])) if found else None
    return found if found and found[2] in (None, phrase) else None


def _hex(given: Any) -> int:
    if isinstance(given, str):
        found = re.fullmatch(r"(?:0x)?([0-9a-f]{1,32})(?:h|hex)?", re.sub(r"[: ]", "", given.lower()))
        if found:
            return int(found[1], 16)
        raise NoAnswerError
    return _integer(given)


def _float(given: Any) -> tuple[float, str]:
    if isinstance(given, str):
        found = _NUMBER.fullmatch(_with_point(given))
        if not found:
            raise NoAnswerError
        value, unit = float(found[1]), found[2]
    elif isinstance(given, bool) or not isinstance(given, (int, float)):
        raise NoAnswerError
    else:
        try:
            value, unit = float(given), ""
        except OverflowError:
            raise NoAnswerError from None
    if not math.isfinite(value):
        raise NoAnswerError
    return value, unit


def _seconds(given: Any) -> float:
    text = _SAID_BEFORE.sub("", given) if isinstance(given, str) else ""
    if clock := _CLOCK.fullmatch(text):
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3])
    if len(parts := _parts(text)) > 1:
        return sum(parts)
    value, unit = _float(text or given)
    if unit not in _UNITS_S:
        raise NoAnswerError
    return value * _UNITS_S[unit]


def _parts(text: str) -> list[float]:
    """The parts of *1 hour, 30 minutes* in seconds; none where it is not all parts, each of a smaller unit."""
    found, sizes, at = [], [math.inf], 0
    while at < len(text):
        part = _PART.match(text, at)
        size = _UNITS_S.get(part[2]) if part else None
        if part is None or size is None or size >= sizes[-1]:
            return []
        found.append(float(part[1]) * size)
        sizes.append(size)
        at = part.end()
    return found


def _with_point(given: str) -> str:
    """A measured number as one says it, *about 1,5 ms*: its comma is a point unless it parts thousands, as in 1,500."""
    text = given[found.end() :] if (found := _ABOUT.match(given)) else given
    text = _TIMES_TEN.sub(lambda power: f"e{power[1]}".replace("−", "-"), text)
    if grouped := re.match(r"\s*[1-9]\d{0,2}(?:,\d{3})+(?![\d,])", text):
        return grouped[0].replace(",", "") + text[grouped.end() :]
    return _COMMA.sub(r"\1.\2", text, count=1) if text.count(",") == 1 else text


def _items(given: Any) -> list[str]:
    if isinstance(given, str):
        inner = given[1:-1] if given[:1] + given[-1:] in _BRACKETS else given
        given = [item for part in _LISTED.split(inner) for item in _apart(_BULLET.sub("", part, count=1))]
    if not isinstance(given, (list, tuple)) or len(given) > _MOST_ITEMS:
        raise NoAnswerError
    found = []
    for one in given:
        text = _ARTICLE.sub("", str(one).strip(" .。\"'").casefold()[:_LONGEST])
        if text:
            found.append(FIELD_NAMES.get(_MARKS.sub("", text)) or _item(text))
    return found


def _apart(part: str) -> list[str]:
    """Addresses, MACs and numbers with nothing but blanks between them; all else is one."""
    words = part.split()
    return words if all(_PLAIN.fullmatch(one) for one in words) else [part]


def _item(text: str) -> str:
    """Something else that is listed: MACs, addresses and prefixes in one spelling, all else as it stands."""
    if _PREFIX.fullmatch(text):
        return _prefix(text)
    try:
        return canonical_mac(text) or str(ip_address(text))
    except ValueError:
        return text


def _rows_of(text: str, columns: list[str]) -> list[dict[str, str]]:
    """Rows that are written as text, one cell after the other, with or without the names of the columns before them."""
    cells = [one.strip(" \t`\"'") for one in _CELL.split(text)]
    cells = [one for one in cells if one.strip("-:=. ")]
    names, size = columns, len(columns)
    if (first := [one.casefold() for one in cells[:size]]) and set(first) == {one.casefold() for one in columns}:
        names, cells = [next(one for one in columns if one.casefold() == name) for name in first], cells[size:]
    if not cells or len(cells) % size:
        raise NoAnswerError
    return [dict(zip(names, cells[at : at + size], strict=True)) for at in range(0, len(cells), size)]


def _rows(given: Any, columns: Any) -> tuple[tuple[Any, ...], ...]:
    if isinstance(given, dict):
        given = [given]
    if isinstance(given, str):
        given = _rows_of(given, [*columns])
    if not isinstance(given, (list, tuple)) or len(given) > _MOST_ITEMS:
        raise NoAnswerError
    rows = []
    for one in given:
        if not isinstance(one, dict) or set(one) != set(columns):
            raise NoAnswerError
        rows.append(tuple(read_as(kind, one[name]) for name, kind in columns.items()))
    return tuple(sorted(rows, key=repr))
