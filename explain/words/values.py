"""Values in sentences: counted nouns, times, lists; and hostile text made visible."""

from __future__ import annotations

import re
import string
import unicodedata
from typing import TYPE_CHECKING, Any

from explain.model import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# One and many, and the counter that Japanese puts behind the number; a fourth where it says one otherwise.
NOUNS: dict[str, tuple[str, ...]] = {
    "times": ("once", "{n} times", "{n} 回"),
    "requests": ("1 request", "{n} requests", "{n} 個の要求"),
    "replies": ("1 reply", "{n} replies", "{n} 個の応答"),
    "resets": ("1 RST", "{n} RSTs", "{n} 個の RST"),
    "answers": ("1 answer", "{n} answers", "{n} 個の応答"),
    "pings": ("1 ping", "{n} pings", "{n} 回の ping"),
    "packets": ("1 packet", "{n} packets", "{n} パケット"),
    "frames": ("1 frame", "{n} frames", "{n} フレーム"),
    "octets": ("1 byte", "{n} bytes", "{n} バイト"),
    "segments": ("1 segment", "{n} segments", "{n} セグメント"),
    "probes": ("1 probe", "{n} probes", "{n} 個のプローブ"),
    "datagrams": ("1 datagram", "{n} datagrams", "{n} 個のデータグラム"),
    "connections": ("1 connection", "{n} connections", "{n} 本の接続"),
    "exchanges": ("1 exchange", "{n} exchanges", "{n} 件のやりとり"),
    "errors": ("1 error", "{n} errors", "{n} 個のエラー"),
    "routers": ("1 router", "{n} routers", "ルーター {n} 台"),
    "hosts": ("1 host", "{n} hosts", "{n} 台のホスト"),
    "flows": ("1 flow", "{n} flows", "{n} 本のフロー"),
    "files": ("1 file", "{n} files", "{n} 個のファイル"),
    "places": ("1 place", "{n} places", "{n} か所"),
    "causes": ("1 cause", "{n} causes", "{n} 個の原因"),
    "records": ("1 record", "{n} records", "{n} 件のレコード"),
    "alike": ("1 cause looks", "{n} causes look", "{n} 個の原因"),
    "duplicate-acks": ("1 duplicate ACK", "{n} duplicate ACKs", "重複 ACK が {n} 個"),
    "more-causes": ("1 more cause", "{n} more causes", "ほかに {n} 個の原因"),
    "lookups": ("1 look-up", "{n} look-ups", "{n} 件の問い合わせ"),
    "lookups-as": ("1 look-up, for", "{n} look-ups, such as", "など {n} 件の問い合わせ", "の問い合わせ"),
    "leases": ("1 lease", "{n} leases", "{n} 件のリース"),
    "hops": ("1 hop", "{n} hops", "{n} ホップ"),
    "fragments": ("1 fragment", "{n} fragments", "{n} 個の断片"),
    "findings": ("1 finding", "{n} findings", "{n} 件の問題"),
    "more-findings": ("1 more finding", "{n} more findings", "ほかに {n} 件の問題"),
    "kinds": ("1 kind", "{n} kinds", "{n} 種類"),
    "questions": ("1 question", "{n} questions", "{n} 件の質問"),
    "announcements": ("1 announcement", "{n} announcements", "{n} 件の通知"),
    "checks": ("1 check", "{n} checks", "{n} 件の確認"),
    "runs": ("1 run", "{n} runs", "{n} 回"),
    "blocks": ("1 block", "{n} blocks", "{n} 個のかたまり"),
    "troubles": ("1 thing", "{n} things", "{n} 件の問題"),
    "failures": ("1 failure", "{n} failures", "{n} 件の失敗"),
    "lines": ("1 line", "{n} lines", "{n} 行"),
    "remarks": ("1 remark", "{n} remarks", "{n} 件"),
    "rules": ("1 rule", "{n} rules", "{n} 個のルール"),
    "minutes": ("1 minute", "{n} minutes", "{n} 分"),
    "hours": ("1 hour", "{n} hours", "{n} 時間"),
    "days": ("1 day", "{n} days", "{n} 日"),
    "written": ("1 answer", "{n} answers", "{n} 件の答え"),
    "pairs": ("1 pair", "{n} pairs", "{n} 組"),
    "students": ("1 student", "{n} students", "{n} 人"),
    "messages": ("1 message", "{n} messages", "{n} 通のメッセージ"),
}
_MINUTE = 60
_DAY = 24  # hours
_DAYS = 2  # from so many on they are counted
_JOINED = "\0"
_JAPANESE = "\u3001-\u30ff\u4e00-\u9fff"
_NO_GAP = f"(?<=[{_JAPANESE}])(?:\0+ \0*| \0+)(?=[{_JAPANESE}])"
_MOST_LISTED = 100  # whoever needs more of them reads the JSON report
_LONGEST = 200
_LONGEST_BRIEF = 64  # of what is only an example, in a verdict that is read at one glance
_LONGEST_WHOLE = 2_000  # of what is there to be copied; the JSON report has all of it


