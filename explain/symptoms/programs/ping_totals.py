"""The last lines of ping: statistics, times, and its JSON; Unix programs, English and Japanese."""

from __future__ import annotations

import json
import re
from typing import Any

from explain.symptoms.addresses import family_of, who
from explain.symptoms.programs.ping_errors import read_ping_error

Reading = tuple[str, dict[str, Any]]

_TITLE = re.compile(r"(?:\^C)?--- (\S{1,300}) (?:ping6?|hping) (?:statistics|statistic|統計) ---\s*\Z")
_SENT = re.compile(
    r"(\d{1,12}) packets transmitted, (\d{1,12}) (?:packets )?received(.*)|"
    r"送信パケット数 (\d{1,12}), 受信パケット数 (\d{1,12})(.*)"
)
_OTHER_SENT = re.compile(
    r"(?P<sent>\d{1,12}) [^\d,]{3,40}, (?P<received>\d{1,12}) [^\d,]{3,40}(?P<more>(?:, \+\d{1,12} [^\d,]{3,30})*), "
    r"(?:[^\d,]{3,30} )?(?P<loss>\d{1,3}(?:[.,]\d{1,6})?) ?% ?[^\d,]{0,30}, [^\d,]{2,20} (?P<lasted>\d{1,12}) ?ms\Z"
)
"""The same in a language without words here; what it counts beside, a plus before it, is taken for errors."""
_DUPLICATES = re.compile(r"\+(\d{1,12}) (?:duplicates|重複)|\b(\d{1,12}) duplicates")
_CORRUPTED = re.compile(r"\+(\d{1,12}) (?:corrupted|破損)")
_ERRORS = re.compile(r"\+(\d{1,12}) (?:errors|エラー)")
_LOSS = re.compile(r"(-?\d{1,12}(?:\.\d{1,6})?(?:e\+?\d{1,3})?)% packet loss|パケット損失 (-?\d{1,12}(?:\.\d{1,6})?)%")
_LASTED = re.compile(r"(?:time|時間) (\d{1,12}) ?(?:ms|ミリ秒)")
_LATE = re.compile(r"(\d{1,12}) packets out of wait time")
_N = r"(-?\d{1,12}(?:\.\d{1,6})?)"
_TIMES = re.compile(
    rf"(?:rtt|round-trip) (?:\(ms\) *)?(?:min/avg/max|最小/平均/最大)(?:/(?:mdev|stddev|std-dev))? *= *"
    rf"{_N}/{_N}/{_N}(?:/{_N}|/nan)? ?(?:ms|ミリ秒)?(.*)"
)
_PIPE = re.compile(r"\bpipe (\d{1,9})")
_IPG = re.compile(rf"ipg/ewma {_N}/{_N} ?(?:ms|ミリ秒)")
_STATUS = re.compile(
    rf"(\d{{1,12}})/(\d{{1,12}}) (?:packets|パケット)(?:, (?:パケット損失 )?{_N}%(?: loss)?| received \({_N}%\))(?:.*)"
)


def read_ping_totals(text: str) -> Reading | None:
    """What a line of the closing part says, or None."""
    text = text.strip()
    if title := _TITLE.match(text):
        return "echo.title", {"target": title.group(1)}
    if sent := _SENT.match(text):
        return _statistics(sent)
    if other := _OTHER_SENT.match(text):
        return _other_statistics(other)
    if times := _TIMES.match(text):
        keys = ("min_ms", "avg_ms", "max_ms", "mdev_ms")
        values: dict[str, Any] = {
            key: float(part) if part else None for key, part in zip(keys, times.groups()[:4], strict=True)
        }
        return "echo.times", values | _tail(times.group(5))
    if text.startswith("{"):
        return _from_json(text)
    if (tail := _tail(text)) and (_PIPE.fullmatch(text) or text.startswith(("pipe ", "ipg/ewma "))):
        return "echo.times", tail
    if status := _STATUS.match(text):
        loss = status.group(3)
        received, sent_count = int(status.group(1)), int(status.group(2))
        return "echo.status", {"received": received, "sent": sent_count, "loss": float(loss) if loss else None}
    return None


