"""Who talks to whom and how long answers take, as tables with bars; and the list of exchanges."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

import numpy as np

from explain import table as t
from explain.model import LANGUAGES
from explain.render.html.ladder import both
from explain.render.markdown import frames as frames_told
from explain.render.markup import Markup, data, joined, tag
from explain.words import has
from explain.words.values import duration, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.model import Evidence, Exchange, Report

_MOST_PAIRS, _MOST_TRIPS, _MOST_LOOKED = 20, 24, 600
_MOST_RANGES = 40


def pairs(report: Report) -> Markup | None:
    """Pairs of addresses that exchanged most, what went each way beside each other."""
    table = report.exchanges.table
    rows = np.flatnonzero(table.layers[: len(table)] & t.IP)
    if not len(rows):
        return None
    flows, flow = table.flows, table.flow[rows]
    ends = np.stack((flows.low, flows.high), axis=1)
    distinct, of_flow = np.unique(ends, axis=0, return_inverse=True)
    pair = of_flow.ravel()[flow]
    way = (table.layers[rows] & t.REVERSED != 0).astype(np.int64)
    key = pair * 2 + way
    packets = np.bincount(key, minlength=2 * len(distinct)).reshape(-1, 2)
    octets = np.bincount(key, table.length[rows], 2 * len(distinct)).reshape(-1, 2).astype(np.int64)
    order = np.argsort(-octets.sum(axis=1), kind="stable")
    order = order[octets[order].sum(axis=1) > 0]
    most = int(octets.max())
    body = []
    for at in order[:_MOST_PAIRS].tolist():
        names = [table.addresses.text(int(key)) for key in distinct[at].tolist()]
        ways = [0, 1] if octets[at, 0] >= octets[at, 1] else [1, 0]
        cells = [_sent(int(octets[at, w]), int(packets[at, w]), most) for w in ways]
        body.append(_row(names[ways[0]], cells[0], cells[1], names[ways[1]], hosts=names))
    rest = len(order) - len(body)
    note = tag("p", {"class": "note"}, both("render.page.more-pairs", {"count": rest})) if rest else None
    return joined(_table(("host", "sent", "received", "host"), body, "pairs"), note or Markup(""))


def _sent(octets: int, packets: int, most: int) -> Markup:
    width = max(100 * octets / most, 0.5 if octets else 0)
    return joined(
        _bar(0, width), tag("span", None, f"{size(octets)} "),
        tag("small", None, both("render.page.packets", {"count": packets})),
    )  # fmt: skip


def _bar(start: float, width: float) -> Markup:
    rect = {"x": f"{start:.1f}", "y": 0, "width": f"{width:.1f}", "height": 10}
    box = {"class": "bar", "viewBox": "0 0 100 10", "preserveAspectRatio": "none", "aria-hidden": "true"}
    return tag("svg", box, tag("rect", rect))


def trips(report: Report) -> Markup | None:
    """How long answers took, by who asked whom: least, average and most, on one logarithmic scale."""
    found: dict[tuple[str, str, str], list[tuple[int, int, int, int]]] = {}
    for part in report.exchanges.parts:
        if part.kind not in ("icmp.echo", "tcp.connection", "dns.lookup"):
            continue
        chosen = report.exchanges.indices(part, np.asarray(report.exchanges.positions, np.int64))
        for index in chosen[:_MOST_LOOKED].tolist():
            fields = part.fields(index)
            measured = _measured(part.kind, fields)
            if measured:
                found.setdefault(_ends(part.kind, fields), []).append(measured)
    if not found:
        return None
    summed = [(key, _summed(values)) for key, values in found.items()]
    summed.sort(key=lambda one: -one[1][0] * one[1][2])
    shown = summed[:_MOST_TRIPS]
    low = log10(min(least for _, (_, least, _, _) in shown))
    high = max(log10(max(most for _, (_, _, _, most) in shown)), low + 0.01)
    body = []
    for (kind, asker, asked), (count, least, average, most) in shown:
        start, end = (100 * (log10(one) - low) / (high - low) for one in (least, most))
        told = f"{duration(least)} / {duration(average)} / {duration(most)}" if count > 1 else duration(average)
        cell = joined(_bar(min(start, 98), max(end - start, 2)), tag("span", None, told))
        body.append(_row(f"{asker} > {asked}", kind, str(count), cell, hosts=[asker, asked]))
    return _table(("host", "kind", "count", "trip"), body, "trips")


def _measured(kind: str, fields: object) -> tuple[int, int, int, int] | None:
    """How many, least, average and most, in nanoseconds."""
    if kind == "icmp.echo":
        values = [getattr(fields, f"rtt_{name}_ns") for name in ("min", "avg", "max")]
        count = getattr(fields, "received", 1)
    else:
        values = [getattr(fields, "rtt_ns" if kind == "dns.lookup" else "handshake_rtt_ns")] * 3
        count = 1
    if any(value is None or value <= 0 for value in values):
        return None
    return max(1, count), int(values[0]), int(values[1]), int(values[2])


def _ends(kind: str, fields: object) -> tuple[str, str, str]:
    names = ("src", "dst") if kind == "icmp.echo" else ("client", "server")
    one, other = (getattr(fields, name) for name in names)
    return kind, str(getattr(one, "address", one)), str(getattr(other, "address", other))


def _summed(values: Sequence[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    count = sum(one[0] for one in values)
    average = sum(one[0] * one[2] for one in values) // count
    return count, min(one[1] for one in values), average, max(one[3] for one in values)


def listing(report: Report, listed: Sequence[tuple[Exchange, str]]) -> Markup:
    """The exchanges, a row each; choosing one lights its frames."""
    rows = []
    for exchange, hosts in listed:
        bad = {"class": "bad"} if is_failed(report, exchange) else None
        kind = lights(spans(exchange.evidence), tag("b", None, exchange.kind))
        where = joined(*(
            tag("span", {"class": "t", "lang": lang}, frames_told(exchange.evidence[:1], report.captures, lang))
            for lang in LANGUAGES
        ))  # fmt: skip
        rows.append(_row(
            kind, tag("span", bad, outcome(exchange.outcome)), " > ".join(hosts.split()), where,
            hosts=hosts.split(), kind=exchange.kind, outcome=exchange.outcome,
        ))  # fmt: skip
    return _table(("kind", "outcome", "host", "frames"), rows, "listing")


def outcome(name: str) -> Markup:
    """How an exchange ended; the error of an ICMP message has its own name on the wire."""
    message = f"exchange.outcome.{name}"
    return both(message, {}) if has(message) else tag("span", None, name)


def is_failed(report: Report, exchange: Exchange) -> bool:
    """Whether something went wrong in it that the report tells of."""
    return exchange.id in report.unexplained or any(exchange.id in one.exchanges for one in report.findings)


def _row(*cells: Markup | str, hosts: Sequence[str], **facts: str) -> Markup:
    described = {f"data-{name}": value for name, value in facts.items()}
    return tag("tr", {**described, "data-hosts": " ".join(hosts)}, *(tag("td", None, cell) for cell in cells))


def _table(names: Sequence[str], rows: Sequence[Markup], of_class: str) -> Markup:
    head = tag("tr", None, *(tag("th", {"scope": "col"}, both(f"render.page.{name}", {})) for name in names))
    whole = tag("table", {"class": of_class}, tag("thead", None, head), tag("tbody", None, *rows))
    return tag("div", {"class": "scroll"}, whole)


def lights(spans_of: list[list[int]], words: Markup | str) -> Markup:
    """Words to choose; a span, because the text of a button cannot wrap within a line."""
    return tag("span", {"class": "says", "role": "button", "tabindex": 0, "data-frames": data(spans_of)}, words)


def spans(evidence: Sequence[Evidence]) -> list[list[int]]:
    """Capture, first and last frame of each range, for the script of the page."""
    return [[one.capture, first, last] for one in evidence for first, last in one.frames[:_MOST_RANGES]]