def visible(text: str, longest: int = _LONGEST) -> str:
    r"""Text from outside with everything that a terminal or a reader could obey spelled out.

    Control characters, terminal escapes, line breaks, marks that turn the reading direction,
    lone surrogates and unassigned characters become ``\\xNN`` or ``\\uNNNN``; very long text is cut.
    """
    if text.isascii() and text.isprintable() and len(text) <= longest:
        return text
    shown = "".join(char if _is_plain(char) else _spelled(char) for char in text[:longest])
    return shown if len(text) <= longest else f"{shown}..."


def typed(text: str) -> str:
    """Text from outside as one word of a command that somebody may paste into a shell."""
    import shlex

    return shlex.quote(visible(text))


def _hops_left(address: str) -> str:
    """What a header calls the number of routers that a packet may still pass (RFC 791, 3.1; RFC 8200, 3)."""
    return "hop limit" if ":" in str(address) else "TTL"


def _forwarding(address: str) -> str:
    """The setting of Linux by which a host hands on what is for others."""
    return "forwarding" if ":" in str(address) else "ip_forward"


def _is_plain(char: str) -> bool:
    return char == " " or unicodedata.category(char)[0] not in "CZ"


def _spelled(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def duration(ns: int, language: str = "en") -> str:
    """A length of time with three significant digits: ``0.021 ms``, ``1.5 s``, ``2 min 5 s``, ``1 h``, ``2 days 5 h``.

    Japanese writes units from a second on in its own script: ``1.5 秒``, ``1 時間``.
    """
    hour, minute, second = ("{} 時間", "{} 分", "{} 秒") if language == "ja" else ("{} h", "{} min", "{} s")
    day = "{:,} 日" if language == "ja" else "{:,} days"
    if abs(ns) >= _MINUTE * 1_000_000_000:
        minutes, rest = divmod(round(ns / 1_000_000_000), _MINUTE)
        hours, minutes = divmod(minutes, _MINUTE)
        parts = ((hour, hours), (minute, minutes)) if hours else ((minute, minutes), (second, rest))
        if hours >= _DAYS * _DAY:
            parts = ((day, hours // _DAY), (hour, hours % _DAY))
        return " ".join(form.format(count) for form, count in parts if count)
    if abs(ns) >= 999_500_000:  # three digits make a second of it
        return second.format(f"{ns / 1e9:.3g}")
    if abs(ns) >= 10_000:
        return f"{ns / 1e6:.3g} ms"
    return f"{ns / 1e3:.3g} us"


def size(octets: int) -> str:
    """A size with its unit, decimal as disks and links count."""
    for scale, unit in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if octets >= scale * 10 or octets >= scale * 0.9995 > 1_000:
            return f"{octets / scale:.3g} {unit}"
    return f"{octets} B"


class Speaker(string.Formatter):
    """Fills placeholders: ``{wanted_ip}``, ``{requests:times}``, ``{rtt_ns:duration}``."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language
        self._unknown = (
            "不明な時間" if language == "ja" else "an unknown time"
        )  # without times (tcpdump -t), or the clock was set back
        self._stream = "標準入力" if language == "ja" else "standard input"

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        """Only plain names: no attribute and no index is ever followed."""
        del args
        return kwargs[field_name], field_name

    def vformat(self, format_string: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """The sentence; a mark that joins is taken out again (no value holds it, for ``visible`` spells it)."""
        text = super().vformat(format_string, args, kwargs)
        return re.sub(_NO_GAP, "", text).replace(_JOINED, "") if _JOINED in text else text

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        """Conversions such as ``!r`` are not part of the word tables."""
        if conversion:
            raise ValueError(conversion)
        return value

    def format_field(self, value: Any, format_spec: str) -> str:
        """A value as people read it; a ``Line`` inside a line is said in its place."""
        if isinstance(value, Line):
            from explain.words import say

            return self._joined(say(value.message, value.values, self._language))
        if format_spec:
            return self._as(format_spec, value)
        if isinstance(value, (list, tuple)):
            return self._listed(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return visible(str(value))

    def _listed(self, values: Sequence[Any]) -> str:
        """One after the other; of very many the first, and how many more there are."""
        shown = [self.format_field(one, "") for one in values[:_MOST_LISTED]]
        if more := len(values) - len(shown):
            shown.append(f"ほか {more:,} 個" if self._language == "ja" else f"and {more:,} more")
        return ("、" if self._language == "ja" else ", ").join(shown)

    def _as(self, form: str, value: Any) -> str:
        """A value in the form that stands behind the colon: a unit, a name's text, or a counted noun."""
        if form == "duration":
            return self._joined(self._unknown if value is None or value < 0 else duration(value, self._language))
        if form == "steps":  # they may have commas of their own
            return ("、" if self._language == "ja" else "; ").join(self.format_field(one, "") for one in value)
        forms: dict[str, Callable[[Any], str]] = {
            "title": self._title, "gist": self._gist, "span": self._span, "size": size,
            "typed": typed, "ttl": _hops_left, "forwarding": _forwarding,
            "file": self._file, "numbered": self._numbered,
            "brief": lambda text: visible(str(text), _LONGEST_BRIEF),
            "whole": lambda text: visible(str(text), _LONGEST_WHOLE), "number": lambda number: f"{number:,}",
        }  # fmt: skip
        if form in forms:
            return forms[form](value)
        one, many, counter, *alone = NOUNS[form]
        if self._language == "ja":
            one, many = alone[0] if alone else counter, counter
        shape = one if value == 1 else many
        return shape.format(n=f"{value:,}")

    def _span(self, seconds: int) -> str:
        """A round length of time in words: ``1 hour``, ``30 minutes``."""
        for size, noun in ((86400, "days"), (3600, "hours"), (60, "minutes")):
            if seconds % size == 0:
                return self.format_field(seconds // size, noun)
        return self._joined(duration(seconds * 1_000_000_000, self._language))

    def _file(self, path: Any) -> str:
        """A file, or several, as they were named; ``-`` is standard input."""
        if isinstance(path, (list, tuple)):
            return ("、" if self._language == "ja" else ", ").join(map(self._file, path))
        return self._joined(self._stream) if path == "-" else visible(str(path), _LONGEST_WHOLE)

    def _numbered(self, frames: Any) -> str:
        """Frames by their numbers: ``frame 5``, ``frames 5-7, 9``."""
        numbers = self.format_field(frames, "")
        return f"フレーム {numbers}" if self._language == "ja" else f"frame{'' if numbers.isdigit() else 's'} {numbers}"

    def _joined(self, text: str) -> str:
        """A text that swallows the space between it and Japanese where it is Japanese, too: ``5 ms 後``, ``5 分後``."""
        return _JOINED + text + _JOINED if self._language == "ja" else text

    def _gist(self, name: str) -> str:
        """The first sentence of a word, which is named as ``family/term``."""
        from explain.glossary import gist

        return gist(name, self._language)

    def _title(self, cause: str) -> str:
        from explain.causes.pages import page

        return page(cause).tellings[self._language].title
