"""One line of tracepath or of mtr's report, understood; and mtr's JSON.

Source: the messages of tracepath(8) of iputils s20101006 to 20250605 and of mtr(8) 0.85 to 0.95.
"""

# ruff: noqa: E501 - one message a row reads better than a pattern in pieces

from __future__ import annotations

import json
import re
from typing import Any

from explain.symptoms.addresses import canonical, family_of, who

Reading = tuple[str, dict[str, Any]]

_STEP = re.compile(r"\s{0,3}(?P<ttl>\d{1,3})(?P<guess>\?)?: +(?P<rest>\S.*)")
_STEP_TIME = re.compile(r"(?P<time>\d{1,7}\.\d{1,3}) ?(?:ms|ミリ秒)")
_MTU = re.compile(r"\bpmtu (\d{1,6})")
_ASYMMETRIC = re.compile(r"\basymm +(\d{1,3})")
_ERROR = re.compile(r"!([HNAP])\s*\Z")
_ERRORS = {
    "H": ("host-unreachable", "address-unreachable"),
    "N": ("net-unreachable", "no-route"),
    "A": ("admin-prohibited",) * 2,
    "P": ("protocol-unreachable",) * 2,
}
_RESUME = re.compile(
    r"\s*(?:Resume:|Too many hops:) pmtu (?P<mtu>\d{1,6})(?: hops (?P<hops>\d{1,3}))?(?: back (?P<back>\d{1,3}))?"
)
_TITLE = re.compile(
    r"(?:Mtr_Version,|HOST: (?P<host>\S{1,255})\s+Loss%\s+Snt|Start: \S|\s*My traceroute +\[v|\s*Packets\s+Pings\s*\Z|"
    r"\s*Host\s+Loss%\s+Snt)"
)
_HUB = re.compile(
    r"\s{0,4}(?P<ttl>\d{1,3})\.(?:\|--)? +(?:AS\S+ +)?(?P<who>\?{3}|\S+(?: \([0-9a-f.:]+\))?) +"
    r"(?P<loss>\d{1,3}(?:\.\d)?)%? +(?P<sent>\d{1,9})(?P<times>(?: +\d{1,7}(?:\.\d{1,3})?){0,6})\s*\Z"
)
_ROW = re.compile(
    r"MTR\.[\d.]+,\d+,\w+,[^,]{1,255},(?P<ttl>\d{1,3}),(?P<who>[^,]{1,255}),(?P<loss>\d{1,3}(?:\.\d+)?),(?P<sent>\d{1,9}),[^,]*,(?P<times>[\d.,]*)\Z"
)
_HUB_WAITING = re.compile(r"\s{0,4}(?P<ttl>\d{1,3})\. +(?:\(waiting for reply\)|\(no route to host\)|\?\?\?)\s*\Z")
_ALSO = re.compile(r"\s{2,8}[|` ]+-- (?:AS\S+ +)?(?P<who>\S+(?: \([0-9a-f.:]+\))?)\s*(?:[\d.%\s]*)\Z")


def read_tracepath_line(text: str) -> Reading | None:
    """What one line of tracepath says, or None."""
    if resume := _RESUME.match(text):
        return "way.total", {key: int(part) if part else None for key, part in resume.groupdict().items()}
    step = _STEP.match(text)
    if step is None:
        return None
    rest = step.group("rest")
    values: dict[str, Any] = {"ttl": int(step.group("ttl")), "is_guess": bool(step.group("guess"))}
    values |= {"from": None, "from_name": None, "addresses": (), "times_ms": (), "errors": (), "silent": 0}
    for name, words in _WORDS_ALONE.items():
        if rest.startswith(words):
            return name, {**values, "silent": int(name == "way.silent")}
    return _step(rest, values)


_WORDS_ALONE = {
    "way.silent": ("no reply", "応答なし"),
    "way.send-failed": ("send failed", "送信失敗"),
    "way.hop": ("reply received", "応答受信"),
}


