"""Connections that were reset, or that their server closed at once or before its client had done."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.arrays import among
from explain.causes.from_capture.scene import Scene, Seen
from explain.causes.from_capture.tcp import resets
from explain.causes.from_capture.tcp.scan import by_service
from explain.exchanges.tcp.challenge import go_on
from explain.exchanges.tcp.course import NEVER
from explain.exchanges.tcp.late import refused_late
from explain.table import FIN, RST, SYN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns
    from explain.exchanges.tcp.course import Course
    from explain.exchanges.tcp.moments import Talk
    from explain.table import Bools, Rows

_MOST_PLACED = 200  # connections; of more, nobody reads where each RST came from
_MUTE = ("rst-by-middlebox", "dnat-to-wrong-port")  # who speaks for it, or is not the service that was meant
_AT_ONCE_NS = 1_000_000_000  # one that nobody uses is closed after longer
_REFUSALS = 400  # statuses from there on (RFC 9110, 15.5)
_FEW = 8  # segments before the FIN of who closes at once
_FORGED, _FORGETFUL = "rst-by-middlebox", "tcp-half-open"
_BY_EITHER = ("tcp-application-closes", "tcp-half-open")
_FAREWELL, _LAST_WORDS = 8, 128  # octets with which a client takes leave: QUIT; by TLS GOAWAY and close_notify
_SHUT = ("tcp-application-closes", "likely", ("rst-by-middlebox",))  # after its own FIN


def cut_short(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """After a FIN a reset is one way to be done; before it, it cuts the connection off."""
    course: Course = part.facts["course"]
    is_closed_first = course.fins.min(axis=0) < course.resets.min(axis=0)
    cut_off, ignored, late = [], [], {}
    some = scene.open(part, "reset")
    for index, is_ignored in zip(some, go_on(part.facts["moments"], np.array(some, np.int64)).tolist(), strict=True):
        if is_ignored:
            ignored.append(index)
        elif is_closed_first[index] and not _is_shut(part, index):
            if said := _refused_late(scene, part, index):
                late[index] = said
            else:
                scene.accounted[part.kind].add(index)
        else:
            cut_off.append(index)
    yield from _ignored(scene, part, ignored)
    turned_down = _turned_down(scene, part, [*cut_off, *late])
    for status in dict.fromkeys(map(turned_down.get, late)):
        alike = {index: rows for index, rows in late.items() if turned_down.get(index) == status}
        yield from _late(scene, part, alike, status)
    yield from _cut_off(scene, part, cut_off, is_closed_first, turned_down)


def _turned_down(scene: Scene, part: ExchangeColumns, some: list[int]) -> dict[int, str]:
    """Of connections that were reset, those whose server had refused a request while its body came, and with what."""
    http, table, moments = scene.part("http.request"), scene.table, part.facts["moments"]
    by_server = {index: at for index in some if (at := int(moments.course.resets[1, index])) != NEVER}
    if not len(http) or not by_server:
        return {}
    resets_ = moments.streams.rows[list(by_server.values())]
    flow, time_ns = table.flow[resets_].tolist(), table.time_ns[resets_].tolist()
    ended = {of: (index, ended_ns) for of, index, ended_ns in zip(flow, by_server, time_ns, strict=True)}
    flows = table.flow[http.frames[http.bounds[:-1]]]
    found: dict[int, str] = {}
    for at in np.flatnonzero(among(flows, sorted(ended))).tolist():
        index, ended_ns = ended[int(flows[at])]
        if not 0 <= ended_ns - int(http.end_ns[at]) < _AT_ONCE_NS or (http.fields(at).status or 0) < _REFUSALS:
            continue
        talk = moments.talk(index)
        is_body = (talk.length > 0) & (talk.role == 0) & (talk.rows > http.rows(at)[0])
        if is_body.any() and not among(talk.rows[is_body], http.frames).any():
            found[index] = str(http.fields(at).status)
    return found


def _refused_late(scene: Scene, part: ExchangeColumns, index: int) -> list[int]:
    """The server's FIN, what its client said on the closed connection all the same, and the RST to it; else nothing.

    A word of farewell may come too late; and a request of HTTP is missed by who looks for its answer.
    """
    talk = part.facts["moments"].talk(index)
    data = refused_late(talk)
    least = _LAST_WORDS if part.facts["tls"].get(index) else _FAREWELL
    carried = scene.part("http.request").frames
    if int(talk.length[data].sum()) <= least or among(talk.rows[data], carried).any():
        return []
    if len(ends := talk.where(FIN | RST, 0)) and ends[0] < talk.where(RST, 1)[0]:  # both were done
        return []
    shown = np.sort(np.concatenate((talk.where(FIN, 1)[:1], data, talk.where(RST, 1)[:1])))
    rows: list[int] = talk.rows[shown].tolist()
    return rows


def _late(scene: Scene, part: ExchangeColumns, shown: dict[int, list[int]], status: str | None) -> Iterator[Seen]:
    """Connections that their server had closed, as after a while without use, when the client spoke again.

    With a status the client spoke still, and had been refused so.
    """
    for server, port, indices in by_service(scene, part, list(shown)):
        client = part.facts["moments"].ends(indices[0])[0][0]
        values = {
            "server": server, "port": port, "count": len(indices), "case": "shut-late",
            "client": scene.table.addresses.text(client),
        }  # fmt: skip
        if status is not None:
            values |= {"case": "turned-down", "status": status}
        rows = [row for index in indices for row in shown[index]]
        yield Seen("tcp-application-closes", "likely", [(part, index) for index in indices], rows, _SHUT[2], values)


def _ignored(scene: Scene, part: ExchangeColumns, some: list[int]) -> Iterator[Seen]:
    """Resets after which both sides went on."""
    moments = part.facts["moments"]
    for server, port, indices in by_service(scene, part, some):
        rows = [row for index in indices for row in moments.resets(index).tolist()]
        values = {"server": server, "port": port, "count": len(indices), "case": "ignored"}
        is_forged = any(one.cause == _FORGED for one in resets.judge(moments, indices))
        certainty = "likely" if is_forged else "possible"
        yield Seen(_FORGED, certainty, [(part, index) for index in indices], rows, (), values)


def _cut_off(
    scene: Scene, part: ExchangeColumns, some: list[int], is_closed_first: Bools, turned_down: dict[int, str]
) -> Iterator[Seen]:
    """Resets that ended connections; those alike to one service together."""
    moments = part.facts["moments"]
    alike: dict[tuple[str, str, str, bool, tuple[str, ...]], dict[int, resets.Reset]] = defaultdict(dict)
    for index, judged in zip(some, resets.judge(moments, some), strict=True):
        if judged.cause == _SHUT[0] and moments.only_checks(index):
            scene.accounted[part.kind].add(index)
            continue
        found = _placed(scene, part.rows(index), judged) if len(some) <= _MOST_PLACED else judged
        if index in turned_down and found.cause == _SHUT[0] and not found.is_from_client:
            told_so = {**found.values, "status": turned_down[index]}
            found = found._replace(certainty="likely", rivals=_SHUT[2], case="turned-down", values=told_so)
        is_shut = bool(is_closed_first[index]) and found.cause == "tcp-application-closes"
        is_client = found.is_from_client and found.cause in _BY_EITHER
        case = found.case or ("shut" if is_shut else "client" if is_client else "")
        told = found._replace(cause=_SHUT[0], certainty=_SHUT[1], rivals=_SHUT[2]) if is_shut else found
        is_for_client = found.is_from_client and found.cause == _FORGED
        alike[told.cause, told.certainty, case, is_for_client, tuple(told.values.values())][index] = told
    for (cause, certainty, case, is_for_client, _), shown in alike.items():
        for server, port, indices in by_service(scene, part, list(shown)):
            rows = [row for index in indices for row in shown[index].rows]
            rivals = tuple(dict.fromkeys(rival for index in indices for rival in shown[index].rivals))
            values = {"server": server, "port": port, "count": len(indices)} | ({"case": case} if case else {})
            client, target = (scene.table.addresses.text(one[0]) for one in moments.ends(indices[0]))
            values |= shown[indices[0]].values
            if (cause, case) == ("tcp-half-open", "client"):
                values["client"] = client
            elif cause == _FORGED:
                values["sender"] = client if is_for_client else target
            why = scene.one_link.possible(rows, rivals)
            yield Seen(cause, certainty, [(part, index) for index in indices], rows, why, values)


def _placed(scene: Scene, rows: Rows, judged: resets.Reset) -> resets.Reset:
    """The same, with where the RST came into being, or with the NAT that had forgotten the connection."""
    translations = scene.part("nat.translation")
    own = translations.with_rows(rows).tolist() if len(translations) and judged.cause == _FORGETFUL else ()
    if own:  # what knows translations is loaded where there are any
        from explain.exchanges.over_places.nat_translation import sources_of_renewed
    for index in own:
        fields = translations.fields(index)
        if sources := sources_of_renewed(translations, index):
            return _renewed(judged, *sources)
        if fields.as_is and (fields.silent_ns or 0) >= resets.QUIET_NS:
            return judged._replace(
                cause="idle-timeout-in-middlebox", certainty="likely", rivals=(), case="untranslated"
            )
    return resets.placed(scene.table, rows, judged)


def _renewed(judged: resets.Reset, before: str, after: str) -> resets.Reset:
    """A RST for what a translator gave other ends: it had forgotten, or another one is in its place."""
    causes = ("idle-timeout-in-middlebox", "stateful-filter-asymmetric-path")
    cause, rival = causes if before == after else causes[::-1]
    values = judged.values if before == after else {**judged.values, "before": before, "after": after}
    return judged._replace(cause=cause, certainty="likely", rivals=(rival,), case="renewed", values=values)


def _is_shut(part: ExchangeColumns, index: int) -> bool:
    """Whether the server closed without a word and then refused what the client had to say."""
    course: Course = part.facts["course"]
    (client_fin, server_fin), (client_reset, server_reset) = course.fins[:, index], course.resets[:, index]
    if server_fin >= client_fin or server_reset >= client_reset:
        return False
    talk = part.facts["moments"].talk(index)
    return bool(talk.length[talk.role == 0].any() and _is_mute(talk))


def closed_at_once(scene: Scene, part: ExchangeColumns) -> Iterator[Seen]:
    """Connections that the server accepted and closed at once, without a word."""
    course: Course = part.facts["course"]
    moments = part.facts["moments"]
    client_fin, server_fin = course.fins
    is_quick = course.is_established & (server_fin < client_fin) & (server_fin - part.bounds[:-1] < _FEW)
    some = [
        index
        for name in ("closed", "open")
        for index in scene.open(part, name)
        if is_quick[index] and course.syn_ack[index] != NEVER
    ]
    carried = scene.part("http.request").frames  # an answer that is due is looked for elsewhere
    alike: dict[str, list[int]] = {"mute": [], "unheard": []}
    for index in some:
        talk = moments.talk(index)
        if _is_sudden(talk) and not among(talk.rows, carried).any():
            alike["unheard" if talk.length.any() else "mute"].append(index)
    for case, indices in alike.items():
        for server, port, own in by_service(scene, part, indices):
            rows = [int(moments.streams.rows[server_fin[index]]) for index in own]
            values = {"server": server, "port": port, "count": len(own), "case": case}
            yield Seen("tcp-application-closes", "likely", [(part, index) for index in own], rows, _MUTE, values)


def _is_sudden(talk: Talk) -> bool:
    """Whether the server sent no octet and closed soon after its SYN-ACK, or after all that was said to it."""
    data = np.flatnonzero(talk.length > 0)
    fin = int(talk.where(FIN, 1)[0])
    since = int(np.concatenate((talk.where(SYN, 1), data[data < fin])).max())
    is_soon = int(talk.time_ns[fin] - talk.time_ns[since]) < _AT_ONCE_NS
    return is_soon and _is_mute(talk) and not (data > fin).any()  # else it closed but its half


def _is_mute(talk: Talk) -> bool:
    """Whether a server sent nothing before its FIN: no octet is here, and its numbers tell of none that is not."""
    own = np.flatnonzero((talk.role == 1) & (talk.flags & RST == 0))
    numbers = talk.seq[own[own <= talk.where(FIN, 1)[0]]]
    is_still = int((numbers - numbers[:1]).view(np.int32).max(initial=0)) <= 1  # a SYN counts for one
    return is_still and not talk.length[talk.role == 1].any()
