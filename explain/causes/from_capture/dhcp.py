"""What fails about leases; the rules are loaded where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.causes.from_capture.scene import Scene, Seen


def look(scene: Scene) -> Iterator[Seen]:
    """Clients that get no address, are refused, or hear two servers; nothing of a lease that went well."""
    if scene.exchanges.of_kind("dhcp.lease") is not None:
        from explain.causes.from_capture import dhcp_rules

        yield from dhcp_rules.look(scene)