def _step(rest: str, values: dict[str, Any]) -> Reading | None:
    """What stands after the number: who, how long, and what became of the path's MTU."""
    time, mtu, error = _STEP_TIME.search(rest), _MTU.search(rest), _ERROR.search(rest)
    if not (time or mtu or error):
        return None
    values |= {"times_ms": (float(time.group("time")),) if time else ()} | ({"mtu": int(mtu.group(1))} if mtu else {})
    speaker = _END_OF_NAME.split(rest, maxsplit=1)[0].strip()
    if speaker == "[LOCALHOST]":
        return "way.mtu", {**values, "is_local": True}
    told = who(speaker)
    if told["from"] is None and not re.fullmatch(r"[\w.-]+", speaker):
        return None
    values |= {**told, "addresses": (told["from"] or told["from_name"],)}
    if asymmetric := _ASYMMETRIC.search(rest):
        values["hops_back"] = int(asymmetric.group(1))
    if error:
        values["errors"] = (_ERRORS[error.group(1)][family_of(told["from"]) == 6],)
        return "way.refused", values
    return ("way.reached" if re.search(r"\b(?:reached|到達しました)", rest) else "way.hop"), values


_END_OF_NAME = re.compile(r" {2,}|\t| (?=\d+\.\d+ ?(?:ms|ミリ秒))| (?=pmtu )| (?=![HNAP])")


def read_mtr_line(text: str) -> Reading | None:
    """What one line of mtr's report (or of its screen, copied) says, or None."""
    if title := _TITLE.match(text):
        return "way.title", {"host": title.group("host")}
    if row := _ROW.match(text):
        speaker = None if row.group("who") == "???" else row.group("who")
        times = tuple(float(part) for part in row.group("times").split(",") if part)
        values = _hub_values(int(row.group("ttl")), speaker, float(row.group("loss")), int(row.group("sent")), times)
        return ("way.hop" if speaker else "way.silent"), values
    if waiting := _HUB_WAITING.match(text):
        return "way.silent", _hub_values(int(waiting.group("ttl")), None, 100.0, None, ())
    if hub := _HUB.match(text):
        times = tuple(float(part) for part in hub.group("times").split())
        speaker = None if hub.group("who") == "???" else hub.group("who")
        values = _hub_values(int(hub.group("ttl")), speaker, float(hub.group("loss")), int(hub.group("sent")), times)
        return ("way.hop" if speaker else "way.silent"), values
    if also := _ALSO.match(text):
        told = who(also.group("who"))
        return "way.more", {
            **told,
            "ttl": None,
            "addresses": (told["from"] or told["from_name"],),
            "times_ms": (),
            "errors": (),
            "silent": 0,
        }
    return None


def _hub_values(
    ttl: int, speaker: str | None, loss: float, sent: int | None, times: tuple[float, ...]
) -> dict[str, Any]:
    told = who(speaker) if speaker else {"from": None, "from_name": None}
    named = told["from"] or told["from_name"]
    lost = round((sent or 1) * loss / 100)
    keys = ("last_ms", "avg_ms", "best_ms", "worst_ms", "stdev_ms")
    return {
        "ttl": ttl, **told, "addresses": (named,) if named else (), "times_ms": times[1:2], "errors": (), "silent": lost,
        "loss": loss, "sent": sent, **dict(zip(keys, times, strict=False)),
    }  # fmt: skip


def read_mtr_json(text: str) -> list[Reading] | None:
    """The hops of ``mtr --json``, as if each were a line; None if this is not it."""
    if '"report"' not in text[:200] or len(text) > 4_000_000:
        return None
    try:
        report = json.loads(text)["report"]
        head, hubs = report["mtr"], report["hubs"]
        found: list[Reading] = [("way.start", _json_start(head))]
        for hub in hubs[:256]:
            speaker = None if hub["host"] == "???" else str(hub["host"])[:300]
            times = tuple(float(hub.get(key, 0)) for key in ("Last", "Avg", "Best", "Wrst", "StDev"))
            values = _hub_values(int(hub["count"]), speaker, float(hub["Loss%"]), int(hub.get("Snt", 0)), times)
            found.append(("way.hop" if speaker else "way.silent", values))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found


def _json_start(head: dict[str, Any]) -> dict[str, Any]:
    target = str(head.get("dst", ""))[:300]
    address = canonical(target)
    return {
        "target": target or None,
        "address": address,
        "family": family_of(address),
        "source": canonical(str(head.get("src", ""))[:80]),
    }
