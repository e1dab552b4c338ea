# ruff: noqa: E501 - one wording a row
"""TCP clients, look-ups, DHCP clients and servers' logs, as they print."""

import pytest

from explain.symptoms.programs.dhcp import transaction
from explain.symptoms.runs.of_blocks import READERS
from explain.symptoms.runs.reading import first_reading
from explain.symptoms.text import read_text
from explain.symptoms.witness import NothingUsableError

LINES = [
    # curl
    ("connect", "curl: (7) Failed to connect to 192.0.2.2 port 82 after 0 ms: Couldn't connect to server", "connect.failed", {"target": "192.0.2.2", "port": 82}),
    ("connect", "curl: (7) Failed to connect to 192.0.2.2 port 80: No route to host", "connect.host-unreachable", {"errno": "EHOSTUNREACH"}),
    ("connect", "curl: (7) Failed to connect to 192.0.2.2 port 83 after 1 ms: Connection refused", "connect.refused", {"after_ms": 1}),
    ("connect", "curl: (28) Failed to connect to 192.0.2.2 port 81 after 2003 ms: Timeout was reached", "connect.timed-out", {"port": 81}),
    ("connect", "curl: (28) Connection timed out after 2001 milliseconds", "connect.timed-out", {}),
    ("connect", "curl: (28) Operation timed out after 3000 milliseconds with 0 bytes received", "connect.no-answer", {"after_ms": 3000}),
    ("connect", "curl: (6) Could not resolve host: nowhere.test", "name.unresolved", {"name": "nowhere.test"}),
    ("connect", "curl: (52) Empty reply from server", "connect.closed", {}),
    ("connect", "curl: (56) Recv failure: Connection reset by peer", "connect.reset", {}),
    ("connect", "* connect to 192.0.2.2 port 83 failed: Connection refused", "connect.refused", {"port": 83}),
    ("connect", "*   Trying 192.0.2.2:83...", "connect.trying", {"port": 83}),
    ("connect", "* Connected to 192.0.2.2 (192.0.2.2) port 80 (#0)", "connect.open", {"target": "192.0.2.2", "port": 80}),
    ("connect", "< HTTP/1.0 200 OK", "connect.http", {"status": 200}),
    ("connect", "  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0curl: (6) Could not resolve host: nowhere.test", "name.unresolved", {}),
    # netcat in three makes
    ("connect", "Connection to 192.0.2.2 80 port [tcp/http] succeeded!", "connect.open", {"port": 80}),
    ("connect", "nc: connect to 192.0.2.2 port 83 (tcp) failed: Connection refused", "connect.refused", {"target": "192.0.2.2"}),
    ("connect", "nc: connect to 192.0.2.2 port 81 (tcp) timed out: Operation now in progress", "connect.timed-out", {"port": 81}),
    ("connect", 'nc: getaddrinfo for host "nowhere.test" port 80: Name or service not known', "name.not-known", {"name": "nowhere.test"}),
    ("connect", "(UNKNOWN) [192.0.2.2] 83 (?) : Connection refused", "connect.refused", {"port": 83}),
    ("connect", "(UNKNOWN) [192.0.2.2] 80 (http) open", "connect.open", {"port": 80}),
    ("connect", "Ncat: Connection refused.", "connect.refused", {}),
    ("connect", "Ncat: TIMEOUT.", "connect.timed-out", {}),
    ("connect", "Ncat: Connected to 192.0.2.2:80.", "connect.open", {"port": 80}),
    ("connect", 'Ncat: Could not resolve hostname "nowhere.test": Name or service not known. QUITTING.', "name.not-known", {"name": "nowhere.test"}),
    # ssh, wget, telnet
    ("connect", "ssh: connect to host 192.0.2.2 port 22: Connection timed out", "connect.timed-out", {"target": "192.0.2.2", "port": 22}),
    ("connect", "ssh: connect to host h2 port 22: No route to host", "connect.host-unreachable", {"target": "h2"}),
    ("connect", "ssh: Could not resolve hostname nowhere.test: Name or service not known", "name.not-known", {"name": "nowhere.test"}),
    ("connect", "kex_exchange_identification: Connection closed by remote host", "connect.closed", {}),
    ("connect", "Connecting to 192.0.2.2:82... failed: No route to host.", "connect.host-unreachable", {"port": 82}),
    ("connect", "Connecting to 192.0.2.2:80... connected.", "connect.open", {}),
    ("connect", "Resolving nowhere.test (nowhere.test)... failed: Temporary failure in name resolution.", "name.temporary-failure", {"name": "nowhere.test"}),
    ("connect", "telnet: Unable to connect to remote host: Connection refused", "connect.refused", {"target": None}),
    ("connect", "telnet: connect to address 192.0.2.2: Operation timed out", "connect.timed-out", {"target": "192.0.2.2"}),
    # Python, bash, a plain probe
    ("connect", "ConnectionRefusedError: [Errno 111] Connection refused", "connect.refused", {}),
    ("connect", "OSError: [Errno 113] No route to host", "connect.host-unreachable", {}),
    ("connect", "socket.gaierror: [Errno -2] Name or service not known", "name.not-known", {}),
    ("connect", "TimeoutError: timed out", "connect.timed-out", {}),
    ("connect", "bash: line 1: /dev/tcp/192.0.2.2/83: Connection refused", "connect.refused", {"port": 83}),
    ("connect", "bash: connect: Network is unreachable", "connect.network-unreachable", {}),
    ("connect", "tcpprobe: connect to 2001:db8::9 port 9000: No route to host", "connect.host-unreachable", {"target": "2001:db8::9", "family": 6}),
    ("connect", "tcpprobe: timed out waiting for an answer", "connect.no-answer", {}),
    ("connect", "received 0 bytes, closed by peer", "connect.closed", {"bytes": 0}),
    # names
    ("lookup", ";; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 4711", "lookup.no-such-name", {"id": 4711}),
    ("lookup", ";; ->>HEADER<<- opcode: QUERY, status: SERVFAIL, id: 1", "lookup.failed", {}),
    ("lookup", "www.example.test.\t300\tIN\tA\t192.0.2.9", "lookup.answer", {"name": "www.example.test", "address": "192.0.2.9"}),
    ("lookup", ";; connection timed out; no servers could be reached", "lookup.timed-out", {}),
    ("lookup", ";; communications error to 192.0.2.53#53: connection refused", "lookup.server-refused", {"server": "192.0.2.53"}),
    ("lookup", ";; UDP setup with 192.0.2.53#53(192.0.2.53) for x.test failed: network unreachable.", "lookup.server-unreachable", {}),
    ("lookup", "www.example.test has address 192.0.2.9", "lookup.answer", {"address": "192.0.2.9"}),
    ("lookup", "Host nowhere.test not found: 3(NXDOMAIN)", "lookup.no-such-name", {"name": "nowhere.test"}),
    ("lookup", "** server can't find nowhere.test: NXDOMAIN", "lookup.no-such-name", {"name": "nowhere.test"}),
    ("lookup", "Server:\t\t192.0.2.53", "lookup.server", {"server": "192.0.2.53"}),
    ("lookup", "Address:\t192.0.2.53#53", "lookup.server", {"port": 53}),
    # DHCP clients
    ("dhcp-client", "DHCPDISCOVER on eth0 to 255.255.255.255 port 67 interval 3 (xid=0x11223344)", "dhcp.discover", {"xid": 0x11223344, "interval_s": 3}),
    ("dhcp-client", "DHCPREQUEST for 192.0.2.55 on eth0 to 255.255.255.255 port 67 (xid=0x44332211)", "dhcp.request", {"transaction": 0x11223344}),
    ("dhcp-client", "DHCPREQUEST of 192.0.2.55 on eth0 to 255.255.255.255 port 67", "dhcp.request", {"address": "192.0.2.55"}),
    ("dhcp-client", "DHCPOFFER of 192.0.2.55 from 192.0.2.2", "dhcp.offer", {"server": "192.0.2.2"}),
    ("dhcp-client", "DHCPNAK from 192.0.2.2 (xid=0x1)", "dhcp.nak", {"server": "192.0.2.2"}),
    ("dhcp-client", "DHCPACK of 192.0.2.55 from 192.0.2.2", "dhcp.ack", {"address": "192.0.2.55"}),
    ("dhcp-client", "bound to 192.0.2.55 -- renewal in 1623 seconds.", "dhcp.bound", {"renewal_s": 1623}),
    ("dhcp-client", "No DHCPOFFERS received.", "dhcp.no-offer", {}),
    ("dhcp-client", "Unable to obtain a lease on first try.  Exiting.", "dhcp.no-lease", {}),
    ("dhcp-client", "send_packet: Network is down", "kernel.network-down", {"call": "send_packet"}),
    ("dhcp-client", 'Cannot find device "veth9"', "kernel.no-such-device", {"interface": "veth9"}),
    ("dhcp-client", "Nov 23 01:20:23 h1 dhclient[42]: DHCPACK of 192.0.2.55 from 192.0.2.2", "dhcp.ack", {}),
    ("dhcp-client", "udhcpc: broadcasting discover", "dhcp.discover", {}),
    ("dhcp-client", "udhcpc: sending discover", "dhcp.discover", {}),
    ("dhcp-client", "udhcpc: broadcasting select for 192.0.2.55, server 192.0.2.2", "dhcp.request", {"server": "192.0.2.2"}),
    ("dhcp-client", "udhcpc: lease of 192.0.2.55 obtained from 192.0.2.2, lease time 3600", "dhcp.bound", {"lease_s": 3600}),
    ("dhcp-client", "udhcpc: no lease, failing", "dhcp.no-lease", {}),
    ("dhcp-client", "eth0: offered 192.0.2.55 from 192.0.2.2", "dhcp.offer", {"interface": "eth0"}),
    ("dhcp-client", "eth0: leased 192.0.2.55 for 3600 seconds", "dhcp.bound", {"lease_s": 3600}),
    ("dhcp-client", "eth0: no carrier", "dhcp.no-carrier", {}),
    # logs of servers
    ("server-log", "dnsmasq-dhcp[7]: DHCPDISCOVER(br0) 02:00:00:00:00:01", "server.discover", {"mac": "02:00:00:00:00:01", "interface": "br0"}),
    ("server-log", "dnsmasq-dhcp[7]: DHCPACK(br0) 192.0.2.55 02:00:00:00:00:01 h1", "server.ack", {"address": "192.0.2.55", "rest": "h1"}),
    ("server-log", "dnsmasq-dhcp: DHCPNAK(br0) 192.0.2.9 02:00:00:00:00:01 wrong network", "server.nak", {"rest": "wrong network"}),
    ("server-log", "dnsmasq-dhcp: DHCPDISCOVER(br0) 02:00:00:00:00:01 no address available", "server.pool-exhausted", {}),
    ("server-log", "dnsmasq-dhcp: no address range available for DHCP request via br0", "server.no-range", {"interface": "br0"}),
    ("server-log", "dnsmasq: query[A] www.example.test from 192.0.2.1", "server.query", {"name": "www.example.test", "client": "192.0.2.1"}),
    ("server-log", "dnsmasq: forwarded www.example.test to 192.0.2.53", "server.forwarded", {"server": "192.0.2.53"}),
    ("server-log", "dnsmasq: config nowhere.test is NXDOMAIN", "server.no-such-name", {"name": "nowhere.test"}),
    ("server-log", "dnsmasq: config error is REFUSED (EDE: not ready)", "server.refused", {}),
    ("server-log", "Nov 23 01:20:23 r1 dhcpd[9]: DHCPOFFER on 192.0.2.55 to 02:00:00:00:00:01 (h1) via eth1", "server.offer", {"name": "h1"}),
    ("server-log", "dhcpd: DHCPDISCOVER from 02:00:00:00:00:01 via eth1: network 192.0.2.0/24: no free leases", "server.pool-exhausted", {"network": "192.0.2.0/24"}),
    ("server-log", "2025-01-01 10:00:00.123 INFO  [kea-dhcp4.leases/1.2] DHCP4_LEASE_ALLOC [hwtype=1 02:00:00:00:00:01], cid=[no info], tid=0x1: lease 192.0.2.55 has been allocated for 3600 seconds", "server.ack", {"lease_s": 3600}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "line", "name", "values"), LINES, ids=[line[1].strip()[:70] for line in LINES])
