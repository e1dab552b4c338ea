"""A profile for Wireshark: colours that say what happened, and a column with what was said about each packet.

The colours of findings belong to one capture, since they go by frame numbers; all others fit any.

Source: Wireshark User's Guide, Packet colorization; Wireshark's own file ``colorfilters`` for the form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.from_capture.scene import frame_filter, union
from explain.model import Evidence
from explain.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.model import Report

_MOST_RANGES = 2_000
_RED, _AMBER = "f6b8b8", "fbe0a8"
_BY_KIND = (
    ("failed", "icmp.type in {3, 4, 5, 11, 12} || icmpv6.type in {1..4} || tcp.flags.reset == 1", _AMBER),
    ("again", "tcp.analysis.retransmission || tcp.analysis.fast_retransmission || tcp.analysis.zero_window", "f4d3ee"),
    ("neighbour", "arp || icmpv6.type in {133..137}", "e6e0f8"),
    ("lease", "dhcp || dhcpv6", "d5ecd4"),
    ("lookup", "dns", "d3e8f5"),
    ("ping", "icmp || icmpv6", "dcd8fa"),
    ("setup", "tcp.flags.syn == 1 || tcp.flags.fin == 1", "d9d9d9"),
    ("data", "tcp.len > 0 || udp", "f2f6ea"),
)
"""The name of a rule in ``render.toml``, its display filter, its background; the first that fits a packet counts."""

_COLUMNS = (
    ("number", "%m"), ("time", "%t"), ("from", "%s"), ("to", "%d"), ("protocol", "%p"), ("info", "%i"),
    ("comment", "%Cus:frame.comment:0:R"),
)  # fmt: skip


def files(report: Report, language: str) -> dict[str, str]:
    """The files of the profile, by name."""
    rules = "".join(f"@{name}@{shown}@{_colours(back)}\n" for name, shown, back in _rules(report, language))
    columns = ",\n\t".join(f'"{say(f"render.wireshark.{name}", {}, language)}", "{form}"' for name, form in _COLUMNS)
    return {"colorfilters": rules, "preferences": f"gui.column.format: \n\t{columns}\n"}


def _rules(report: Report, language: str) -> Iterator[tuple[str, str, str]]:
    proofs: set[str] = {""}
    for finding in report.findings:
        if finding.filter not in proofs and finding.evidence[0].capture == 0:
            proofs.add(finding.filter)
            yield say("render.wireshark.proof", {"cause": finding.cause}, language), finding.filter, _RED
    left = set(report.unexplained)
    spans = [span for one in report.exchanges if one.id in left for span in one.frames] if left else []
    if 0 < len(spans) <= _MOST_RANGES:
        frames = union([Evidence(0, None, (span,)) for span in spans])
        yield say("render.wireshark.unexplained", {}, language), frame_filter(frames), _AMBER
    yield from ((say(f"render.wireshark.{name}", {}, language), shown, back) for name, shown, back in _BY_KIND)


def _colours(back: str) -> str:
    """Background and foreground in Wireshark's form: 16 bits a channel."""
    red, green, blue = (int(back[at : at + 2], 16) * 257 for at in (0, 2, 4))
    return f"[{red},{green},{blue}][4626,10023,11822]"
