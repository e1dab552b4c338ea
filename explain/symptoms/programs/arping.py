"""One line of arping, understood: of iputils, busybox and Thomas Habets; who answers is told with the MAC.

Source: arping.c of iputils s20101006 to 20250605 and of busybox 1.36; arping 2.09 to 2.25 of Thomas Habets.
"""

from __future__ import annotations

import re
from typing import Any

Reading = tuple[str, dict[str, Any]]

_IP, _MAC = r"\d{1,3}(?:\.\d{1,3}){3}", r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}"
_START = re.compile(
    rf"ARPING (?:to )?(?P<target>{_IP})(?: from (?P<source>{_IP})(?: (?:via )?(?P<interface>\S{{1,15}}))?)?\Z"
)
_REPLY = re.compile(
    rf"(?:Unicast|Broadcast) (?:reply|request) from (?P<by>{_IP}) \[(?P<mac>{_MAC})\].{{0,60}}? "
    r"(?:(?P<time>[\d.]{1,12})(?P<unit>ms)|UNSOLICITED\?)\Z"
)
_OCTETS = re.compile(
    rf"\d{{1,5}} bytes from (?P<mac>{_MAC}) \((?P<by>{_IP})\): index=(?P<seq>\d{{1,9}}) "
    r"time=(?P<time>[\d.]{1,12}) (?P<unit>[um]?sec)\Z"
)
_SENT = re.compile(r"Sent (\d{1,9}) probe(?:s|\(s\)) \(\d{1,9} broadcast\(s\)\)\Z")
_RECEIVED = re.compile(r"Received (\d{1,9}) (?:response\(s\)|repl(?:y|ies))(?: \(.{1,60}\))?\Z")
_TITLE = re.compile(rf"--- ({_IP}) statistics ---\Z")
_MS = {"ms": 1.0, "msec": 1.0, "usec": 0.001, "sec": 1000.0}


def read_arping_line(text: str) -> Reading | None:
    """What one line of arping says, or None."""
    text = text.strip()
    if start := _START.match(text):
        about = {"address": start["target"], "family": 4, "dialect": "arping"}
        return "echo.start", {**start.groupdict(), **about}
    if reply := _REPLY.match(text) or _OCTETS.match(text):
        return "echo.reply", _answer(reply.groupdict())
    if sent := _SENT.match(text):
        return "echo.statistics", {"sent": int(sent[1]), "dialect": "arping"}
    if received := _RECEIVED.match(text):
        return "echo.statistics", {"received": int(received[1]), "dialect": "arping"}
    title = _TITLE.match(text)
    return ("echo.title", {"target": title[1]}) if title else None


def _answer(told: dict[str, Any]) -> dict[str, Any]:
    seq, time = told.get("seq"), told["time"]
    return {
        "from": told["by"],
        "from_name": None,
        "mac": told["mac"].lower(),
        "seq": int(seq) if seq else None,
        "time_ms": float(time) * _MS[told["unit"]] if time and time.count(".") < 2 else None,
        "flags": (),
        "dialect": "arping",
    }
