"""Who says each symptom, and about what: the one table behind ``Symptom.speaker`` and ``Symptom.about``.

Ids are ``what.name``.  ``echo.`` single requests and totals of ping; ``icmp.`` an error that a host sent, named as in
the report; ``kernel.`` a call that this host's own kernel refused, named by its errno; ``name.`` a failed look-up;
``ping.`` what ping says of its command line; ``way.`` traceroute and its relatives; ``connect.`` TCP as programs tell
it; ``lookup.`` DNS tools; ``dhcp.`` a DHCP client; ``server.`` the log of a DHCP or DNS server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY_ID = {
    "echo.clock-back": ("this-program", "time"),
    "echo.wrong-data": ("this-program", "payload"),
    "echo.payload": ("this-program", "payload"),
    "echo.length": ("this-program", "payload"),
    "echo.start": ("this-program", "target"),
    "echo.waiting": ("this-program", "target"),
    "echo.timeout": ("this-program", "target"),
    "echo.node-info": ("host", "target"),
    "echo.route": ("host", "way"),
    "echo.quoted-header": ("host", "way"),
    "echo.short-write": ("this-kernel", "target"),
    "icmp.packet-too-big": ("host", "size"),
    "icmp.fragmentation-needed": ("host", "size"),
    "icmp.ttl-exceeded": ("host", "way"),
    "kernel.message-too-long": ("this-kernel", "size"),
    "kernel.no-such-device": ("this-kernel", "interface"),
    "kernel.address-not-available": ("this-kernel", "source"),
    "ping.broadcast": ("this-kernel", "target"),
    "ping.broadcast-warning": ("this-program", "target"),
    "ping.source-elsewhere": ("this-program", "source"),
    "ping.bad-source": ("this-program", "source"),
    "ping.unknown-interface": ("this-kernel", "interface"),
    "ping.no-privilege": ("this-kernel", "command"),
    "ping.scope-missing": ("this-program", "target"),
    "connect.refused": ("host", "target"),
    "connect.reset": ("host", "target"),
    "connect.timed-out": ("this-kernel", "target"),
    "connect.open": ("host", "target"),
    "connect.closed": ("host", "target"),
    "connect.network-unreachable": ("unknown", "target"),
    "connect.host-unreachable": ("unknown", "target"),
    "connect.permission-denied": ("unknown", "target"),
    "connect.protocol-not-available": ("unknown", "target"),
    "connect.not-permitted": ("this-kernel", "target"),
    "connect.address-not-available": ("this-kernel", "source"),
    "dhcp.offer": ("host", "lease"),
    "dhcp.ack": ("host", "lease"),
    "dhcp.nak": ("host", "lease"),
    "lookup.timed-out": ("this-program", "name"),
    "lookup.refused": ("host", "name"),
    "way.hop": ("host", "way"),
}
_BY_FAMILY = {
    "echo.reply": ("host", "target"),
    "echo": ("this-program", "run"),
    "icmp.redirect-": ("host", "way"),
    "icmp": ("host", "target"),
    "kernel": ("this-kernel", "target"),
    "name": ("resolver", "name"),
    "ping": ("this-program", "command"),
    "way": ("this-program", "way"),
    "connect": ("this-program", "target"),
    "lookup": ("resolver", "name"),
    "dhcp": ("this-program", "lease"),
    "server": ("server", "lease"),
}


def spoken_by(symptom: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """The speaker of a symptom and what it speaks of.

    An ICMP error without ``from`` that is marked ``is_local`` is this kernel's own; so is one that comes from the
    address that the run itself left from (``is_own``).
    """
    if symptom in _BY_ID:
        speaker, about = _BY_ID[symptom]
    else:
        family = symptom.split(".", 1)[0]
        near = next((key for key in ("echo.reply", "icmp.redirect-") if symptom.startswith(key)), family)
        speaker, about = _BY_FAMILY.get(near, ("unknown", "run"))
    if symptom.startswith("icmp.") and (values.get("is_local") or values.get("is_own")):
        return "this-kernel", about
    if symptom.startswith("kernel.") and str(values.get("call") or "").startswith("bind"):
        return speaker, "source"
    return speaker, about
