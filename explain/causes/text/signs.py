"""The text as one sign: how the command ended, in one word that predictions can be held against."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from explain.record import dataclass
from explain.symptoms.outcome import replies_of

if TYPE_CHECKING:
    from explain.causes.context import Context
    from explain.symptoms.witness import Symptom, TextWitness


@dataclass(frozen=True, slots=True)
class Sign:
    """How it ended.

    Attributes:
        name: such as ``silent``, ``part-lost``, ``error``, ``refused``, ``tcp:timed-out``; the words of ``expected``.
        code: of an ``error`` the name of the ICMP error, of ``refused`` what the kernel said.
        by: of an ``error`` who says it: ``self``, ``target``, ``router``, or ``anyone`` where no program tells.
        speaker: its address.
        lines: the symptoms that show it.
        rest: of a ``part-refused`` the sign that the refused packets alone would make: the network may have changed.
    """

    name: str
    code: str | None = None
    by: str | None = None
    speaker: str | None = None
    lines: tuple[Symptom, ...] = ()
    rest: Sign | None = None


OPEN = frozenset(("trace:perhaps", "trace:perhaps-gap"))
"""Names of signs that leave open whether it ended well: the last to answer is the target, or turned the probes back."""
_REFUSALS = {
    "kernel.network-unreachable": "network-unreachable", "kernel.host-unreachable": "host-unreachable",
    "kernel.invalid-argument": "invalid-argument", "kernel.permission-denied": "permission-denied",
    "kernel.not-permitted": "not-permitted", "kernel.address-not-available": "address-not-available",
    "kernel.no-such-device": "no-such-device", "kernel.no-buffer-space": "no-buffer-space",
    "kernel.message-too-long": "too-long", "ping.unknown-interface": "no-such-device",
    "ping.no-privilege": "no-privilege", "ping.scope-missing": "scope", "ping.broadcast": "broadcast",
    "ping.bad-source": "address-not-available", "kernel.network-down": "network-unreachable",
    "way.no-privilege": "no-privilege", "kernel.general-failure": "general",
}  # fmt: skip
_NAMES = {
    "name.not-known": "not-known", "name.no-address": "not-known", "name.family-unsupported": "not-known",
    "lookup.no-such-name": "not-known", "name.temporary-failure": "temporary", "lookup.timed-out": "temporary",
    "lookup.refused": "temporary", "name.unresolved": "unresolved", "name.note": "unresolved",
}  # fmt: skip
_PATH_ERRORS = {
    "icmp.ttl-exceeded": "expired", "icmp.fragmentation-needed": "too-big", "icmp.packet-too-big": "too-big",
}  # fmt: skip
_PATIENCE_MS = 20_000
"""A kernel does not give up asking for a connection before. Source: RFC 1122 section 4.2.3.5."""
_NOBODY = "0.0.0.0"  # noqa: S104 - an address in a text
_NO_ERRORS = ("icmp.redirect-", "icmp.source-quench", "icmp.echo-", "icmp.unnamed")


def sign_of(text: TextWitness, context: Context) -> Sign | None:
    """The sign of a text; None if it does not tell how the command ended."""
    if context.tool == "dhcp":
        return _dhcp(text)
    named = _first(text, _NAMES)
    if named is not None:
        return Sign("name", _NAMES[named.id], lines=(named,))
    if any(each.id.startswith("name.") for each in text.symptoms):
        return Sign("name", "temporary", lines=text.all("name.")[:1])
    if context.tool == "ping":
        return _arping(text) if text.dialect == "arping" else _ping(text, context)
    if context.tool == "tcp":
        return _told_of_connection(text, context) or _tcp(text)
    if context.tool == "udp":
        return _told_of_connection(text, context) or _udp(text)
    return _trace(text, context) if context.tool == "trace" else None


def _first(text: TextWitness, table: dict[str, str]) -> Symptom | None:
    return next((each for each in text.symptoms if each.id in table), None)


def _errors(text: TextWitness) -> tuple[Symptom, ...]:
    return tuple(each for each in text.all("icmp.") if not each.id.startswith(_NO_ERRORS))


def _ping(text: TextWitness, context: Context) -> Sign | None:
    received, sent = replies_of(text), text.counts.sent
    errors = _errors(text)
    if received is None and text.has("echo.reply"):
        received = len([each for each in text.symptoms if each.id.startswith("echo.reply")])
    if received and not text.has("echo.reply") and any(each.values.get("other_words") for each in text.symptoms):
        return _in_other_words(text)
    if received:
        return _answered(text, received, sent, context)
    if errors:
        return _error(text, errors, context)
    if down := text.all("kernel.host-down"):
        # BSD, whose kernel remembers for a while that nobody answered ARP. Source: arp(4) of FreeBSD, EHOSTDOWN.
        return Sign("error", "host-unreachable", "self", lines=down)
    if refusal := _refusal(text):
        return refusal
    is_warned = text.has("ping.source-elsewhere")
    if is_warned and any(str(each.values.get("source") or _NOBODY) == _NOBODY for each in text.all("echo.start")):
        return Sign("unspecified", lines=text.all("ping.source-elsewhere"))
    if sent or text.has("echo.timeout", "echo.waiting") or received == 0:
        return _silence(text, "source-elsewhere" if is_warned else None)
    return None


def _silence(text: TextWitness, code: str | None) -> Sign:
    """No reply and no error in words: told to be quiet (-q), ping counts the errors and does not print them."""
    piped = any((each.values.get("pipe") or 0) > 1 for each in text.all("echo.times"))
    name = "untold" if text.counts.errors else "silent-piped" if piped else "silent"
    if text.dialect == "ios":
        return Sign(name, "unsaid", lines=text.all("echo.flood" if text.counts.errors else "echo.statistics"))
    return Sign(name, code, lines=text.all("echo.statistics") or text.all("echo.timeout")[:1])


_SAID = re.compile(r"[^:]* [0-9a-fA-F.]{3,39}(?::[0-9a-fA-F:.]{1,38})? ?: ?[^\W\d_]")


def _in_other_words(text: TextWitness) -> Sign | None:
    """Windows counts errors as received: what answers in words of another language, and is no reply, is one."""
    said = [each for each in text.unknown if _SAID.match(each.text.strip())]
    return Sign("untold", lines=text.all("echo.statistics")) if said else None


def _arping(text: TextWitness) -> Sign | None:
    """Who asks for a MAC: two that answer, or any that answers the probe for an address of one's own, share it."""
    answers = text.all("echo.reply")
    macs = {each.values["mac"] for each in answers}
    if len(macs) > 1 or (macs and is_probe(text)):
        return Sign("claimed", lines=answers[-1:])
    if macs or text.counts.received or (text.counts.received == 0 and is_probe(text)):
        return Sign("answered", lines=answers[:1] or text.all("echo.statistics"))
    if refusal := _refusal(text):
        return refusal
    is_over = text.counts.received == 0
    return Sign("error", "host-unreachable", "self", lines=text.all("echo.statistics")[-1:]) if is_over else None


