"""What an ICMP error means: whose packet it is about, and who says it, decide where the fault is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explain.causes.from_capture.link import arp, ndp

if TYPE_CHECKING:
    from explain.exchanges.icmp.error import IcmpError

ABSENT = ("host-unreachable", "address-unreachable")
"""Errors that say that nobody has the address."""
_NO_ROUTE = ("no-route-on-router", ("router-interface-down", "reject-route-on-router", "filter-on-router-forward"))
_ON_ITS_LINK = (
    "bridge-port-down", "bridge-port-not-member", "bridge-down", "bridge-port-not-forwarding", "bridge-ports-isolated",
    "filter-on-switch", "wrong-static-fdb-entry", "filter-on-target-ingress",
)  # fmt: skip
FROM_ROUTER = {
    "net-unreachable": _NO_ROUTE,
    "no-route": _NO_ROUTE,
    "host-unreachable": (
        "destination-host-absent-behind-router",
        ("target-interface-down", "target-has-other-address", "arp-ignored-by-target", "arp-disabled",
         "wrong-nexthop-on-router", "reject-route-on-router", "filter-on-router-forward", "dnat-to-absent-host",
         *_ON_ITS_LINK),
    ),
    "address-unreachable": (
        "destination-host-absent-behind-router",
        ("target-interface-down", "target-has-other-address", "filter-on-target-input", "filter-on-target-output",
         "wrong-static-neighbour", "arp-disabled", "wrong-nexthop-on-router", "reject-route-on-router",
         "filter-on-router-forward", "dnat-to-absent-host", *_ON_ITS_LINK),
    ),
    "port-unreachable": ("filter-on-router-forward", ("filter-on-target-input", "dnat-to-wrong-port", "dnat-missing")),
    "protocol-unreachable": ("filter-on-router-forward", ()),
    "net-prohibited": ("filter-on-router-forward", ("reject-route-on-router",)),
    "host-prohibited": ("filter-on-router-forward", ("reject-route-on-router",)),
    "admin-prohibited": ("filter-on-router-forward", ("reject-route-on-router",)),
    "reject-route": ("reject-route-on-router", ("filter-on-router-forward",)),
    "source-policy-failed": ("filter-on-router-forward", ("reject-route-on-router",)),
    "beyond-scope": ("sender-no-address", ("address-tentative", "wrong-source-address-selected", "duplicate-address")),
    "fragmentation-needed": ("path-mtu-exceeded", ()),
    "packet-too-big": ("path-mtu-exceeded", ()),
    "reassembly-exceeded": ("partial-loss", ("fragments-filtered",)),
    "redirect-net": ("icmp-redirect", ()),
    "redirect-host": ("icmp-redirect", ()),
    "redirect-net-for-tos": ("icmp-redirect", ()),
    "redirect-host-for-tos": ("icmp-redirect", ()),
}  # fmt: skip
"""For each error what it means where somebody on the way says it: the cause, and its rivals."""
_SELF_PROTECTION = ("filter-on-target-input", ("filter-on-router-forward", "dnat-missing"))
_ON_THE_TARGET = frozenset((
    "net-unreachable", "host-unreachable", "protocol-unreachable", "port-unreachable", "net-prohibited",
    "host-prohibited", "admin-prohibited", "no-route", "address-unreachable", "source-policy-failed", "reject-route",
))  # fmt: skip
# The sender's own kernel speaks, on its loopback device.
_BY_ITSELF = ("filter-on-sender-output", ("reject-route-on-sender", "policy-rule-on-sender"))
_NO_WAY_ITSELF = ("reject-route-on-sender", ("no-route-on-sender", "policy-rule-on-sender", "filter-on-sender-output"))
# The packet that could not go on was itself an answer: the way back is what fails.
_WAY_BACK = (
    "no-return-route-on-router",
    (
        "wrong-source-address-selected", "masquerade-missing", "masquerade-wrong-interface", "nat-wrong-source-net",
        "masquerade-bypassed-by-notrack", "router-interface-down", "reject-route-on-router",
        "filter-on-router-forward",
    ),
)  # fmt: skip
# Nobody has the address that is to be answered: it was not the asker's own, or does not belong on that link.
_NOBODY_TO_ANSWER = ("sender-address-in-wrong-subnet", "wrong-source-address-selected", "snat-to-unowned-address")
_NO_WAY = ("net-unreachable", "no-route")


def meaning(error: IcmpError, name: str, target: str, *, is_answer: bool) -> tuple[str, tuple[str, ...]]:
    """The cause and its rivals.

    Args:
        error: as it was recorded.
        name: of the error.
        target: whom the quoted packet was for.
        is_answer: the quoted packet was itself an answer.
    """
    by_itself = error.about is not None and error.from_ == error.about.src
    if error.from_ == target and name in ABSENT:  # nobody looks for himself: the packet was turned to another
        return "dnat-to-absent-host", ("destination-host-absent-behind-router", "filter-on-router-forward")
    if by_itself and name in ABSENT:
        return "destination-host-absent-on-link", ndp.WHY_SILENT if ":" in target else arp.WHY_SILENT
    if by_itself and name in _ON_THE_TARGET:
        return _NO_WAY_ITSELF if name in _NO_WAY else _BY_ITSELF
    if error.from_ == target and name in _ON_THE_TARGET:
        return _SELF_PROTECTION
    if name in _NO_WAY and is_answer:
        return _WAY_BACK
    cause, rivals = FROM_ROUTER[name]
    return cause, (*rivals, *_NOBODY_TO_ANSWER) if is_answer and name in ABSENT else rivals
