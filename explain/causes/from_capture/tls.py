"""TCP did its part, and TLS ended with an alert that says why; or one side alone speaks TLS."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from explain.causes.from_capture.http import carriers
from explain.causes.from_capture.scene import Scene, Seen
from explain.exchanges.columns import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tls.talk import Tls
    from explain.table import Rows


_ABOUT_CERTIFICATES = frozenset({
    "bad_certificate", "unsupported_certificate", "certificate_revoked", "certificate_expired", "certificate_unknown",
    "unknown_ca",
})  # fmt: skip
_WITHOUT_CERTIFICATE = ("handshake_failure", "certificate_required", "no_certificate")
_REFUSED_OFFERS = {
    "protocol_version": "version", "handshake_failure": "offer", "insufficient_security": "offer",
    "unrecognized_name": "name", "no_application_protocol": "protocol",
}  # fmt: skip
"""What a server finds wrong with a ClientHello."""


def look(scene: Scene) -> Iterator[Seen]:
    """Who does not speak TLS at all, then who will not go on with it."""
    for rule in (_not_spoken, _wanted, _wanted_in_words, _alerts):
        for seen in rule(scene):
            scene.account(seen)
            yield seen


def _not_spoken(scene: Scene) -> Iterator[Seen]:
    """Servers that answer a ClientHello in plain text, or with octets of another protocol."""
    part = scene.part("tcp.connection")
    known: dict[int, Tls] = part.facts.get("tls", {})
    in_text = [index for index, tls in known.items() if tls.plain_frame is not None]
    others = [index for index, tls in known.items() if tls.foreign_frame is not None]
    for (server, port), indices in (*_by_server(part, in_text), *_by_server(part, others)):
        first = known[indices[0]]
        rows = [
            row
            for index in indices
            for frame in (known[index].hello_frame, known[index].plain_frame or known[index].foreign_frame)
            for row in _rows_of(scene, part.rows(index), frame)
        ]
        values = {
            "server": server, "port": port, "count": len(indices), "says": first.plain_answer,
            "client": part.fields(indices[0]).client.address,
        } | ({"case": "otherwise"} if first.plain_frame is None else {})  # fmt: skip
        yield Seen("tls-not-spoken", "proved", [(part, index) for index in indices], sorted(rows), (), values)


def _wanted(scene: Scene) -> Iterator[Seen]:
    """Servers that answer plain HTTP with an alert of TLS."""
    part, requests = scene.part("tcp.connection"), scene.part("http.request")
    known: dict[int, Tls] = part.facts.get("tls", {})
    warned = {
        index
        for index, tls in known.items()
        if tls.hello_frame is None and tls.alert_by == "server" and tls.is_fatal and not tls.is_answered
    }
    asked = [index for index in range(len(requests)) if warned and requests.fields(index).method]
    carried = dict(zip(asked, carriers(scene, part, requests, asked), strict=True))
    for (server, port), some in _by_server(requests, [index for index in asked if carried[index] in warned]):
        rows = [int(requests.rows(index)[0]) for index in some]
        carrying = [carried[index] for index in some]
        rows += [row for index in carrying for row in _rows_of(scene, part.rows(index), known[index].alert_frame)]
        members = [(part, index) for index in carrying] + [(requests, index) for index in some]
        values = _request(requests, some[0]) | {"server": server, "port": port, "count": len(some)}
        values["alert"] = known[carrying[0]].alert
        yield Seen("tls-wanted", "proved", members, sorted(set(rows)), (), values)


def _wanted_in_words(scene: Scene) -> Iterator[Seen]:
    """Servers of HTTPS that say in a page that they were asked in plain HTTP."""
    part = scene.part("http.request")
    for (server, port), some in _by_server(part, part.facts["wants_tls"]() if len(part) else ()):
        members = [(part, index) for index in some]
        values = _request(part, some[0]) | {"server": server, "port": port, "count": len(some), "case": "told"}
        yield Seen("tls-wanted", "proved", members, sorted(set(rows_of(members))), (), values)


def _request(part: ExchangeColumns, index: int) -> dict[str, object]:
    fields = part.fields(index)
    return {"client": fields.client.address, "path": fields.path, "status": fields.status}


def _alerts(scene: Scene) -> Iterator[Seen]:
    """One finding for each server and alert; only for fatal ones."""
    part = scene.part("tcp.connection")
    known: dict[int, Tls] = part.facts.get("tls", {})
    groups: dict[tuple[str, int | None, str], list[int]] = defaultdict(list)
    for index, tls in known.items():
        if tls.alert is not None and tls.is_fatal and index not in scene.accounted["tcp.connection"]:
            server = part.fields(index).server
            groups[server.address, server.port, tls.alert].append(index)
    for (server, port, alert), indices in groups.items():
        rows = [int(row) for index in indices for row in _rows_of(scene, part.rows(index), known[index].alert_frame)]
        first, client = known[indices[0]], part.fields(indices[0]).client.address
        values = {
            "server": server, "port": port, "alert": alert, "by": first.alert_by, "server_name": first.server_name,
            "version": first.version, "count": len(indices), "client": client,
            "speaker": server if first.alert_by == "server" else client, "protocols": first.protocols,
            **_meaning(first),
        }  # fmt: skip
        yield Seen("tls-alert", "proved", [(part, index) for index in indices], rows, (), values)


def _meaning(tls: Tls) -> dict[str, str]:
    """Which of the usual reasons an alert gives; none where it gives another one, or none (RFC 8446, 6.2)."""
    is_about_certificate = tls.alert in _ABOUT_CERTIFICATES
    if tls.alert_by == "client":
        return {"case": "distrust"} if is_about_certificate and tls.is_answered else {}
    if tls.is_answered:  # what the client offered was right, so what it showed then is not
        return {"case": "client"} if is_about_certificate or tls.alert in _WITHOUT_CERTIFICATE else {}
    if tls.hello_frame is None or (tls.alert == "unrecognized_name" and not tls.server_name):
        return {}
    case = _REFUSED_OFFERS.get(tls.alert or "")
    return {"case": case} if case and (case != "protocol" or tls.protocols) else {}


def _by_server(part: ExchangeColumns, some: Iterable[int]) -> Iterable[tuple[tuple[str, int | None], list[int]]]:
    """Exchanges by the address and the port of their servers, at whatever place they were seen."""
    groups: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    for index in some:
        server = part.fields(index).server
        groups[server.address, server.port].append(index)
    return groups.items()


def _rows_of(scene: Scene, rows: Rows, frame: int | None) -> list[int]:
    return [row for row in rows.tolist() if scene.table.frame[row] == frame]
