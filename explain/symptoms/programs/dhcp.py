"""One line of a DHCP client, understood: dhclient, udhcpc, dhcpcd, systemd-networkd, NetworkManager.

dhclient prints the transaction id of some messages with its octets the other way round; ``transaction`` undoes that.

Source: the messages of ISC dhclient 4.1 to 4.4, busybox udhcpc, dhcpcd 6 to 10; RFC 2131 section 3.
"""

# ruff: noqa: E501 - one message a row reads better than a pattern in pieces

from __future__ import annotations

from explain.symptoms.programs.failures import failure_at_end
from explain.symptoms.programs.tables import Reading, Table, with_family, without_stamp

_A = r"(?P<address>\d{1,3}(?:\.\d{1,3}){3})"
_S = r"(?P<server>\d{1,3}(?:\.\d{1,3}){3})"
_XID = r"(?: \(xid=0x(?P<xid>[0-9a-f]{1,8})\))?"
_IF = r"(?P<interface>[\w.@-]{1,32})"
_CLIENT = Table((
    # dhclient
    ("dhcp.discover", rf"DHCPDISCOVER on {_IF} to (?P<to>\S+) port (?P<port>\d{{1,5}}) interval (?P<interval_s>\d{{1,6}}){_XID}"),
    ("dhcp.request", rf"DHCPREQUEST (?:for|of) {_A} on {_IF} to (?P<to>\S+) port (?P<port>\d{{1,5}}){_XID}"),
    ("dhcp.request", rf"DHCPREQUEST on {_IF} to (?P<to>\S+) port (?P<port>\d{{1,5}}){_XID}"),
    ("dhcp.offer", rf"DHCPOFFER (?:of {_A} )?from {_S}{_XID}"),
    ("dhcp.ack", rf"DHCPACK (?:of {_A} )?from {_S}{_XID}"),
    ("dhcp.nak", rf"DHCPNAK from {_S}{_XID}"),
    ("dhcp.decline", rf"DHCPDECLINE of {_A} on {_IF} to (?P<to>\S+) port (?P<port>\d{{1,5}}){_XID}|DHCPDECLINE on {_IF.replace('interface', 'dev')} to"),
    ("dhcp.release", rf"DHCPRELEASE (?:of {_A} )?on {_IF} to (?P<to>\S+) port (?P<port>\d{{1,5}}){_XID}"),
    ("dhcp.inform", rf"DHCPINFORM on {_IF} to (?P<to>\S+)"),
    ("dhcp.bound", rf"bound to {_A} -- renewal in (?P<renewal_s>\d{{1,10}}) seconds"),
    ("dhcp.bound", r"bound: (?:renewal in (?P<renewal_s>\d{1,10})|immediate renewal)"),
    ("dhcp.no-offer", r"No DHCPOFFERS received\.?"),
    ("dhcp.no-lease", r"No working leases in persistent database|Unable to obtain a lease on first try"),
    ("dhcp.trying-old", rf"Trying recorded lease {_A}"),
    ("dhcp.listening", rf"(?:Listening|Sending) on +(?:LPF|BPF|Socket|DLPI)/{_IF}(?:/(?P<mac>[0-9a-f:]{{11,59}}))?"),
    ("dhcp.listening", r"Sending on +Socket/fallback"),
    ("dhcp.rejected", r"(?P<message>DHCP\w+ from (?P<from>[\d.]+) rejected.{0,200})"),
    ("dhcp.note", r"Internet Systems Consortium DHCP Client|Copyright \d{4}|All rights reserved|For info, please visit|Killed old client|Created duid"),
    ("dhcp.note", r"can't create .*leases|Corrupt lease file|/etc/dhcp|RTNETLINK answers|Removed stale PID|This version of ISC DHCP|Please report|There is already a pid file|Released|RCV: |XMT: |PRC: "),
    ("dhcp.note", r"(?:execve|cmp:|mv:|cp:|chown:|Error:|Dump terminated|run-parts:|resolvconf:|ip:|Failed to)"),
    ("dhcp.note", r"(?:If you think you have received|than a configuration issue|bugs on either|before submitting a bug|process and the information|exiting\.)"),
    ("kernel.no-such-device", r"Cannot find device \"(?P<interface>[^\"]{1,64})\""),
    # udhcpc
    ("dhcp.discover", r"(?:broadcasting|[Ss]ending) discover(?:\.\.\.)?(?: \(xid 0x(?P<xid>[0-9a-f]{1,8})\))?"),
    ("dhcp.request", rf"(?:broadcasting|[Ss]ending) select for {_A}(?:, server {_S})?"),
    ("dhcp.request", rf"[Ss]ending renew(?: to server {_S})?|broadcasting renew"),
    ("dhcp.bound", rf"[Ll]ease of {_A} obtained(?: from {_S})?, lease time (?P<lease_s>\d{{1,10}})"),
    ("dhcp.no-lease", r"[Nn]o lease, (?:failing|forking to background)"),
    ("dhcp.lost", r"[Ll]ease lost, entering init state"),
    ("dhcp.nak", r"received DHCP NAK|[Rr]eceived DHCP NAK"),
    ("dhcp.offer", r"received (?:DHCP)?OFFER"),
    ("dhcp.decline", r"broadcasting decline"),
    ("dhcp.release", rf"unicasting a release of {_A} to {_S}"),
    ("dhcp.note", r"started, v[\d.]+|entering (?:listen mode|released state|\w+ state)|received SIG|sending hostname|Setting IP address|Deleting routers|Adding (?:router|DNS)|deleting routers|adding (?:router|dns)|deconfig"),
    # dhcpcd
    ("dhcp.discover", rf"{_IF}: (?:soliciting a DHCP lease|soliciting an IPv6 router|broadcasting for a lease)"),
    ("dhcp.offer", rf"{_IF}: offered {_A} from {_S}"),
    ("dhcp.bound", rf"{_IF}: leased {_A} for (?:(?P<lease_s>\d{{1,10}}) seconds|infinity)"),
    ("dhcp.ack", rf"{_IF}: acknowledged {_A} from {_S}"),
    ("dhcp.nak", rf"{_IF}: NAK:? .{{0,200}}?from {_S}"),
    ("dhcp.no-carrier", rf"{_IF}: (?:no carrier|carrier lost|waiting for carrier)"),
    ("dhcp.no-offer", rf"(?:{_IF}: )?(?:timed out(?: contacting a DHCP server)?|no IPv4 leases|using IPv4LL address .*)\Z"),
    ("dhcp.note", rf"{_IF}: (?:adding|deleting|probing|rebinding|renewing|carrier acquired|IAID|confirming|using|requesting|no IPv6 Routers|Router Advertisement|if_up|changing|releasing|removing|hardware address|rapid commit)"),
    ("dhcp.note", r"(?:dhcpcd-)?[\d.]+ starting|DUID |forked to background|dev: loaded|version [\d.]+ starting"),
    # systemd-networkd, NetworkManager
    ("dhcp.bound", rf"{_IF}: DHCPv4 address {_A}/\d{{1,2}}(?:,? (?:gateway \S+ )?(?:acquired from|via) {_S})?"),
    ("dhcp.lost", rf"{_IF}: DHCP(?:v4)? lease lost"),
    ("dhcp.bound", rf".*dhcp4 \({_IF}\): (?:state changed \w+ -> bound|.*new lease), address={_A}"),
    ("dhcp.no-offer", rf".*dhcp4 \({_IF}\): (?:request timed out|state changed \w+ -> (?:timeout|fail))"),
))  # fmt: skip


