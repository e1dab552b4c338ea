"""Connections that were refused, reset, not finished, slow or lossy."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from explain.causes.from_capture.scene import Scene, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.columns import ExchangeColumns

_REFUSED = (
    "tcp-bound-to-loopback",
    "filter-on-target-input",
    "filter-on-router-forward",
    "dnat-missing",
    "dnat-to-wrong-port",
    "rst-by-middlebox",
)
_RESET = ("tcp-half-open", "idle-timeout-in-middlebox", "rst-by-middlebox", "filter-on-router-forward")
_NO_SYN_ACK = (
    "filter-on-target-input", "filter-on-target-ingress", "filter-on-target-output", "filter-on-router-forward",
    "forwarding-disabled", "no-return-route-on-target", "wrong-gateway-on-target", "wrong-netmask-on-target",
    "no-return-route-on-router", "reject-route-on-router", "rp-filter-strict", "tcp-accept-queue-full",
    "masquerade-missing", "masquerade-wrong-interface", "nat-wrong-source-net", "masquerade-bypassed-by-notrack",
    "snat-to-unowned-address", "dnat-to-absent-host", "hairpin-nat-missing", "wrong-gateway-address",
    "wrong-static-neighbour", "wrong-source-address-selected", "conntrack-table-full",
    "stateful-filter-asymmetric-path",
)  # fmt: skip
_HALF_OPEN = ("filter-on-sender-input", "stateful-filter-asymmetric-path", "hairpin-nat-missing", "partial-loss")


def look(scene: Scene) -> Iterator[Seen]:
    """One finding for all connections to the same service that failed alike."""
    part = scene.part("tcp.connection")
    if not len(part):
        return
    yield from _same_fate(scene, part, "refused", "tcp-no-listener", "likely", _REFUSED)
    yield from _same_fate(scene, part, "unanswered", "tcp-syn-unanswered", "possible", _NO_SYN_ACK)
    yield from _same_fate(scene, part, "rejected", "filter-on-target-input", "likely", ("filter-on-router-forward",))
    yield from _same_fate(scene, part, "half-open", "tcp-handshake-unfinished", "possible", _HALF_OPEN)
    yield from _same_fate(scene, part, "reset", "tcp-application-closes", "possible", _RESET)


def _same_fate(
    scene: Scene, part: ExchangeColumns, outcome: str, cause: str, certainty: str, rivals: tuple[str, ...]
) -> Iterator[Seen]:
    indices = scene.open(part, outcome)
    if not indices:
        return
    opener = part.frames[part.bounds[:-1]][np.asarray(indices)]
    table = scene.table
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    keys = zip(
        table.place[opener].tolist(), table.targets(opener).tolist(), table.target_ports(opener).tolist(), strict=True
    )
    for key, index in zip(keys, indices, strict=True):
        groups[key].append(index)
    for (_, server, port), some in groups.items():
        rows = np.concatenate([part.rows(index) for index in some])
        values = {"server": table.addresses.text(server), "port": port, "count": len(some)}
        yield Seen(cause, certainty, [(part, index) for index in some], rows.tolist(), rivals, values)