def test_each_line_of_a_client_or_server_is_understood(kind, line, name, values):
    reading = first_reading(line, READERS[kind])
    assert reading is not None
    assert reading[0] == name
    assert {key: reading[1].get(key) for key in values} == values


@pytest.mark.parametrize(
    ("text", "command", "succeeded"),
    [
        ("Connected to 192.0.2.2 port 80\nsent 21 bytes\nreceived 6 bytes, closed by peer\n", "tcpprobe 192.0.2.2 80", True),
        ("Connected to 192.0.2.2 port 80\nsent 21 bytes\nreceived 0 bytes, closed by peer\n", "tcpprobe 192.0.2.2 80", False),
        ("Connected to 192.0.2.2 port 80\nsent 21 bytes\ntcpprobe: timed out waiting for an answer\n", "tcpprobe 192.0.2.2 80", False),
        ("nc: connect to 192.0.2.2 port 83 (tcp) failed: Connection refused\n", "nc -zv 192.0.2.2 83", False),
        ("udhcpc: broadcasting discover\nudhcpc: no lease, failing\n", "udhcpc -i eth0 -n", False),
        ("DHCPDISCOVER on eth0 to 255.255.255.255 port 67 interval 3\n", "dhclient eth0", None),
        ("192.0.2.9\n", "dig +short www.example.test", True),
    ],
)  # fmt: skip
def test_success_is_what_the_program_came_for(text, command, succeeded):
    witness = read_text(text, command)
    assert witness.succeeded is succeeded
    assert witness.unknown == ()


@pytest.mark.parametrize(
    ("text", "command"), [("$ curl -s -o x http://192.0.2.2/\n", None), ("", "nc -z 192.0.2.2 80")]
)
def test_a_client_that_printed_nothing_is_told_by_its_exit_status_alone(text, command):
    assert read_text(text, command, 0).succeeded is True
    assert read_text(text, command, 7).succeeded is False
    assert read_text(text, command, 7).target == "192.0.2.2"
    with pytest.raises(NothingUsableError):
        read_text(text, command)
    with pytest.raises(NothingUsableError):
        read_text(text.replace("curl", "ping"), "ping 192.0.2.2", 0)  # ping never is silent


def test_a_transaction_id_and_its_byte_swapped_form_are_one():
    assert transaction(0x11223344) == transaction(0x44332211) == 0x11223344