def is_probe(text: TextWitness) -> bool:
    """Whether arping asks if an address is free: nobody is to answer. Source: RFC 5227, 2.1."""
    sources = {each.values.get("source") for each in text.all("echo.start")}
    return _NOBODY in sources or (text.command is not None and "D" in text.command.options)


def _refusal(text: TextWitness) -> Sign | None:
    """What the sender's own kernel said."""
    refusal = _first(text, _REFUSALS)
    if refusal is None:
        return None
    if refusal.id == "kernel.host-unreachable" and text.dialect == "bsd":
        return Sign("refused-each", "unreachable", "self", lines=(refusal,))
    name = "refused-each" if str(refusal.values.get("call") or "").startswith(("sendmsg", "sendto")) else "refused"
    return Sign(name, _REFUSALS[refusal.id], "self", lines=(refusal,))


def _answered(text: TextWitness, received: int, sent: int | None, context: Context) -> Sign:
    damaged = text.all("echo.wrong-data") + text.all("echo.reply.damaged") + text.all("echo.payload")
    if damaged or text.counts.corrupted:
        return Sign("damaged", lines=damaged or text.all("echo.statistics"))
    if elsewhere := text.all("echo.reply.other-address"):
        return Sign("different-address", lines=elsewhere)
    if text.counts.duplicates or text.has("echo.reply.duplicate"):
        return Sign("duplicated", lines=text.all("echo.reply.duplicate") or text.all("echo.statistics"))
    if errors := _errors(text):
        rest = _error(text, errors, context)
        return Sign("part-refused", errors[0].id.removeprefix("icmp."), lines=errors[:1], rest=rest)
    is_short = sent is not None and received < sent
    # BusyBox ends at the first refusal, without a word of how many were sent.
    if (is_short or sent is None) and (refusal := _refusal(text)):
        return Sign("part-refused", refusal.code, lines=refusal.lines, rest=refusal)
    if is_short and any(text.dialect == "ios" and _FIRST_LOST.fullmatch(each.text) for each in text.symptoms):
        return Sign("answered", lines=text.all("echo.flood"), rest=Sign("part-lost"))
    if is_short:
        told = text.all("echo.statistics")
        since = Sign("silent", "ceased", lines=told) if _has_ceased(text, sent or 0) else None
        return Sign("part-lost", lines=told, rest=since)
    if redirects := tuple(each for each in text.symptoms if each.id.startswith("icmp.redirect-")):
        return Sign("redirected", lines=redirects)
    return Sign("answered", lines=text.all("echo.reply")[:1] or text.all("echo.statistics"))


