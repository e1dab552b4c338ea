"""What the well-known ports are for, by custom; a port proves nothing (IANA, Service Name and Port Number Registry)."""

from __future__ import annotations

_BOTH = {
    53: "DNS", 88: "Kerberos", 123: "NTP", 137: "NetBIOS name", 138: "NetBIOS datagram", 161: "SNMP", 389: "LDAP",
    514: "syslog", 1194: "OpenVPN", 3389: "RDP", 3478: "STUN", 5060: "SIP", 5353: "mDNS", 5355: "LLMNR",
}  # fmt: skip
TCP = _BOTH | {
    20: "FTP data", 21: "FTP", 22: "SSH", 23: "Telnet", 25: "SMTP", 80: "HTTP", 110: "POP3", 139: "NetBIOS session",
    143: "IMAP", 179: "BGP", 443: "HTTPS", 445: "SMB", 587: "SMTP submission", 636: "LDAPS", 853: "DoT", 993: "IMAPS",
    995: "POP3S", 3306: "MySQL", 5432: "PostgreSQL", 6379: "Redis", 8080: "HTTP",
}  # fmt: skip
UDP = _BOTH | {
    67: "DHCP server", 68: "DHCP client", 69: "TFTP", 162: "SNMP trap", 443: "QUIC", 500: "IKE", 520: "RIP",
    521: "RIPng", 546: "DHCPv6 client", 547: "DHCPv6 server", 1812: "RADIUS", 1813: "RADIUS accounting",
    1900: "SSDP", 1985: "HSRP", 2152: "GTP-U", 3544: "Teredo", 3702: "WS-Discovery",
    4500: "IKE NAT-T", 4789: "VXLAN", 5246: "CAPWAP control", 5247: "CAPWAP data", 5351: "NAT-PMP", 5683: "CoAP",
    6081: "Geneve", 6635: "MPLS", 51820: "WireGuard",
}  # fmt: skip
TUNNEL_PORTS = {2152: "gtp", 3544: "teredo", 4789: "vxlan", 6081: "geneve", 6635: "mpls", 8472: "vxlan"}
"""UDP ports that tunnels are sent to: VXLAN as registered and as Linux has it by default (RFC 7348, 8), Geneve (RFC
8926, 3.3), GTP-U (3GPP TS 29.281, 4.4.2), Teredo (RFC 4380, 2.7), MPLS (RFC 7510, 3)."""
_SERVED_FROM = (3544,)  # who uses such a tunnel has a port of his own, to which it comes back


def tunnel_of(source_port: int, target_port: int) -> str | None:
    """The tunnel that a datagram may belong to, by its ports."""
    return TUNNEL_PORTS.get(target_port) or (TUNNEL_PORTS[source_port] if source_port in _SERVED_FROM else None)


def tunnel_ends() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ports that datagrams of tunnels come from, and those that they are sent to."""
    return _SERVED_FROM, tuple(TUNNEL_PORTS)
