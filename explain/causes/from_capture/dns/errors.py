"""ICMP errors about questions and answers: why no name was found, and no root of their own."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from explain.exchanges.icmp.quotes import quoted_flows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from explain.causes.from_capture.scene import Member, Scene


def errors_by_flow(scene: Scene) -> Mapping[int, Sequence[Member]]:
    """ICMP errors by the flow of the packet that they quote."""
    errors = scene.part("icmp.error")
    if not len(errors):
        return {}
    at = np.searchsorted(scene.table.icmp.row, errors.frames[errors.bounds[:-1]])
    done = scene.accounted[errors.kind]
    found: dict[int, list[Member]] = defaultdict(list)
    for index, flow in enumerate(quoted_flows(scene.table)[at].tolist()):
        if index not in done:
            found[flow].append((errors, index))
    return found


def errors_about(scene: Scene, members: Iterable[Member], errors: Mapping[int, Sequence[Member]]) -> list[Member]:
    """The errors that quote a packet of these exchanges."""
    if not errors:
        return []
    flow = scene.table.flow
    flows = {int(flow[part.frames[part.bounds[index]]]) for part, index in members}
    return [error for flow in sorted(flows) for error in errors.get(flow, ())]
