"""Remarks that name a cause, held against what the notes themselves show."""

# ruff: noqa: E501 - one belief a row reads better than a pattern in pieces

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from explain.causes.notes.item import Item

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.causes.diagnosis import Diagnosis
    from explain.causes.notes.picture import Picture
    from explain.symptoms.notes import NoteBlock, NoteLine, Notes

_MOST_REMARKS = 2_000
NEAR = 12
"""Lines between a block and a remark that still speaks of it."""

# What a remark calls the cause, in both languages, and the causes that it may mean.
_CLAIMS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("forwarding", r"ip_?forward(?:ing)?|\bforwarding\b|フォワーディング|フォワード|転送(?:設定|が無効|していない|されない|しない)",
     ("forwarding-disabled",)),
    ("no-route-on-router", r"router (?:has no|does not have|lacks|knows no) (?:a )?route|ルーターに?(?:は|の)?(?:経路|ルート)が?な",
     ("no-route-on-router", "no-return-route-on-router")),
    ("masquerade", r"masquerade|マスカレード|\bNAT\b", ("masquerade-missing", "masquerade-wrong-interface", "nat-wrong-source-net")),
    ("firewall", r"firewall|iptables|nftables|ファイアウォール|フィルター?",
     ("filter-on-sender-output", "filter-on-sender-input", "filter-on-router-forward", "filter-on-target-input",
      "filter-on-target-output", "filter-on-target-ingress", "filter-on-switch")),
    ("rp-filter", r"rp_filter|reverse path", ("rp-filter-strict",)),
    ("cable", r"\bcable\b|carrier|ケーブル|リンクが(?:切れ|落ち)", ("link-no-carrier",)),
    ("target-down", r"(?:target|server|other host|peer) (?:is|was) (?:down|off)|相手が(?:落ち|止ま|停止)",
     ("destination-host-absent-on-link", "destination-host-absent-behind-router", "target-interface-down")),
    ("dns", r"\bDNS\b|name resolution|名前解決", ("name-does-not-exist", "dns-server-unreachable", "dns-server-not-configured")),
    ("gateway", r"(?:default )?gateway (?:is )?(?:missing|not set|wrong)|デフォルトゲートウェイがな",
     ("no-route-on-sender", "wrong-gateway-address", "default-route-without-gateway")),
    ("arp", r"\bARP\b[^.。]{0,20}(?:fail|not|しな|でき|来な|返)", ("destination-host-absent-on-link", "arp-disabled", "arp-ignored-by-target",
      "gateway-interface-down", "target-interface-down")),
)  # fmt: skip
_BECAUSE = re.compile(
    r"because|due to|since |caused? by|reason|that'?s why|so (?:the|it|ping|that)|blame|fault|owing|therefore|it(?:'s| is) (?:really |clearly |surely )?the\b"
    r"|から|ので|ため|せい|原因|理由|によ[りっ]|なので|だと",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\?|？|かな(?![いくけっ])|(?<!し)かも|だろうか|maybe|perhaps|not because|ではない|じゃない|のせいではな|関係ない|wrong belief|was wrong",
    re.IGNORECASE,
)


def judged(notes: Notes, picture: Picture, diagnoses: Sequence[tuple[NoteBlock, Diagnosis]]) -> list[Item]:
    """The remarks that the evidence disproves, and those that it bears out; all others are left alone."""
    del picture
    found: list[Item] = []
    remarks = [line for block in notes.blocks for line in block.remarks][:_MOST_REMARKS]
    for remark in remarks:
        claim = _claim(remark.text)
        near = _spoken_of(remark, diagnoses)
        if claim is None or near is None:
            continue
        item = _judge(claim, remark, *near)
        if item is not None:
            found.append(item)
    return found


def _claim(text: str) -> tuple[str, tuple[str, ...]] | None:
    """The cause that a remark names as the cause; None for questions, doubts and mere mentions."""
    if not _BECAUSE.search(text) or _DOUBT.search(text):
        return None
    return next(((name, causes) for name, pattern, causes in _CLAIMS if re.search(pattern, text, re.IGNORECASE)), None)


def _spoken_of(
    remark: NoteLine, diagnoses: Sequence[tuple[NoteBlock, Diagnosis]]
) -> tuple[NoteBlock, Diagnosis] | None:
    """The failure that stands nearest above a remark, else right below it."""
    failed = [(block, each) for block, each in diagnoses if each.is_success is False]
    above = [(block, each) for block, each in failed if block.span[0] <= remark.number <= block.span[1] + NEAR]
    if above:
        return above[-1]
    return next(((block, each) for block, each in failed if 0 < block.span[0] - remark.number <= NEAR // 2), None)


def _judge(claim: tuple[str, tuple[str, ...]], remark: NoteLine, block: NoteBlock, diagnosis: Diagnosis) -> Item | None:
    name, causes = claim
    kept = [each for each in diagnosis.causes if each.cause in causes]
    out = [each for each in diagnosis.ruled_out if each.cause in causes]
    spans = ((remark.number, remark.number), block.span)
    values: dict[str, Any] = {"remark": remark.text.strip(), "line": remark.number}
    if kept:
        if kept[0] is diagnosis.causes[0] and kept[0].certainty != "possible":
            return Item("belief.right", values | {"cause": kept[0].cause}, spans, depth=2)
        return Item("belief.open", values | {"cause": kept[0].cause, "count": len(diagnosis.causes)}, spans, depth=2)
    if not out or not diagnosis.causes:
        return None
    told = next((each.because for each in out if each.because.witness != "text"), None)
    reason = Item("because", {"message": told.message, "values": dict(told.values)}) if told else None
    shown = next(
        (each for each in diagnosis.symptoms if each.id.startswith(("kernel.", "icmp.", "name.", "connect."))), None
    )
    first = diagnosis.causes[0]
    values |= {"claim": Item(f"claim.{name}", {}), "reason": reason, "cause": first.cause,
               "shown": shown.text if shown else None}  # fmt: skip
    if shown is None and reason is None:
        return None
    kind = "silent" if shown is None else "proof" if reason else "text"
    return Item(f"belief.wrong-{kind}{'-open' if first.certainty == 'possible' else ''}", values, spans)
