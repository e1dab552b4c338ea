"""What ping says about itself and its own kernel: ``ping: connect: Network is unreachable`` and all its relatives.

These lines are said before, or instead of, sending: no other host has a part in them.

Source: the messages of ping(8) of iputils s20101006 to 20250605, of busybox, FreeBSD and macOS.
"""

from __future__ import annotations

import re
from typing import Any

from explain.symptoms.programs.failures import failure_at_end

Reading = tuple[str, dict[str, Any]]

_PROGRAM = re.compile(r"(?:\S*/)?(ping[46]?|ping\.iputils|arping): +")
_MTU = re.compile(
    r"(?:local error: message too long|内部エラー: メッセージが長すぎます)[,:]? ?mtu[=:] ?(\d{1,9})",
    re.IGNORECASE,
)
_SOURCE = re.compile(
    r"Warning: source address might be selected on device other than:? (\S+?)\.?\Z|"
    r"警告: 送信元アドレスがデバイス (\S+) 以外"
)
_NO_INTERFACE = re.compile(
    r"(?:unknown iface|unknown interface|invalid interface|invalid multicast interface)[: ]+[`'\"]?([^\s`'\"]{1,64})"
)
_BIND = re.compile(r"(?:setsockopt\()?SO_BINDTODEVICE\)?\s*(\S*)")
_NO_HOST = re.compile(
    r"(?:unknown host|cannot resolve|bad address|could not resolve|unknown host name|unknown server name)"
    r"[: ]+[`'\"]?([^\s`'\":]{1,255})[`'\"]?(?:: *.*)?",
    re.IGNORECASE,
)
_BAD_SOURCE = re.compile(r"(?:invalid source address|bad source address)[: ]+(\S+)")
_SHORT_WRITE = re.compile(r"wrote (\S+) (\d{1,9}) chars, ret=(-?\d{1,9})")
_GOT = re.compile(r"(?:warning: )?got ICMP(?:6|v6)? (\d{1,3})(?: \(([^)]*)\))?", re.IGNORECASE)
_BROADCAST = ("Do you want to ping broadcast? Then -b", "ブロードキャストpingを行う場合は -b")
_PRIVILEGE = (
    "missing cap_net_raw",
    "permission denied. (are you root",
    "permission denied (are you root",
    "lacking privilege for",
    "ping socket",
    "icmp open socket",
    "you don't have permission",
    "must run as root",
)
_SCOPE = (
    "link-local address on icmp datagram socket may require",
    "scope discrepancy",
    "specify an interface",
    "destination scope",
)
_USAGE = (
    "invalid argument:",
    "invalid option",
    "option requires an argument",
    "usage error",
    "bad number of packets",
    "bad timing interval",
    "bad linger time",
    "bad wait time",
    "bad preload",
    "invalid -m argument",
    "wrong value for -m",
    "only one of",
    "only one -4 or -6",
    "cannot flood",
    "minimal interval",
    "patterns must be",
    "illegal",
    "out of range",
    "packet size",
    "is too large",
    "bad tos value",
    "invalid timestamp type",
    "bad value for flow",
    "flow value",
    "cannot set preload",
    "unrecognized option",
    "unknown option",
    "does not fragment",
    "too short interval",
    "bad ttl",
    "invalid count",
    "invalid timing interval",
    "invalid ttl",
    "invalid packet size",
    "option argument contains garbage",
    "this will become fatal error",
    "decimal value of tos",
    "destination address required",
    "invalid number",
    "not permitted with",
    "を指定してください",
)
_CALLS = (
    "connect:", "bind:", "sendmsg:", "sendto:", "socket:", "unknown host ", "unknown iface ", "getsockname:",
    "recvmsg:",
)  # fmt: skip
_WARNINGS = (
    "warning:",
    "警告:",
    "setsockopt",
    "rcvbuf is not enough",
    "can't set",
    "can't disable",
    "can't receive",
    "cannot set",
)


def read_ping_error(text: str) -> Reading | None:
    """What a line of complaint says, or None where it is none of ping's."""
    text = text.strip()
    prefix = _PROGRAM.match(text)
    said = text[prefix.end() :] if prefix else text.removeprefix("[send_ip] ")  # hping's function
    said_lower = said.lower()
    if said.startswith(_BROADCAST):
        return "ping.broadcast", {}
    if said_lower.startswith("warning: pinging broadcast") or "ブロードキャストアドレスにpingしています" in said:
        return "ping.broadcast-warning", {}
    if source := _SOURCE.match(said):
        return "ping.source-elsewhere", {"interface": source.group(1) or source.group(2)}
    if mtu := _MTU.match(said):
        return "kernel.message-too-long", {"errno": "EMSGSIZE", "call": "local error", "mtu": int(mtu.group(1))}
    found = _of_the_program(said, said_lower) if prefix or _is_bare(said) else None
    if found is None and (prefix or _is_bare(said)):
        found = _failure(said, said_lower)
    if found is None and prefix and prefix.group(1) != "arping":
        found = "ping.message", {"message": said[:300]}
    return found


def _is_bare(said: str) -> bool:
    """Old pings left their own name out: ``connect: Network is unreachable``."""
    return said.startswith(_CALLS)


def _of_the_program(said: str, lower: str) -> Reading | None:
    if unknown := _NO_INTERFACE.match(said):
        return "ping.unknown-interface", {"interface": unknown.group(1)}
    if source := _BAD_SOURCE.match(said):
        return "ping.bad-source", {"source": source.group(1)}
    if short := _SHORT_WRITE.match(said):
        return "echo.short-write", {"bytes": int(short.group(2)), "returned": int(short.group(3))}
    if got := _GOT.match(said):
        return "icmp.unnamed", {"type": int(got.group(1)), "code": None, "message": got.group(2), "from": None}
    if lower.startswith("sock4.fd:"):
        return "echo.note", {}
    if any(word in lower for word in _PRIVILEGE):
        return "ping.no-privilege", {}
    if any(word in lower for word in _SCOPE):
        return "ping.scope-missing", {}
    if any(word in lower for word in _USAGE) and "cannot assign" not in lower:
        return "ping.usage", {"message": said[:300]}
    return None


def _failure(said: str, lower: str) -> Reading | None:
    """A call that failed, or a name that was not found, by the C library's words at the end."""
    failure = failure_at_end(said)
    if (host := _NO_HOST.fullmatch(said)) and (failure is None or failure[:2] == ("name", "not-known")):
        return "name.unresolved", {"name": host.group(1), "errno": None}  # said whatever the reason is
    if failure is None:
        return ("ping.warning", {"message": said[:300]}) if lower.startswith(_WARNINGS) else None
    kind, name, symbol, before = failure
    call = before.rstrip(": ")
    if kind == "name":
        return f"name.{name}", {
            "name": call.removeprefix("getaddrinfo --").removeprefix("getaddrinfo:").strip() or None,
            "errno": symbol,
        }
    bound = _BIND.match(call)
    if bound and name == "no-such-device":
        return "ping.unknown-interface", {"interface": bound.group(1) or None, "errno": symbol}
    if name in ("not-permitted", "permission-denied") and call in _OPENING:
        return "ping.no-privilege", {"errno": symbol, "call": call or None}
    if lower.startswith(_WARNINGS):
        return "ping.warning", {"message": said[:300], "errno": symbol}
    return f"kernel.{name}", {"errno": symbol, "call": call or None}


_OPENING = frozenset(
    {
        "socket",
        "icmp open socket",
        "creating a raw socket",
        "",
        "can't create raw socket",
        "icmp: socket",
        "ping socket",
    }
)
