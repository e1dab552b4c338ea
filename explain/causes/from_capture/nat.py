"""A translation whose way back misses the translator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.from_capture.scene import Member, Scene, Seen
from explain.causes.from_capture.silence import WHY_SILENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.exchanges.nat_translation import NatTranslation

_HAIRPIN = ("masquerade-bypassed-by-notrack", "stateful-filter-asymmetric-path")


def look(scene: Scene) -> Iterator[Seen]:
    """Answers that come to the asker from an address which he never spoke to."""
    part = scene.part("nat.translation")
    lost = scene.open(part, "untranslated")
    for index, legs in scene.exchanges.carried(part, lost).items():
        fields: NatTranslation = part.fields(index)
        if fields.why != "reply-not-translated" or fields.outside is None:
            continue
        asked, turned = (
            (fields.outside, fields.inside) if fields.initiator == "outside" else (fields.inside, fields.outside)
        )
        members: list[Member] = [(part, index), *legs]
        values = {
            "client": asked.src.address, "server": asked.dst.address, "port": asked.dst.port,
            "from": turned.dst.address, "protocol": asked.protocol, "count": fields.packets,
        }  # fmt: skip
        rows = part.rows(index).tolist()
        if fields.kind == "source":
            yield Seen("masquerade-bypassed-by-notrack", "possible", members, rows, WHY_SILENT, values)
        else:
            yield Seen("hairpin-nat-missing", "likely", members, rows, _HAIRPIN, values)