_FIRST_LOST = re.compile(r"\.!+")
"""IOS gives the packet up for which it asks by ARP. Source: Cisco, "Understand the Ping and Traceroute Commands"."""


def _has_ceased(text: TextWitness, sent: int) -> bool:
    """Whether all were answered up to one, and then none of several: what was so before need not be so since."""
    seen = [each.values["seq"] for each in text.all("echo.reply") if each.values.get("seq") is not None]
    is_unbroken = bool(seen) and seen == list(range(seen[0], seen[0] + len(seen)))
    return is_unbroken and seen[0] in {0, 1} and sent - len(seen) >= _CEASED


def _error(text: TextWitness, errors: tuple[Symptom, ...], context: Context) -> Sign:
    one = errors[0]
    if one.values.get("is_local") and one.id == "icmp.fragmentation-needed":
        return Sign("refused", "too-long", "self", lines=(one,))
    if one.id in _PATH_ERRORS:
        return Sign(_PATH_ERRORS[one.id], one.id.removeprefix("icmp."), speaker=one.values.get("from"), lines=(one,))
    speaker = one.values.get("from")
    is_refused = text.has("kernel.not-permitted")
    by = "self" if one.speaker == "this-kernel" or is_refused else "target" if speaker == context.destination else None
    by = "anyone" if text.dialect == "ios" else by
    return Sign("error", one.id.removeprefix("icmp."), by, speaker, (one,))


_ALL = 100
_CEASED = 3
"""As many lost in a row at the end are seldom chance."""

_CONNECT = {
    "connect.tls-alert": "tls-alert", "connect.reset": "reset", "connect.no-answer": "no-answer",
    "connect.refused": "refused", "connect.host-unreachable": "host-unreachable",
    "connect.network-unreachable": "network-unreachable", "connect.permission-denied": "permission-denied",
    "connect.protocol-not-available": "protocol-not-available", "connect.not-permitted": "not-permitted",
    "connect.address-not-available": "address-not-available", "connect.invalid-argument": "invalid-argument",
    "connect.source-failed": "address-not-available", "connect.timed-out": "timed-out",
}  # fmt: skip


def _told_of_connection(text: TextWitness, context: Context) -> Sign | None:
    """The error itself, from whom it came, as hping shows it; to other programs the kernel says less."""
    errors = () if text.has("connect.open") else _errors(text)
    return _error(text, errors, context) if errors else None


_CURL = {
    6: Sign("name", "unresolved"), 7: Sign("tcp:failed", "late"), 28: Sign("tcp:failed", "waited"),
    35: Sign("tcp:tls-alert"), 52: Sign("tcp:closed"), 56: Sign("tcp:reset"),
}  # fmt: skip
"""How curl ended that was told to be silent. Source: curl(1), EXIT CODES."""


def _tcp(text: TextWitness) -> Sign | None:
    found = _first(text, _CONNECT)
    if found is not None:
        is_open = text.has("connect.open")
        name = _CONNECT[found.id]
        if name == "timed-out" and is_open:
            name = "no-answer"
        return Sign(f"tcp:{name}", lines=(found,))
    if failed := text.all("connect.failed"):
        is_late = any((each.values.get("after_ms") or _PATIENCE_MS) >= _PATIENCE_MS for each in failed)
        return Sign("tcp:failed", "late" if is_late else None, lines=failed)
    closed = text.all("connect.closed")
    if closed and not any(each.values.get("bytes") for each in closed) and not text.has("connect.received"):
        return Sign("tcp:closed", lines=closed)
    if text.has("connect.open", "connect.received", "connect.http") or text.succeeded:
        return Sign("tcp:open", lines=text.all("connect.open") or text.symptoms[:1])
    return _CURL.get(text.exit_status or 0) if text.command and text.command.program == "curl" else None


_TOLD_OF_DATAGRAMS = {
    # A connected socket repeats the last ICMP error, and tells neither whose it was nor, for some, which one.
    "refused": ("error", "port-unreachable"), "host-unreachable": ("error", "host-unreachable"),
    "permission-denied": ("error", "admin-prohibited"), "network-unreachable": ("refused", "network-unreachable"),
    "not-permitted": ("refused", "not-permitted"), "address-not-available": ("refused", "address-not-available"),
    "invalid-argument": ("refused", "invalid-argument"),
}  # fmt: skip