def read_dhcp_line(text: str) -> Reading | None:
    """What one line of a DHCP client says, or None."""
    said, program = without_stamp(text)
    if program is not None and program.startswith("dnsmasq"):
        return None
    failed = _failure(said, program)
    if failed is not None:
        return failed
    found = _CLIENT.read(said)
    if found is None:
        return None
    values = {key: value for key, value in found[1].items() if value is not None}
    if "xid" in values:
        values["transaction"] = transaction(values["xid"])
    return found[0], with_family(values, "address")


def transaction(xid: int) -> int:
    """One number for a transaction id and for the same with its octets reversed: the smaller of the two.

    Args:
        xid: 32 bits, as printed.
    """
    return min(xid, int.from_bytes((xid & 0xFFFFFFFF).to_bytes(4, "big"), "little"))


_CALLS = (
    "send_packet:",
    "receive_packet failed",
    "receive_packet6",
    "Can't ",
    "Error getting",
    "Cannot find device",
    "SIOC",
    "ioctl(",
    "bind(",
    "Open a socket",
    "socket(",
)


def _failure(said: str, program: str | None) -> Reading | None:
    """``send_packet: Network is down``, ``udhcpc: SIOCGIFINDEX: No such device``."""
    if program is None and not said.startswith(_CALLS):
        return None
    if program not in (None, "dhclient", "udhcpc", "dhcpcd", "udhcpc6"):
        return None
    failure = failure_at_end(said)
    if failure is None or failure[0] != "errno":
        return None
    return f"kernel.{failure[1]}", {"errno": failure[2], "call": failure[3].rstrip(": ") or None}
