"""One line of fping, understood; it asks many targets at once, and each line names its own.

Source: fping.c of fping 3.10 to 5.2.
"""

from __future__ import annotations

import re
from typing import Any

from explain.symptoms.addresses import canonical, family_of
from explain.symptoms.programs.icmp_words import icmp_error
from explain.symptoms.programs.ping_errors import read_ping_error

Reading = tuple[str, dict[str, Any]]

_TARGET = r"(?P<target>[^\s:\[\]][^\s\[\]]{0,252})(?: \((?P<addr>[0-9A-Fa-f.:%\w]{2,80})\))?"
_STATE = re.compile(rf"{_TARGET} is (?P<state>alive|unreachable)(?: \((?P<ms>\d{{1,9}}(?:\.\d{{1,6}})?) ms\))?\s*\Z")
_PROBE = re.compile(
    rf"(?:\[\d{{9,11}}\.\d{{1,9}}\] )?{_TARGET}\s+: \[(?P<seq>\d{{1,9}})\], "
    r"(?:(?P<size>\d{1,9}) bytes, (?P<ms>\d{1,9}(?:\.\d{1,6})?) ms|(?P<late>timed out))(?: .{0,120})?\Z"
)
_TOTALS = re.compile(
    rf"{_TARGET}\s+: (?:xmt/rcv/%(?:loss|return)) = (?P<sent>\d{{1,9}})/(?P<received>\d{{1,9}})/\d{{1,9}}%"
    r"(?:, min/avg/max = (?P<least>[\d.]{1,12})/(?P<mean>[\d.]{1,12})/(?P<most>[\d.]{1,12}))?\s*\Z"
)
_ERROR = re.compile(
    r"(?:.{0,80}: )?ICMP (?P<what>.{4,80}?) from (?P<by>[0-9A-Fa-f.:%\w]{2,80}) for ICMP Echo sent to "
    rf"{_TARGET}\s*\Z"
)
_UNSENT = re.compile(rf"{_TARGET}: error while sending ping: (?P<why>.{{4,80}})\Z")
_WRAPPED = re.compile(r"Unreachable \((?P<why>.{4,70})\)\Z")
_ICMP = {
    "network unreachable": "net unreachable", "communication with network prohibited": "net prohibited",
    "communication with host prohibited": "host prohibited", "destination network unknown": "net unknown",
    "communication administratively prohibited": "packet filtered", "fragmentation needed": "frag needed and df set",
    "time exceeded": "time to live exceeded",
}  # fmt: skip
"""fping's words -> those of other programs for the same."""


def read_fping_line(text: str) -> Reading | None:
    """What one line of fping says, or None."""
    text = text.strip()
    if probe := _PROBE.fullmatch(text):
        return _probe(probe)
    if totals := _TOTALS.fullmatch(text):
        sent, received = int(totals["sent"]), int(totals["received"])
        loss = 100 * (sent - received) / sent if sent else None
        times = {f"{key}_ms": float(totals[name]) for key, name in _TIMES.items() if totals[name]}
        return "echo.statistics", {**_whom(totals), **_count(sent, received), "loss": loss, **times}
    if unsent := _UNSENT.fullmatch(text):
        refused = read_ping_error(f"ping: sendmsg: {unsent['why']}")
        return (refused[0], {**refused[1], **_whom(unsent)}) if refused else None
    error = _ERROR.fullmatch(text)
    return _error(error) if error else None


def read_fping_state(text: str) -> Reading | None:
    """What stands below the command alone: without it, who says that a host is alive may be anybody."""
    if state := _STATE.fullmatch(text.strip()):
        # Who is alive has answered one of up to four requests; how many there were is not told.
        is_alive = state["state"] == "alive"
        return "echo.statistics", {**_whom(state), **_count(None, int(is_alive)), "loss": None}
    found = read_ping_error(f"ping: {text.strip()}")
    return found if found and found[0].startswith("name.") else None


_TIMES = {"min": "least", "avg": "mean", "max": "most"}


def _whom(found: re.Match[str]) -> dict[str, Any]:
    address = canonical(found["addr"] or found["target"])
    return {"target": found["target"], "address": address, "family": family_of(address), "dialect": "fping"}


def _count(sent: int | None, received: int) -> dict[str, Any]:
    return {"sent": sent, "received": received, "duplicates": 0, "corrupted": 0, "errors": None, "lasted_ms": None}


def _probe(found: re.Match[str]) -> Reading:
    whom, seq = _whom(found), int(found["seq"])
    if found["late"]:
        return "echo.timeout", {**whom, "seq": seq}
    told = {"ttl": None, "time_ms": float(found["ms"]), "bytes": int(found["size"]), "flags": ()}
    return "echo.reply", {**whom, "from": whom["address"], "from_name": None, "seq": seq, **told}


def _error(found: re.Match[str]) -> Reading | None:
    wrapped = _WRAPPED.fullmatch(found["what"])
    what = (wrapped["why"] if wrapped else found["what"]).lower()
    by = canonical(found["by"])
    what = _ICMP.get(what, what)
    error = icmp_error(f"destination {what}", family_of(by)) or icmp_error(what, family_of(by))
    if error is None:
        return None
    return error[0], {"from": by, "from_name": None, "seq": None, **error[1], **_whom(found)}