def _udp(text: TextWitness) -> Sign | None:
    """That a datagram left proves nothing; only what comes back does. Source: udp(7), IP_RECVERR."""
    if answers := tuple(each for each in text.all("connect.received") if each.values.get("bytes")):
        return Sign("answered", lines=answers[:1])
    found = next((each for each in text.symptoms if _CONNECT.get(each.id) in _TOLD_OF_DATAGRAMS), None)
    if found is not None:
        name, code = _TOLD_OF_DATAGRAMS[_CONNECT[found.id]]
        return Sign(name, code, "self" if name == "refused" else "anyone", lines=(found,))
    is_over = text.has("connect.no-answer", "connect.timed-out") or text.exit_status
    return Sign("silent", lines=text.symptoms[-1:]) if is_over else None


def _trace(text: TextWitness, context: Context) -> Sign | None:
    hops = list(text.hops)
    silent = [hop for hop in hops if not hop.addresses]
    refused = text.all("way.refused")
    arrived = [hop.ttl for hop in hops if hop.is_target or context.destination in hop.addresses]
    if text.has("way.reached") or arrived:
        return _arrived(text, max(arrived, default=len(hops)), context)
    seen = [hop.addresses[0] for hop in hops if hop.addresses]
    is_refused = bool(refused) or any(hop.errors for hop in hops)
    if not is_refused and any(one == again for one, again in zip(seen, seen[2:], strict=False)):
        return Sign("trace:loop", lines=text.all("way.hop"))
    if refused or any(hop.errors for hop in hops):
        return _trace_refused(text, context)
    refusal = _first(text, _REFUSALS) or next(iter(text.all("way.send-failed")), None)
    if refusal is not None:
        # tracepath says of no call why it failed.
        return Sign("refused", _REFUSALS.get(refusal.id, "general"), "self", lines=(refusal,))
    if hops and hops[-1].addresses:
        last, by = text.all("way.hop")[-1:], "router" if len(hops) > 1 else None
        if text.succeeded is None and context.destination is None:
            name = "trace:perhaps-gap" if silent else "trace:perhaps"
            return Sign(name, by=by, lines=text.all("way.silent") or last)
        return Sign("trace:ended", by=by, speaker=hops[-1].addresses[0], lines=last)
    if hops:
        return Sign("trace:dies", speaker=seen[-1] if seen else None, lines=text.all("way.silent")[:1])
    return None


def _arrived(text: TextWitness, last: int, context: Context) -> Sign:
    """How a trace ended whose target answered, at a distance of so many hops."""
    if text.has("way.refused") or any(hop.errors for hop in text.hops):
        return _trace_refused(text, context)
    if lost := _lost_at_target(text):
        return Sign("part-lost", lines=lost)
    if any(not hop.addresses and hop.ttl < last for hop in text.hops):
        return Sign("trace:gap", lines=text.all("way.silent"))
    return Sign("trace:reached", lines=text.all("way.reached")[-1:] or text.symptoms[:1])


def _lost_at_target(text: TextWitness) -> tuple[Symptom, ...]:
    """Where mtr says that the target itself answered only some echoes; errors about UDP a host sends at a limited rate.

    What a hop on the way loses and the target does not is that hop's thrift.  Source: RFC 1812, 4.3.2.8.
    """
    is_echo = text.command is None or not {"u", "udp", "T", "tcp"} & set(text.command.options)
    reached = text.all("way.reached")[-1:] if text.program == "mtr" and is_echo else ()
    return tuple(each for each in reached if 0 < (each.values.get("loss") or 0) < _ALL)


def _trace_refused(text: TextWitness, context: Context) -> Sign:
    told = [(hop, error) for hop in text.hops for error in hop.errors]
    hop, error = told[-1] if told else (None, "host-unreachable")
    speaker = hop.addresses[-1] if hop and hop.addresses else None
    by = "target" if speaker == context.destination else None
    return Sign("error", error, by, speaker, text.all("way.refused") or text.all("way."))


def _dhcp(text: TextWitness) -> Sign | None:
    if text.has("dhcp.nak"):
        return Sign("dhcp:nak-bound" if text.has("dhcp.bound", "dhcp.ack") else "dhcp:nak", lines=text.all("dhcp.nak"))
    if text.has("dhcp.bound", "dhcp.ack"):
        return Sign("dhcp:bound", lines=text.all("dhcp.bound") or text.all("dhcp.ack"))
    if text.has("dhcp.offer"):
        return Sign("dhcp:offered", lines=text.all("dhcp.offer"))
    if text.has("dhcp.discover", "dhcp.request", "dhcp.no-offer", "dhcp.no-lease", "dhcp.no-carrier"):
        return Sign("dhcp:silent", lines=text.all("dhcp.no-") or text.all("dhcp.discover"))
    return None


def has_lease(text: TextWitness) -> bool:
    """Whether a DHCP client says that it got an address."""
    return text.has("dhcp.bound", "dhcp.ack")