def _tail(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if pipe := _PIPE.search(text):
        found["pipe"] = int(pipe.group(1))
    if ipg := _IPG.search(text):
        found |= {"ipg_ms": float(ipg.group(1)), "ewma_ms": float(ipg.group(2))}
    return found


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return next((group for group in match.groups() if group), None) if match else None


def _statistics(sent: re.Match[str]) -> Reading:
    transmitted, received, rest = sent.groups()[:3] if sent.group(1) else sent.groups()[3:]
    loss, lasted = _first(_LOSS, rest), _first(_LASTED, rest)
    values: dict[str, Any] = {
        "sent": int(transmitted),
        "received": int(received),
        "duplicates": int(_first(_DUPLICATES, rest) or 0),
        "corrupted": int(_first(_CORRUPTED, rest) or 0),
        "errors": int(_first(_ERRORS, rest) or 0),
        "loss": float(loss) if loss else None,
        "lasted_ms": int(lasted) if lasted else None,
    }
    late = _first(_LATE, rest)
    if late:
        values["late"] = int(late)
    if " packets received" in sent.group(0):
        values["dialect"] = "busybox" if loss and "." not in loss else "bsd"
    return "echo.statistics", values


def _other_statistics(told: re.Match[str]) -> Reading:
    sent, received = int(told["sent"]), int(told["received"])
    beside = sum(int(each) for each in re.findall(r"\+(\d+)", told["more"]))
    loss, lasted = float(told["loss"].replace(",", ".")), int(told["lasted"])
    about = {"sent": sent, "received": received, "duplicates": 0, "corrupted": 0, "errors": 0 if received else beside}
    return "echo.statistics", {**about, "loss": loss, "lasted_ms": lasted}


_JSON_NUMBERS = {
    "transmitted": "sent",
    "received": "received",
    "duplicates": "duplicates",
    "corrupted": "corrupted",
    "errors": "errors",
}


def _from_json(text: str) -> Reading | None:
    """One object of iputils' JSON: a reply, the statistics, or an error."""
    try:
        seen = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(seen, dict):
        return None
    if "error" in seen:
        return _json_error(seen)
    if "transmitted" in seen:
        return _json_statistics(seen)
    return _json_reply(seen) if "bytes" in seen and "seq" in seen else None


def _json_statistics(seen: dict[str, Any]) -> Reading:
    values: dict[str, Any] = {ours: _int(seen.get(theirs)) or 0 for theirs, ours in _JSON_NUMBERS.items()}
    values |= {
        "loss": _float(seen.get("loss")),
        "lasted_ms": _int(seen.get("time")),
        "target": str(seen.get("host", "")) or None,
    }
    rtt = seen.get("rtt")
    if isinstance(rtt, dict):
        values |= {f"{key}_ms": _float(rtt.get(key)) for key in ("min", "avg", "max", "mdev")}
    return "echo.statistics", values


def _json_reply(seen: dict[str, Any]) -> Reading:
    is_duplicate = bool(seen.get("duplicate")) or seen.get("info") == "duplicate"
    name = "echo.reply.duplicate" if is_duplicate else "echo.reply"
    if seen.get("info") == "truncated":
        name = "echo.reply.truncated"
    speaker = who(str(seen.get("host", ""))[:300])
    values = {
        "seq": _int(seen["seq"]),
        "ttl": _int(seen.get("ttl")),
        "time_ms": _float(seen.get("time")),
        "bytes": _int(seen["bytes"]),
        "flags": ("duplicate",) if is_duplicate else (),
        "family": family_of(speaker["from"]),
    }
    return name, {**speaker, **values}


def _json_error(seen: dict[str, Any]) -> Reading | None:
    """What ping would have written behind its name: a message, or a call and what became of it."""
    parts = seen["error"] if isinstance(seen["error"], list) else [seen["error"]]
    return read_ping_error("ping: " + ": ".join(str(each)[:300] for each in parts[:2]))


def _int(value: object) -> int | None:
    try:
        return int(float(str(value)[:20]))
    except (ValueError, OverflowError):
        return None


def _float(value: object) -> float | None:
    try:
        return float(str(value)[:20].rstrip("%"))
    except ValueError:
        return None
