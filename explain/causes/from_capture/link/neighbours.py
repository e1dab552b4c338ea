"""What ARP and IPv6 neighbour discovery show alike: addresses that several MACs claim, and unanswered questions."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from explain.addresses import mac_text
from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.exchanges.columns import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from explain.exchanges.claims import Contest
    from explain.exchanges.columns import ExchangeColumns

_MANY_ADDRESSES = 2  # claimed by one MAC in conflicts: no longer an accident


class Claimed:
    """Addresses with the exchanges that show several claims of them, and the MACs that claim them."""

    def __init__(self) -> None:
        self.members: dict[str, list[Member]] = defaultdict(list)
        self.macs: dict[str, set[str]] = defaultdict(set)

    def add(self, address: str, members: Iterable[Member], macs: Iterable[str]) -> None:
        """More of both for an address."""
        self.members[address] += members
        self.macs[address].update(macs)

    def add_conflicts(self, scene: Scene, resolutions: ExchangeColumns) -> None:
        """Questions that several MACs answered."""
        for index in scene.open(resolutions, "conflicting"):
            fields = resolutions.fields(index)
            self.add(fields.wanted_ip, [(resolutions, index)], fields.answered_macs)

    def add_challenged(self, scene: Scene, part: ExchangeColumns, outcome: str) -> None:
        """Announcements and checks of an address that somebody else has."""
        for index in scene.open(part, outcome):
            fields = part.fields(index)
            self.add(fields.address, [(part, index)], (fields.mac, fields.challenger_mac))

    @cached_property
    def _owners(self) -> dict[str, set[str]]:
        owners: dict[str, set[str]] = defaultdict(set)
        for address, macs in self.macs.items():
            for mac in macs:
                owners[mac].add(address)
        return owners

    def greedy(self, address: str) -> set[str]:
        """Those of its MACs that claim other addresses, too; asked for when everything was added."""
        return {mac for mac in self.macs[address] if len(self._owners[mac]) >= _MANY_ADDRESSES}


def moved(address: str, members: list[Member], contest: Contest) -> Seen:
    """An address that one host announced soon after another one, which was silent about it since."""
    values = {"address": address, "macs": [*map(mac_text, contest.rows)], "count": len(members), "case": "moved"}
    return Seen("duplicate-address", "possible", members, rows_of(members), (), values)


def silence(
    scene: Scene,
    part: ExchangeColumns,
    why: tuple[str, ...],
    told: Mapping[str, Any],
    is_excused: Callable[[int], bool] = lambda _index: False,
) -> Iterator[Seen]:
    """One finding for all questions of one host for another that nobody answered.

    Args:
        scene: what was seen.
        part: the questions.
        why: what such a silence may have for a cause, beside an absent host.
        told: what the finding says beside its usual values.
        is_excused: of which of the questions the silence means nothing.
    """
    for (_, asker, wanted), indices in _in_vain(scene, part, is_excused).items():
        fields = part.fields(indices[0])
        requests = sum(part.fields(index).requests for index in indices)
        # Linux and most others ask three times before they give up (RFC 1122, 2.3.2.1; RFC 4861, 10).
        certainty = "likely" if requests > 2 else "possible"
        asked = {"asker": asker, "asker_mac": fields.asker_mac, "address": wanted, "requests": requests}
        members = [(part, index) for index in indices]
        is_known = all(part.fields(index).is_unicast for index in indices)
        rows, values = rows_of(members), {**told, **asked, **({"case": "gone"} if is_known else {})}
        members += scene.silent_to(wanted)
        yield Seen("destination-host-absent-on-link", certainty, members, rows, why, values)


def _in_vain(
    scene: Scene, part: ExchangeColumns, is_excused: Callable[[int], bool]
) -> Mapping[tuple[int, str, str], list[int]]:
    """Questions whose silence counts, by place, asker and whom they want; the others are accounted for."""
    groups: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for index in scene.open(part, "unanswered"):
        fields, own = part.fields(index), part.rows(index)
        first, last = int(own[0]), int(own[-1])
        is_answered = scene.hosts.went_on(last) or scene.hosts.had_answer(last) or scene.hosts.began(last)
        if fields.requests == 1 and not is_answered:  # who got no answer asks again
            is_answered = len(scene.hosts.answered_elsewhere(last)) > 0
        if is_excused(index) or is_answered or scene.hosts.is_overheard(first, fields.requests):
            scene.accounted[part.kind].add(index)
        else:
            groups[int(scene.table.place[first]), fields.asker_ip, fields.wanted_ip].append(index)
    return groups
