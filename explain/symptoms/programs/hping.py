"""One line of hping, understood: with ICMP it pings, with TCP it asks for a connection, and its flags are the answer.

Source: main.c, waitpacket.c and statistics.c of hping2 and hping3.
"""

from __future__ import annotations

import re
from typing import Any

from explain.symptoms.addresses import canonical, family_of
from explain.symptoms.programs.icmp_words import icmp_error

Reading = tuple[str, dict[str, Any]]

_START = re.compile(
    r"HPING (?P<target>\S{1,255}) \(\S{1,15} (?P<address>[0-9A-Fa-f.:]{2,45})\): "
    r"(?P<mode>.{1,40}?) (?:are )?set, \d{1,5} headers \+ \d{1,5} data bytes"
)
_REPLY = re.compile(r"(?:DUP! )?len=(?P<bytes>\d{1,5}) ip=(?P<by>\S{2,45}) (?P<rest>.{4,200})")
_VALUE = re.compile(r"\b(ttl|icmp_seq|seq|sport|flags|rtt)=([\w.]{1,20})")
_ERROR = re.compile(r"(?:ICMP (?P<what>.{4,40}?)|TTL 0 during (?P<when>transit|reassembly)) from ip=(?P<by>\S{2,45})")
_TOTALS = re.compile(r"(\d{1,9}) packets (?:transmitted|tramitted), (\d{1,9}) packets received, ")
_OTHER = re.compile(r"--- \S{1,255} hping statistic ---|round-trip min/avg/max = ")
_WORDS = {"network unreachable": "net unreachable", "fragmentation needed/df set": "frag needed and df set"}


def read_hping_line(text: str) -> Reading | None:
    """What one line of hping says that sends ICMP, or None."""
    text = text.strip()
    if start := _START.match(text):
        return ("echo.start", {**_whom(start), "size": None}) if start["mode"] == "icmp mode" else None
    if (reply := _REPLY.match(text)) and "icmp_seq=" in reply["rest"]:
        said = dict(_VALUE.findall(reply["rest"]))
        name = "echo.reply.duplicate" if text.startswith("DUP!") else "echo.reply"
        told = {"seq": _int(said.get("icmp_seq")), "ttl": _int(said.get("ttl")), "time_ms": _float(said.get("rtt"))}
        return name, {
            "from": canonical(reply["by"]),
            "from_name": None,
            "bytes": int(reply["bytes"]),
            "flags": (),
            **told,
        }
    return _error(text)


def read_hping_tcp(text: str) -> Reading | None:
    """What one line of hping says that sends TCP or UDP, or None."""
    text = text.strip()
    if start := _START.match(text):
        return ("connect.start", _whom(start)) if start["mode"] != "icmp mode" else None
    if (reply := _REPLY.match(text)) and "icmp_seq=" not in reply["rest"]:
        said = dict(_VALUE.findall(reply["rest"]))
        flags = said.get("flags", "")
        name = "open" if {"S", "A"} <= set(flags) else "refused" if "R" in flags else "received"
        return f"connect.{name}", {"target": reply["by"], "port": _int(said.get("sport")), "bytes": int(reply["bytes"])}
    if totals := _TOTALS.match(text):
        return ("connect.note" if int(totals[2]) else "connect.timed-out"), {}
    if _OTHER.match(text):
        return "connect.note", {}
    return _error(text)


def _whom(start: re.Match[str]) -> dict[str, Any]:
    address = canonical(start["address"])
    about = {"target": start["target"], "address": address, "family": family_of(address)}
    return {**about, "dialect": "hping"}


def _error(text: str) -> Reading | None:
    found = _ERROR.match(text)
    if found is None:
        return None
    by, what = canonical(found["by"]), (found["what"] or "").lower()
    expired = {"transit": "time to live exceeded", "reassembly": "frag reassembly time exceeded"}
    what = expired[found["when"]] if found["when"] else _WORDS.get(what, what)
    error = icmp_error(f"destination {what}", family_of(by)) or icmp_error(what, family_of(by))
    return (error[0], {"from": by, "from_name": None, "seq": None, **error[1]}) if error else None


def _int(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _float(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
