"""The table ``local``, which the kernel keeps by itself and ``ip route`` does not print.

Source: fib_add_ifaddr() of Linux (IPv4); addrconf_prefix_route() and ip6_route_add() (IPv6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.state.addresses import BITS, Network, parse
from explain.state.records import NextHop, Route

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explain.state.records import Address, Interface

_POINT_TO_POINT = 31  # from this length on a prefix has no broadcast address: RFC 3021


def with_local_table(
    routes: Mapping[int, tuple[Route, ...]], interfaces: Sequence[Interface] | None
) -> dict[int, tuple[Route, ...]]:
    """The routes, with what must stand in the table ``local`` where it was not collected and addresses were."""
    return {
        family: known if _has_local(known) else (*_local_routes(family, interfaces or ()), *known)
        for family, known in routes.items()
    }


def _has_local(routes: Sequence[Route]) -> bool:
    return any(route.table == "local" for route in routes)


def _local_routes(family: int, interfaces: Sequence[Interface]) -> Iterator[Route]:
    for each in interfaces:
        for own in each.addresses or ():
            if (each.is_up or family == 4) and own.family == family and own.is_usable:
                yield from _of_address(each.name, own)


def _of_address(device: str, own: Address) -> Iterator[Route]:
    parsed = parse(own.local)
    if parsed is None:
        return
    family, number = parsed
    yield _route(family, "local", Network(family, number, BITS[family]), device, own.local)
    network = own.network
    if family == 4 and network is not None and network.length < _POINT_TO_POINT:
        size = 1 << BITS[4] - network.length
        if own.local.startswith("127."):
            yield _route(4, "local", network, device, own.local)
        last = network.number // size * size + size - 1
        yield _route(4, "broadcast", Network(4, last, BITS[4]), device, own.local)


def _route(family: int, kind: str, network: Network, device: str, source: str) -> Route:
    return Route(
        family=family, network=network, type=kind, table="local", metric=0,
        scope="host" if kind == "local" else "link", protocol="kernel", source=source,
        nexthops=(NextHop(gateway=None, device=device, flags=frozenset(), weight=1),), mtu=None, hop_limit=None, tos=0,
        preference="medium", from_network=None, text=f"{kind} {network} dev {device} table local",
    )  # fmt: skip
