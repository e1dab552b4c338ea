"""What the lines of one ping add up to: totals, the pattern of losses, and where the text contradicts itself."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from explain.symptoms.witness import Counts, Pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.symptoms.witness import Symptom, TextWitness

_MOST_SEQUENCES = 65_536
_NO_ERROR = frozenset({"icmp.source-quench", "icmp.echo-reply", "icmp.echo-request", "icmp.unnamed"})


def _is_icmp_error(symptom: Symptom) -> bool:
    """Whether a line tells of an ICMP error that cost a packet (redirects and queries do not)."""
    return (
        symptom.id.startswith("icmp.") and symptom.id not in _NO_ERROR and not symptom.id.startswith("icmp.redirect-")
    )


def counts_of(symptoms: Sequence[Symptom]) -> Counts:
    """The totals as the program printed them; after a fatal error before the first packet, nothing was sent."""
    totals = [symptom.values for symptom in symptoms if symptom.id == "echo.statistics"]
    if totals:
        # arping has a line for what it sent and one for what it received.
        last = totals[-1] if "sent" in totals[-1] else {**totals[max(-2, -len(totals))], **totals[-1]}
        if "errors" not in last:  # IOS counts replies alone, and marks the rest one by one
            last = {**last, "errors": sum(each.values.get("errors") or 0 for each in symptoms)}
        return Counts(*(last.get(key) for key in ("sent", "received", "errors", "duplicates", "corrupted", "loss")))
    if (
        symptoms
        and not any(symptom.id.startswith(("echo.", "icmp.")) for symptom in symptoms)
        and _is_fatal(symptoms[-1])
    ):
        return Counts(sent=0, received=0, errors=0, duplicates=0, corrupted=0)
    return Counts()


def _is_fatal(symptom: Symptom) -> bool:
    if symptom.id.startswith("name.") or symptom.id in _FATAL:
        return True
    return symptom.id.startswith("kernel.") and symptom.values.get("call") not in (
        "sendmsg",
        "sendto",
        "local error",
        "recvmsg",
        "transmit",
    )


_FATAL = frozenset(
    {
        "ping.broadcast",
        "ping.unknown-interface",
        "ping.no-privilege",
        "ping.usage",
        "ping.bad-source",
        "ping.scope-missing",
    }
)


def is_complete(symptoms: Sequence[Symptom]) -> bool:
    """Whether the run came to its end within the text."""
    return any(symptom.id == "echo.statistics" for symptom in symptoms) or bool(symptoms and _is_fatal(symptoms[-1]))


_LAST = {
    "connect": ("connect.note", "connect.trace", "connect.trying", "connect.start", "connect.sent"),
    "lookup": ("lookup.server", "lookup.note", "lookup.start", "lookup.question"),
    "dhcp-client": ("dhcp.discover", "dhcp.request", "dhcp.offer", "dhcp.listening", "dhcp.note"),
}


def is_finished(kind: str, symptoms: Sequence[Symptom]) -> bool:
    """Whether a run of another program than ping tells how it ended."""
    if not symptoms or kind == "server-log":
        return False
    if kind in ("traceroute", "tracepath", "mtr"):
        last = ("way.silent", "way.hop", "way.send-failed")
        told = ("way.reached", "way.total", "way.refused", "way.no-privilege", "way.usage")
        is_told = any(each.id in told or each.id.startswith(("kernel.", "name.")) for each in symptoms)
        return is_told or symptoms[-1].id in last
    return any(each.id not in _LAST[kind] for each in symptoms)


def pattern_of(symptoms: Sequence[Symptom], counts: Counts) -> Pattern:
    """Which requests were answered; programs that print no sequence numbers are counted in the order of their lines."""
    answered, failed, silent = _sequences(symptoms)
    base = 0 if 0 in answered or 0 in failed or 0 in silent else 1
    printed = answered | failed | silent
    if not printed:
        is_silent = counts.received == 0 and bool(counts.sent)
        unanswered = tuple(range(1, min(counts.sent or 0, _MOST_SEQUENCES) + 1)) if is_silent else ()
        return Pattern(missing=unanswered, shape="none" if is_silent else None)
    last = base + min(counts.sent, _MOST_SEQUENCES) - 1 if counts.sent else max(printed)
    first = base if counts.sent else min(printed)
    expected = range(first, min(last, first + _MOST_SEQUENCES) + 1)
    missing = tuple(seq for seq in expected if seq not in answered and seq not in failed)
    return Pattern(
        tuple(sorted(answered)),
        tuple(sorted(failed - answered)),
        missing,
        _shape(sorted(answered), sorted((failed - answered) | set(missing))),
    )


def _sequences(symptoms: Sequence[Symptom]) -> tuple[set[int], set[int], set[int]]:
    answered: set[int] = set()
    failed: set[int] = set()
    silent: set[int] = set()
    order = 0
    for symptom in symptoms:
        is_reply, is_silence = symptom.id.startswith("echo.reply"), symptom.id in ("echo.timeout", "echo.waiting")
        if not (is_reply or is_silence or _is_icmp_error(symptom) or symptom.id == "kernel.general-failure"):
            continue
        order += 1
        seq = symptom.values.get("seq")
        seq = order if seq is None else int(seq)
        if is_reply and "damaged" not in symptom.values.get("flags", ()):
            answered.add(seq)
        elif is_silence:
            silent.add(seq)
        else:
            failed.add(seq)
    return answered, failed, silent - answered


def _shape(answered: list[int], lost: list[int]) -> str:
    if not lost:
        return "all"
    if not answered:
        return "none"
    if max(answered) < min(lost):
        return "first"
    if min(answered) > max(lost):
        return "last"
    steps = {after - before for before, after in itertools.pairwise(answered)}
    return "periodic" if len(answered) >= 3 and len(steps) == 1 and steps != {1} else "spread"


def inconsistencies_of(symptoms: Sequence[Symptom], counts: Counts, is_shortened: bool) -> tuple[str, ...]:
    """Names of contradictions between the lines of one run.

    Args:
        symptoms: of one run of ping.
        counts: its totals.
        is_shortened: replies may be absent from the text on purpose (quiet, flood, cut text).
    """
    found: list[str] = []
    replies = {symptom.values.get("seq") for symptom in symptoms if symptom.id.startswith("echo.reply")}
    is_windows = any(symptom.values.get("dialect") == "windows" for symptom in symptoms)
    lines = sum(
        symptom.id.startswith("echo.reply") or (is_windows and _is_told_by_somebody(symptom)) for symptom in symptoms
    )
    sent, received, loss = counts.sent, counts.received, counts.loss
    if sent is not None and received is not None:
        if received > sent:
            found.append("received-above-sent")
        elif sent and loss is not None and abs(loss - 100 * (sent - received) / sent) > 1:
            found.append("loss-does-not-add-up")
        unique = lines if replies <= {None} else len(replies - {None})
        if unique > received and not counts.corrupted:
            found.append("more-replies-than-received")
        elif unique < received and not is_shortened and sent < _MOST_SEQUENCES:
            found.append("fewer-replies-than-received")
    if _has_two_targets(symptoms):
        found.append("two-targets")
    return (*found, *_about_times(symptoms))


def _has_two_targets(symptoms: Sequence[Symptom]) -> bool:
    """Whether the last lines name neither the name nor the address of the first; Windows repeats the address."""
    starts = [symptom.values for symptom in symptoms if symptom.id == "echo.start"]
    named = {_bare(values[key]) for values in starts for key in ("target", "address") if values.get(key)}
    titles = {_bare(symptom.values["target"]) for symptom in symptoms if symptom.id == "echo.title"}
    return bool(named) and not titles <= named


def _bare(target: object) -> str:
    return str(target).split("%")[0].lower()


def _is_told_by_somebody(symptom: Symptom) -> bool:
    """Whether a line tells of an error that came from somebody: the totals of Windows call it received."""
    return _is_icmp_error(symptom) and bool(symptom.values.get("from") or symptom.values.get("from_name"))


def _about_times(symptoms: Sequence[Symptom]) -> tuple[str, ...]:
    totals = [
        symptom.values
        for symptom in symptoms
        if symptom.values.get("min_ms") is not None and symptom.values.get("max_ms") is not None
    ]
    if not totals:
        return ()
    least, most, mean = totals[-1]["min_ms"], totals[-1]["max_ms"], totals[-1].get("avg_ms")
    if least > most or (mean is not None and not least - 0.001 <= mean <= most + 0.001):
        return ("times-out-of-order",)
    seen = [float(symptom.values["time_ms"]) for symptom in symptoms if symptom.values.get("time_ms") is not None]
    slack = max(0.006 + most / 100, 0.6) if most < 100 else 1.5  # programs round the two differently
    is_outside = any(not least - slack <= time <= most + slack for time in seen)
    return ("times-outside-range",) if is_outside else ()


def replies_of(witness: TextWitness) -> int | None:
    """How many replies a ping counts; Windows counts the errors that came from somebody among them."""
    received = witness.counts.received
    if not received or witness.dialect != "windows":
        return received
    return max(0, received - sum(map(_is_told_by_somebody, witness.symptoms)))


def has_succeeded(witness: TextWitness) -> bool | None:
    """Whether anything came back: for ping any reply, for others a connection, a reached target, an answer, a lease."""
    if witness.program == "ping":
        if (replies := replies_of(witness)) is not None:
            return replies > 0
        if witness.has("echo.reply", "echo.reply."):
            return True
        return False if witness.is_complete or witness.exit_status else None
    if witness.program in ("traceroute", "tracepath", "mtr"):
        is_open = not witness.is_complete or _may_have_arrived(witness)
        return True if witness.has("way.reached") else (None if is_open else False)
    if witness.program == "connect":
        return _has_connected(witness)
    if witness.has("lookup.answer", "lookup.alias", "lookup.record", "dhcp.bound", "dhcp.ack"):
        return True
    if witness.exit_status is not None:
        return witness.exit_status == 0
    return False if witness.is_complete else None


def _may_have_arrived(witness: TextWitness) -> bool:
    """Whether the last to answer may be the target, whose address nobody tells.

    mtr shows one silent hop more behind a router that answered; tracepath says that it arrived.
    Source: net_max() of mtr 0.95.
    """
    is_told = witness.target_address is not None or witness.program == "tracepath" or witness.has("way.refused")
    return not is_told and bool(witness.hops) and bool(witness.hops[-1].addresses)


def _has_connected(witness: TextWitness) -> bool | None:
    """A connection that opened and gave something back; opened and silent is a failure, as is closed without a word."""
    is_empty = any(each.values.get("bytes") == 0 for each in witness.all("connect.closed"))
    if is_empty or witness.has("connect.no-answer", "connect.reset"):
        return False
    if witness.has("connect.open", "connect.http"):
        return True
    if witness.exit_status is not None:
        return witness.exit_status == 0
    return False if witness.is_complete else None
