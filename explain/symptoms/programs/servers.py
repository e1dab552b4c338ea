"""One line of the log of a DHCP or DNS server, understood: dnsmasq, ISC dhcpd, Kea, udhcpd.

Source: the messages of dnsmasq 2.7x to 2.9x (also with ``log-queries`` and ``log-dhcp``), dhcpd 4, Kea 1.6 to 2.6.
"""

# ruff: noqa: E501 - one message a row reads better than a pattern in pieces

from __future__ import annotations

from explain.symptoms.programs.tables import Reading, Table, with_family, without_stamp

_A = r"(?P<address>\d{1,3}(?:\.\d{1,3}){3})"
_MAC = r"(?P<mac>[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5})"
_IF = r"(?P<interface>[\w.@-]{1,32})"
_NAME = r"(?P<name>[\w.*<>-]{1,255})"
_XID = r"(?:(?P<serial>\d{1,12}) )?"
_KINDS = ("DISCOVER", "OFFER", "REQUEST", "ACK", "NAK", "DECLINE", "RELEASE", "INFORM")
_SERVERS = Table((
    # dnsmasq: DHCP
    ("server.pool-exhausted", rf"{_XID}DHCPDISCOVER\({_IF}\) (?:{_A} )?{_MAC} no address available"),
    *((f"server.{kind.lower()}", rf"{_XID}DHCP{kind}\({_IF}\) (?:{_A} )?{_MAC}(?: (?P<rest>\S.{{0,200}}))?\Z") for kind in _KINDS),
    ("server.no-range", rf"no address range available for DHCP request (?:via {_IF}|from)"),
    ("server.no-address", rf"DHCP packet received on {_IF} which has no address"),
    ("server.range", r"(?:DHCP, IP range|" + _XID + r"available DHCP (?:range|subnet):|DHCP, (?:static leases|proxy)|DHCPv6,|router advertisement on|DHCP, sockets bound)"),
    ("server.note", rf"{_XID}(?:client provides name|vendor class|user class|tags|requested options|next server|broadcast response|sent size|bootfile name|server name|not giving name|not using configured|abandoning lease)"),
    ("server.note", r"(?:RTR-ADVERT|RTR-SOLICIT|DHCPSOLICIT|DHCPADVERTISE|DHCPREPLY|DHCPINFORMATION-REQUEST|DHCPCONFIRM|DHCPRENEW|DHCPREBIND|SLAAC-CONFIRM)\("),
    # dnsmasq: DNS
    ("server.query", rf"(?:{_XID}(?:\S+ )?)?query\[(?P<type>[A-Za-z0-9=]+)\] {_NAME} from (?P<client>[0-9a-fA-F.:]+)"),
    ("server.forwarded", rf"(?:{_XID}(?:\S+ )?)?forwarded {_NAME} to (?P<server>[0-9a-fA-F.:]+)(?:#\d+)?"),
    ("server.no-such-name", rf"(?:{_XID}(?:\S+ )?)?(?:reply|cached|config|cached-stale) {_NAME} is NXDOMAIN"),
    ("server.no-data", rf"(?:{_XID}(?:\S+ )?)?(?:reply|cached|config) {_NAME} is NODATA(?:-IPv[46])?"),
    ("server.refused", rf"(?:{_XID}(?:\S+ )?)?(?:reply|cached|config) (?:error|{_NAME}) is (?:REFUSED|SERVFAIL|query refused|not implemented)"),
    ("server.answered", rf"(?:{_XID}(?:\S+ )?)?(?:reply|cached|config|cached-stale|DHCP|/\S+) {_NAME} is (?P<address>[0-9a-fA-F.:]+|<CNAME>|<\w+>|duplicate)"),
    ("server.refused", r"nameserver (?P<server>\S+) refused to do a recursive query"),
    ("server.started", r"started, version \S+|Dnsmasq version"),
    ("server.bind-failed", r"(?:dnsmasq: )?failed to (?:create listening socket|bind DHCP server socket).{0,200}"),
    ("server.note", r"(?:compile time options|using nameserver|using only locally|reading /|read /|ignoring nameserver|exiting on receipt|warning: |no servers found|DBus|listening on|cleared cache|queries forwarded|LOUD WARNING|ignoring query|Maximum number of concurrent|reducing DNS packet)"),
    # dhcpd
    ("server.pool-exhausted", rf"DHCPDISCOVER from {_MAC}.{{0,200}}: network (?P<network>\S+): no free leases"),
    ("server.discover", rf"DHCPDISCOVER from {_MAC}(?: \((?P<name>[^)]*)\))? via {_IF}"),
    ("server.offer", rf"DHCPOFFER on {_A} to {_MAC}(?: \((?P<name>[^)]*)\))? via {_IF}"),
    ("server.nak", rf"DHCPREQUEST for {_A}(?: \((?P<server>[^)]*)\))? from {_MAC}.{{0,100}}: (?P<rest>wrong network|unknown lease|lease .* unavailable)"),
    ("server.request", rf"DHCPREQUEST for {_A}(?: \((?P<server>[^)]*)\))? from {_MAC}(?: \((?P<name>[^)]*)\))? via {_IF}"),
    ("server.ack", rf"DHCPACK (?:on|to) {_A}(?: to)?(?: {_MAC})?"),
    ("server.nak", rf"DHCPNAK on {_A} to {_MAC}"),
    ("server.release", rf"DHCPRELEASE of {_A} from {_MAC}"),
    ("server.decline", rf"DHCPDECLINE of {_A} from {_MAC}"),
    ("server.no-range", rf"No subnet declaration for {_IF}"),
    ("server.note", r"(?:Wrote \d+ |Server starting service|Internet Systems Consortium DHCP Server|Listening on LPF|Sending on +LPF|DHCPINFORM from)"),
    # Kea
    ("server.offer", rf".*DHCP4_LEASE_(?:ADVERT|OFFER) \[hwtype=\d+ {_MAC}\].*lease {_A}"),
    ("server.ack", rf".*DHCP4_LEASE_ALLOC \[hwtype=\d+ {_MAC}\].*lease {_A} has been allocated(?: for (?P<lease_s>\d+) seconds)?"),
    ("server.pool-exhausted", rf".*ALLOC_ENGINE_V4_ALLOC_FAIL\w* \[hwtype=\d+ {_MAC}\]"),
    ("server.nak", rf".*DHCP4_PACKET_NAK_\d+ \[hwtype=\d+ {_MAC}\]"),
    ("server.no-range", rf".*DHCP4_SUBNET_SELECTION_FAILED \[hwtype=\d+ {_MAC}\]"),
    ("server.note", r".*\b(?:DHCP4|DHCP6|ALLOC_ENGINE|DHCPSRV|HOSTS|LEASE|COMMAND)_[A-Z0-9_]{3,60}\b"),
    # udhcpd
    ("server.offer", rf"(?:udhcpd: )?[Ss]ending OFFER (?:of|to) {_A}"),
    ("server.ack", rf"(?:udhcpd: )?[Ss]ending ACK to {_A}"),
    ("server.pool-exhausted", r"(?:udhcpd: )?[Nn]o free IP addresses"),
))  # fmt: skip
_DNS = frozenset({"query", "forwarded", "answered", "no-such-name", "no-data", "refused"})


def read_server_line(text: str) -> Reading | None:
    """What one line of a server's log says, or None."""
    said, program = without_stamp(text)
    found = _SERVERS.read(said)
    if found is None:
        return None
    values = {key: value for key, value in found[1].items() if value is not None}
    if program is not None:
        values["program"] = program
    if found[0].split(".")[1] in _DNS:
        values["protocol"] = "dns"
    return found[0], with_family(values, "address")
