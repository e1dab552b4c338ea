# ruff: noqa: E501 - one wording a row
"""Lines of every ping, as its program prints them, with what they mean."""

import pytest

from explain.symptoms.runs.of_blocks import READERS
from explain.symptoms.runs.reading import first_reading
from explain.symptoms.text import read_text
from explain.symptoms.vocabulary import spoken_by

LINES = [
    # fping
    ("203.0.113.9 : [0], timed out (NaN avg, 100% loss)", "echo.timeout", {"target": "203.0.113.9", "seq": 0, "dialect": "fping"}),
    ("[1796034474.77075] 203.0.113.9 : [0], 64 bytes, 0.033 ms (0.033 avg, 0% loss)", "echo.reply", {"from": "203.0.113.9", "time_ms": 0.033, "bytes": 64}),
    ("fe80::1 : xmt/rcv/%loss = 3/1/66%, min/avg/max = 0.034/0.034/0.034", "echo.statistics", {"sent": 3, "received": 1, "avg_ms": 0.034, "family": 6}),
    ("ICMP Unreachable (Communication Administratively Prohibited) from 192.0.2.1 for ICMP Echo sent to 203.0.113.9", "icmp.admin-prohibited", {"from": "192.0.2.1", "target": "203.0.113.9"}),
    ("ICMP Network Unreachable from 192.0.2.1 for ICMP Echo sent to www.example.test (203.0.113.9)", "icmp.net-unreachable", {"address": "203.0.113.9", "code": 0}),
    ("203.0.113.9: error while sending ping: Network is unreachable", "kernel.network-unreachable", {"target": "203.0.113.9"}),
    # IOS
    ("Sending 5, 100-byte ICMP Echos to 203.0.113.9, timeout is 2 seconds:", "echo.start", {"address": "203.0.113.9", "size": 72, "total": 100, "dialect": "ios"}),
    ("Sending 5, 100-byte ICMP Echos to 2001:DB8::9, timeout is 2 seconds:", "echo.start", {"address": "2001:db8::9", "size": 52, "family": 6}),
    ("U.U.U", "echo.flood", {"errors": 3}),
    ("!!!", "echo.flood", {"errors": 0}),
    ("M.M.M", "icmp.fragmentation-needed", {"from": None}),
    ("AAAAA", "icmp.admin-prohibited", {"from": None}),
    ("Success rate is 80 percent (4/5), round-trip min/avg/max = 1/2/4 ms", "echo.statistics", {"sent": 5, "received": 4, "loss": 20, "avg_ms": 2}),
    # iputils: headers
    ("PING 192.0.2.1 (192.0.2.1) 56(84) bytes of data.", "echo.start", {"address": "192.0.2.1", "size": 56, "family": 4, "source": None}),
    ("PING 192.0.2.9 (192.0.2.9) from 192.0.2.1 : 56(84) bytes of data.", "echo.start", {"source": "192.0.2.1", "interface": None}),
    ("PING 192.0.2.9 (192.0.2.9) from 192.0.2.1 eth0: 56(84) bytes of data.", "echo.start", {"source": "192.0.2.1", "interface": "eth0"}),
    ("PING 2001:db8::9(2001:db8::9) 56 data bytes", "echo.start", {"address": "2001:db8::9", "family": 6}),
    ("PING 2001:db8::9 (2001:db8::9) 56 data bytes", "echo.start", {"address": "2001:db8::9", "family": 6, "dialect": "iputils"}),
    ("PING fe80::2%eth0(fe80::2%eth0) from fe80::1%eth0 eth0: 56 data bytes", "echo.start", {"address": "fe80::2%eth0", "source": "fe80::1%eth0", "interface": "eth0"}),
    ("PING www.example.test(host.example.test (2001:db8::9)) 56 data bytes", "echo.start", {"target": "www.example.test", "address": "2001:db8::9"}),
    ("PING 192.0.2.1 (192.0.2.1) 56(84) バイトのデータ", "echo.start", {"address": "192.0.2.1"}),
    # iputils: replies
    ("64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=0.045 ms", "echo.reply", {"from": "192.0.2.1", "seq": 1, "ttl": 64, "time_ms": 0.045}),
    ("64 bytes from 192.0.2.1: icmp_req=7 ttl=64 time=12 ms", "echo.reply", {"seq": 7, "time_ms": 12.0}),
    ("64 bytes from gw.example.test (192.0.2.1): icmp_seq=2 ttl=63 time=1.05 ms", "echo.reply", {"from": "192.0.2.1", "from_name": "gw.example.test"}),
    ("64 bytes from fe80::1%eth0: icmp_seq=1 ttl=64 time=0.5 ms", "echo.reply", {"from": "fe80::1%eth0"}),
    ("[1700000000.123456] 64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=0.045 ms", "echo.reply", {"timestamp_s": 1700000000.123456}),
    ("64 bytes from 192.0.2.1: icmp_seq=1 ident=4711 ttl=64 time=0.045 ms", "echo.reply", {"id": 4711}),
    ("12 bytes from 192.0.2.2: icmp_seq=1 ttl=64", "echo.reply", {"time_ms": None, "bytes": 12}),
    ("64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=0.045 ms (DUP!)", "echo.reply.duplicate", {"flags": ("duplicate",)}),
    ("64 bytes from 192.0.2.7: icmp_seq=1 ttl=64 time=0.1 ms (DIFFERENT ADDRESS!)", "echo.reply.other-address", {"from": "192.0.2.7"}),
    ("64 bytes from 192.0.2.7: icmp_seq=1 ttl=64 time=0.1 ms (DUP!) (DIFFERENT ADDRESS!)", "echo.reply.other-address", {"flags": ("duplicate", "other-address")}),
    ("64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=0.045 ms (BAD CHECKSUM!)", "echo.reply.damaged", {}),
    ("32 bytes from 192.0.2.1: icmp_seq=1 ttl=64 (truncated)", "echo.reply.truncated", {}),
    ("64 バイト応答 送信元 192.0.2.1: icmp_seq=1 ttl=64 時間=0.045ミリ秒", "echo.reply", {"from": "192.0.2.1", "time_ms": 0.045}),
    ("wrong data byte #16 should be 0x10 but was 0x0", "echo.wrong-data", {"byte": 16, "expected": 16, "found": 0}),
    ("#16\t10 11 12 13 14 15 ", "echo.payload", {}),
    ("no answer yet for icmp_seq=4", "echo.waiting", {"seq": 4}),
    ("[1700000000.123456] no answer yet for icmp_seq=4", "echo.waiting", {"seq": 4, "timestamp_s": 1700000000.123456}),
    ("ping: Warning: time of day goes back (-1234us), taking countermeasures", "echo.clock-back", {"back_ms": -1.234}),
    ("ping: Warning: time of day goes back (-2 s), taking countermeasures", "echo.clock-back", {"back_ms": -2000.0}),
    # iputils: ICMP errors
    ("From 192.0.2.254 icmp_seq=1 Destination Net Unreachable", "icmp.net-unreachable", {"from": "192.0.2.254", "seq": 1, "type": 3, "code": 0}),
    ("From 192.0.2.1 icmp_seq=1 Destination Host Unreachable", "icmp.host-unreachable", {"type": 3, "code": 1}),
    ("From 192.0.2.1 icmp_seq=1 Destination Protocol Unreachable", "icmp.protocol-unreachable", {"code": 2}),
    ("From 192.0.2.1 icmp_seq=1 Destination Port Unreachable", "icmp.port-unreachable", {"code": 3}),
    ("From 192.0.2.1 icmp_seq=1 Frag needed and DF set (mtu = 1300)", "icmp.fragmentation-needed", {"mtu": 1300}),
    ("From 192.0.2.1 icmp_seq=1 Source Route Failed", "icmp.source-route-failed", {"code": 5}),
    ("From 192.0.2.1 icmp_seq=1 Destination Net Unknown", "icmp.net-unknown", {"code": 6}),
    ("From 192.0.2.1 icmp_seq=1 Destination Host Unknown", "icmp.host-unknown", {"code": 7}),
    ("From 192.0.2.1 icmp_seq=1 Source Host Isolated", "icmp.source-isolated", {"code": 8}),
    ("From 192.0.2.1 icmp_seq=1 Destination Net Prohibited", "icmp.net-prohibited", {"code": 9}),
    ("From 192.0.2.1 icmp_seq=1 Destination Host Prohibited", "icmp.host-prohibited", {"code": 10}),
    ("From 192.0.2.1 icmp_seq=1 Destination Net Unreachable for Type of Service", "icmp.net-unreachable-tos", {"code": 11}),
    ("From 192.0.2.1 icmp_seq=1 Destination Host Unreachable for Type of Service", "icmp.host-unreachable-tos", {"code": 12}),
    ("From 192.0.2.1 icmp_seq=1 Packet filtered", "icmp.admin-prohibited", {"code": 13}),
    ("From 192.0.2.1 icmp_seq=1 Precedence Violation", "icmp.precedence-violation", {"code": 14}),
    ("From 192.0.2.1 icmp_seq=1 Precedence Cutoff", "icmp.precedence-cutoff", {"code": 15}),
    ("From 192.0.2.1 icmp_seq=1 Dest Unreachable, Bad Code: 77", "icmp.unknown-code", {"type": 3, "code": 77}),
    ("From 192.0.2.1 icmp_seq=1 Time to live exceeded", "icmp.ttl-exceeded", {"type": 11, "code": 0, "family": 4}),
    ("From 192.0.2.1 icmp_seq=1 Frag reassembly time exceeded", "icmp.reassembly-exceeded", {"type": 11, "code": 1}),
    ("From 192.0.2.1 icmp_seq=1 Parameter problem: pointer = 0x14", "icmp.parameter-problem", {"pointer": 0x14}),
    ("From 192.0.2.1 icmp_seq=1 Source Quench", "icmp.source-quench", {"type": 4}),
    ("From 192.0.2.1: icmp_seq=1 Redirect Host(New nexthop: 192.0.2.2)", "icmp.redirect-host", {"gateway": "192.0.2.2", "seq": 1}),
    ("From 192.0.2.1: icmp_seq=1 Redirect Host(New nexthop: r2 (192.0.2.2))", "icmp.redirect-host", {"gateway": "192.0.2.2"}),
    ("From 192.0.2.1: icmp_seq=1 Redirect Network(New nexthop: 192.0.2.2)", "icmp.redirect-net", {"gateway": "192.0.2.2"}),
    ("From gw (192.0.2.1) icmp_seq=3 Destination Host Unreachable", "icmp.host-unreachable", {"from": "192.0.2.1", "from_name": "gw", "seq": 3}),
    ("From 2001:db8::1 icmp_seq=1 Destination unreachable: No route", "icmp.no-route", {"type": 1, "code": 0, "family": 6}),
    ("From 2001:db8::1 icmp_seq=1 Destination unreachable: Administratively prohibited", "icmp.admin-prohibited", {"type": 1, "code": 1}),
    ("From 2001:db8::1 icmp_seq=1 Destination unreachable: Beyond scope of source address", "icmp.beyond-scope", {"code": 2}),
    ("From 2001:db8::1 icmp_seq=1 Destination unreachable: Address unreachable", "icmp.address-unreachable", {"code": 3}),
    ("From 2001:db8::1 icmp_seq=1 Destination unreachable: Port unreachable", "icmp.port-unreachable", {"type": 1, "code": 4}),
    ("From 2001:db8::1 icmp_seq=1 Destination unreachable: Source address failed ingress/egress policy", "icmp.policy-failed", {"code": 5}),
    ("From 2001:db8::1 icmp_seq=1 Destination unreachable: Reject route to destination", "icmp.reject-route", {"code": 6}),
    ("From 2001:db8::1 icmp_seq=1 Destination unreachable: Unknown code 9", "icmp.unknown-code", {"code": 9}),
    ("From 2001:db8::1 icmp_seq=1 Packet too big: mtu=1280", "icmp.packet-too-big", {"mtu": 1280}),
    ("From 2001:db8::1 icmp_seq=1 Time exceeded: Hop limit", "icmp.ttl-exceeded", {"type": 3, "code": 0, "family": 6}),
    ("From 2001:db8::1%eth0 icmp_seq=1 Time exceeded: Defragmentation failure", "icmp.reassembly-exceeded", {"from": "2001:db8::1%eth0"}),
    ("From 2001:db8::1 icmp_seq=1 Parameter problem: Unknown header at 40", "icmp.parameter-problem", {"code": 1, "pointer": 40}),
    ("送信元 192.0.2.1 icmp_seq=1 目的のホストへ届きません。", "icmp.host-unreachable", {"from": "192.0.2.1"}),
    # iputils: this kernel and the command line
    ("ping: connect: Network is unreachable", "kernel.network-unreachable", {"call": "connect", "errno": "ENETUNREACH"}),
    ("connect: Network is unreachable", "kernel.network-unreachable", {"call": "connect"}),
    ("ping: connect: ネットワークに届きません", "kernel.network-unreachable", {"call": "connect"}),
    ("ping: sendmsg: Network is unreachable", "kernel.network-unreachable", {"call": "sendmsg"}),
    ("ping: sendmsg: Operation not permitted", "kernel.not-permitted", {"call": "sendmsg"}),
    ("ping: sendmsg: No buffer space available", "kernel.no-buffer-space", {}),
    ("ping: sendmsg: Invalid argument", "kernel.invalid-argument", {}),
    ("ping: connect: No route to host", "kernel.host-unreachable", {}),
    ("ping: connect: Permission denied", "kernel.permission-denied", {"call": "connect"}),
    ("ping: connect: Invalid argument", "kernel.invalid-argument", {"call": "connect"}),
    ("ping: bind: Cannot assign requested address", "kernel.address-not-available", {"call": "bind"}),
    ("ping: bind icmp socket: Cannot assign requested address", "kernel.address-not-available", {"call": "bind icmp socket"}),
    ("ping: SO_BINDTODEVICE veth9: No such device", "ping.unknown-interface", {"interface": "veth9"}),
    ("ping: unknown iface: veth9", "ping.unknown-interface", {"interface": "veth9"}),
    ("ping: unknown iface veth9", "ping.unknown-interface", {"interface": "veth9"}),
    ("ping: local error: message too long, mtu=1300", "kernel.message-too-long", {"mtu": 1300}),
    ("ping: local error: Message too long, mtu: 1280", "kernel.message-too-long", {"mtu": 1280}),
    ("ping: local error: No route to host", "kernel.host-unreachable", {"call": "local error"}),
    ("ping: recvmsg: Network is down", "kernel.network-down", {}),
    ("ping: socket: Operation not permitted", "ping.no-privilege", {}),
    ("ping: icmp open socket: Operation not permitted", "ping.no-privilege", {}),
    ("ping: => missing cap_net_raw+p capability or setuid?", "ping.no-privilege", {}),
    ("ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules", "ping.broadcast", {}),
    ("Do you want to ping broadcast? Then -b", "ping.broadcast", {}),
    ("WARNING: pinging broadcast address", "ping.broadcast-warning", {}),
    ("ping: Warning: source address might be selected on device other than: eth0", "ping.source-elsewhere", {"interface": "eth0"}),
    ("ping: Warning: source address might be selected on device other than eth0.", "ping.source-elsewhere", {"interface": "eth0"}),
    ("ping: Warning: IPv6 link-local address on ICMP datagram socket may require ifname or scope-id => use: address%<ifname|scope-id>", "ping.scope-missing", {}),
    ("ping: invalid argument: '0': out of range: 1 <= value <= 9223372036854775807", "ping.usage", {}),
    ("ping: cannot flood; minimal interval allowed for user is 200ms", "ping.usage", {}),
    ("ping: www.example.test: Name or service not known", "name.not-known", {"name": "www.example.test"}),
    ("ping: www.example.test: Temporary failure in name resolution", "name.temporary-failure", {"name": "www.example.test"}),
    ("ping: www.example.test: No address associated with hostname", "name.no-address", {"errno": "EAI_NODATA"}),
    ("ping: 192.0.2.2: Address family for hostname not supported", "name.family-unsupported", {}),
    ("ping: unknown host www.example.test", "name.unresolved", {"name": "www.example.test"}),
    ("ping: something that nobody has ever seen", "ping.message", {}),
    # iputils: totals
    ("--- 192.0.2.1 ping statistics ---", "echo.title", {"target": "192.0.2.1"}),
    ("3 packets transmitted, 0 received, +3 errors, 100% packet loss, time 2045ms", "echo.statistics", {"sent": 3, "received": 0, "errors": 3, "loss": 100.0, "lasted_ms": 2045}),
    ("4 packets transmitted, 4 received, +2 duplicates, +1 corrupted, 0% packet loss, time 3ms", "echo.statistics", {"duplicates": 2, "corrupted": 1}),
    ("7 packets transmitted, 5 received, 28.5714% packet loss, time 6ms", "echo.statistics", {"loss": 28.5714}),
    ("rtt min/avg/max/mdev = 0.055/0.065/0.072/0.007 ms", "echo.times", {"min_ms": 0.055, "avg_ms": 0.065, "max_ms": 0.072, "mdev_ms": 0.007}),
    ("rtt min/avg/max/mdev = 0.005/0.006/0.022/0.003 ms, pipe 3, ipg/ewma 0.013/0.007 ms", "echo.times", {"pipe": 3, "ipg_ms": 0.013}),
    ("pipe 4", "echo.times", {"pipe": 4}),
    ("5/7 packets, 28% loss, min/avg/ewma/max = 0.1/0.2/0.2/0.3 ms", "echo.status", {"received": 5, "sent": 7}),
    ("送信パケット数 3, 受信パケット数 3, パケット損失 0%, 時間 2003ミリ秒", "echo.statistics", {"sent": 3, "received": 3, "loss": 0.0}),
    # iputils: JSON
    ('{"bytes": 64, "host": "192.0.2.1", "seq": 1, "ttl": 64, "time": "0.045"}', "echo.reply", {"from": "192.0.2.1", "seq": 1, "time_ms": 0.045}),
    ('{"error": "local error: message too long, mtu=1400"}', "kernel.message-too-long", {"mtu": 1400}),
    ("Destination Net Unreachable", "icmp.net-unreachable", {"from": None, "code": 0}),
    ("Destination unreachable: No route", "icmp.no-route", {"from": None, "family": 6}),
    ("Time to live exceeded", "icmp.ttl-exceeded", {"from": None}),
    ('{"host": "192.0.2.1", "transmitted": 3, "received": 2, "duplicates": 0, "corrupted": 0, "errors": 1, "loss": 33, "time": 2003, "rtt": {"min": "0.1", "avg": "0.2", "max": "0.3", "mdev": "0.0"}}', "echo.statistics", {"sent": 3, "received": 2, "errors": 1, "max_ms": 0.3}),
    ('{"error": ["connect", "Network is unreachable"]}', "kernel.network-unreachable", {"call": "connect"}),
    # busybox
    ("PING 192.0.2.2 (192.0.2.2): 56 data bytes", "echo.start", {"address": "192.0.2.2", "dialect": "bsd"}),
    ("64 bytes from 192.0.2.2: seq=0 ttl=64 time=0.054 ms", "echo.reply", {"seq": 0, "dialect": "busybox"}),
    ("2 packets transmitted, 2 packets received, 0% packet loss", "echo.statistics", {"dialect": "busybox"}),
    ("round-trip min/avg/max = 0.054/0.064/0.075 ms", "echo.times", {"avg_ms": 0.064, "mdev_ms": None}),
    ("ping: sendto: Network is unreachable", "kernel.network-unreachable", {"call": "sendto"}),
    ("ping: bad address 'www.example.test'", "name.unresolved", {"name": "www.example.test"}),
    ("ping: permission denied. (are you root?)", "ping.no-privilege", {}),
    ("ping: warning: got ICMP 3 (Destination Unreachable)", "icmp.unnamed", {"type": 3}),
    # BSD and macOS
    ("PING 192.0.2.2 (192.0.2.2) from 192.0.2.1: 56 data bytes", "echo.start", {"source": "192.0.2.1", "dialect": "bsd"}),
    ("PING6(56=40+8+8 bytes) 2001:db8::1 --> 2001:db8::2", "echo.start", {"source": "2001:db8::1", "address": "2001:db8::2", "family": 6}),
    ("16 bytes from 2001:db8::2, icmp_seq=0 hlim=64 time=0.244 ms", "echo.reply", {"from": "2001:db8::2", "ttl": 64}),
    ("Request timeout for icmp_seq 0", "echo.timeout", {"seq": 0, "dialect": "bsd"}),
    ("92 bytes from 192.0.2.254: Destination Host Unreachable", "icmp.host-unreachable", {"from": "192.0.2.254", "seq": None}),
    ("36 bytes from 192.0.2.254: Time to live exceeded", "icmp.ttl-exceeded", {}),
    ("556 bytes from 192.0.2.254: frag needed and DF set (MTU 1300)", "icmp.fragmentation-needed", {"mtu": 1300}),
    ("92 bytes from 192.0.2.254: Communication prohibited by filter", "icmp.admin-prohibited", {}),
    ("92 bytes from 192.0.2.254: Redirect Host(New addr: 192.0.2.253)", "icmp.redirect-host", {"gateway": "192.0.2.253"}),
    ("Vr HL TOS  Len   ID Flg  off TTL Pro  cks      Src      Dst", "echo.quoted-header", {}),
    (" 4  5  00 5400 3a26   0 0000  3f  01 5aa1 192.0.2.1  198.51.100.1 ", "echo.quoted-header", {}),
    ("ping: sendto: No route to host", "kernel.host-unreachable", {}),
    ("ping: sendto: Host is down", "kernel.host-down", {}),
    ("ping: wrote 192.0.2.2 64 chars, ret=-1", "echo.short-write", {"returned": -1}),
    ("ping: cannot resolve www.example.test: Unknown host", "name.unresolved", {"name": "www.example.test"}),
    ("ping6: UDP connect: No route to host", "kernel.host-unreachable", {"call": "UDP connect"}),
    ("ping6: getaddrinfo -- nodename nor servname provided, or not known", "name.not-known", {"name": None}),
    ("4 packets transmitted, 3 packets received, 25.0% packet loss", "echo.statistics", {"loss": 25.0, "dialect": "bsd"}),
    ("round-trip min/avg/max/stddev = 0.045/0.068/0.091/0.023 ms", "echo.times", {"mdev_ms": 0.023}),
    # Windows
    ("Pinging 192.0.2.2 with 32 bytes of data:", "echo.start", {"dialect": "windows", "size": 32}),
    ("Pinging www.example.test [192.0.2.2] with 32 bytes of data:", "echo.start", {"target": "www.example.test", "address": "192.0.2.2"}),
    ("Reply from 192.0.2.2: bytes=32 time<1ms TTL=128", "echo.reply", {"time_ms": 1.0, "is_below": True, "ttl": 128}),
    ("Reply from 192.0.2.2: bytes=32 time=14ms TTL=57", "echo.reply", {"time_ms": 14.0, "is_below": False}),
    ("Reply from 2001:db8::2: time=3ms ", "echo.reply", {"from": "2001:db8::2", "ttl": None}),
    ("Reply from 192.0.2.1: Destination host unreachable.", "icmp.host-unreachable", {"from": "192.0.2.1"}),
    ("Reply from 192.0.2.254: Destination net unreachable.", "icmp.net-unreachable", {}),
    ("Reply from 2001:db8::1: Destination host unreachable.", "icmp.address-unreachable", {"family": 6}),
    ("Reply from 192.0.2.254: TTL expired in transit.", "icmp.ttl-exceeded", {}),
    ("Reply from 192.0.2.254: Packet needs to be fragmented but DF set.", "icmp.fragmentation-needed", {}),
    ("Packet needs to be fragmented but DF set.", "icmp.fragmentation-needed", {"is_local": True}),
    ("Request timed out.", "echo.timeout", {}),
    ("PING: transmit failed. General failure. ", "kernel.general-failure", {}),
    ("PING: transmit failed, error code 1231.", "kernel.general-failure", {"code": 1231}),
    ("Ping request could not find host www.example.test. Please check the name and try again.", "name.unresolved", {"name": "www.example.test"}),
    ("    Packets: Sent = 4, Received = 3, Lost = 1 (25% loss),", "echo.statistics", {"sent": 4, "received": 3, "lost": 1, "loss": 25.0}),
    ("    Minimum = 0ms, Maximum = 3ms, Average = 1ms", "echo.times", {"min_ms": 0.0, "max_ms": 3.0, "avg_ms": 1.0}),
    ("192.0.2.2 に ping を送信しています 32 バイトのデータ:", "echo.start", {"address": "192.0.2.2"}),
    ("www.example.test [192.0.2.2]に ping を送信しています 32 バイトのデータ:", "echo.start", {"target": "www.example.test"}),
    ("192.0.2.2 からの応答: バイト数 =32 時間 =2ms TTL=64", "echo.reply", {"time_ms": 2.0, "ttl": 64}),
    ("192.0.2.2 からの応答: バイト数 =32 時間 <1ms TTL=64", "echo.reply", {"is_below": True}),
    ("192.0.2.1 からの応答: 宛先ホストに到達できません。", "icmp.host-unreachable", {"from": "192.0.2.1"}),
    ("192.0.2.1 からの応答: 宛先ネットワークに到達できません。", "icmp.net-unreachable", {}),
    ("192.0.2.1 からの応答: 転送中に TTL が期限切れになりました。", "icmp.ttl-exceeded", {}),
    ("要求がタイムアウトしました。", "echo.timeout", {}),
    ("PING: 転送に失敗しました。一般エラーです。", "kernel.general-failure", {}),
    ("ping 要求ではホスト www.example.test が見つかりませんでした。ホスト名を確認してもう一度実行してください。", "name.unresolved", {"name": "www.example.test"}),
    ("    パケット数: 送信 = 4、受信 = 4、損失 = 0 (0% の損失)、", "echo.statistics", {"sent": 4, "received": 4}),
    ("    最小 = 1ms、最大 = 3ms、平均 = 2ms", "echo.times", {"max_ms": 3.0}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "name", "values"), LINES, ids=[line[0][:70] for line in LINES])
def test_each_wording_is_understood(line, name, values):
    reading = first_reading(line, READERS["ping"])
    assert reading is not None
    assert reading[0] == name
    assert {key: reading[1].get(key) for key in values} == values


@pytest.mark.parametrize(
    "line",
    ["", "hello world", "Destination Host Unreachable means that ARP failed", "I ran ping and it said nothing", "64 bytes from the sea", "From here to there", "3 packets"],
)  # fmt: skip
def test_sentences_about_ping_are_not_taken_for_its_output(line):
    assert first_reading(line, READERS["ping"]) is None


@pytest.mark.parametrize(
    ("name", "values", "speaker"),
    [
        ("kernel.network-unreachable", {"call": "connect"}, "this-kernel"),
        ("icmp.net-unreachable", {"from": "192.0.2.254"}, "host"),
        ("icmp.fragmentation-needed", {"from": None, "is_local": True}, "this-kernel"),
        ("icmp.host-unreachable", {"from": "192.0.2.1", "is_own": True}, "this-kernel"),
        ("name.not-known", {}, "resolver"),
        ("ping.usage", {}, "this-program"),
        ("echo.reply", {}, "host"),
    ],
)
def test_the_speaker_is_who_could_know_it(name, values, speaker):
    assert spoken_by(name, values)[0] == speaker


HEAD = "PING 192.0.2.9 (192.0.2.9) 56(84) bytes of data.\n"


def ping(replies, sent, received, extra=""):
    lines = "".join(f"64 bytes from 192.0.2.9: icmp_seq={seq} ttl=64 time={time} ms\n" for seq, time in replies)
    loss = round(100 * (sent - received) / sent)
    tail = f"\n--- 192.0.2.9 ping statistics ---\n{sent} packets transmitted, {received} received, {loss}% packet loss, time 9ms\n"
    return HEAD + lines + extra + tail


@pytest.mark.parametrize(
    ("seqs", "sent", "shape"),
    [([1, 2, 3], 3, "all"), ([1, 2], 5, "first"), ([4, 5], 5, "last"), ([1, 3, 5, 7], 8, "periodic"), ([1, 2, 5], 6, "spread"), ([], 3, "none")],
)  # fmt: skip
def test_the_pattern_of_losses_is_named(seqs, sent, shape):
    witness = read_text(ping([(seq, 0.1) for seq in seqs], sent, len(seqs)))
    assert witness.pattern.shape == shape
    assert witness.pattern.missing == tuple(seq for seq in range(1, sent + 1) if seq not in seqs)
    assert witness.inconsistencies == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (ping([(1, 0.1)], 3, 3), "fewer-replies-than-received"),
        (ping([(1, 0.1), (2, 0.1), (3, 0.1)], 3, 2), "more-replies-than-received"),
        (ping([(1, 0.1)], 2, 1).replace("50%", "10%"), "loss-does-not-add-up"),
        (ping([], 2, 0).replace("--- 192.0.2.9", "--- 192.0.2.8"), "two-targets"),
        (ping([], 2, 0) + "rtt min/avg/max/mdev = 5.0/1.0/2.0/0.1 ms\n", "times-out-of-order"),
        (ping([(1, 900)], 1, 1) + "rtt min/avg/max/mdev = 1.0/1.5/2.0/0.1 ms\n", "times-outside-range"),
    ],
)
def test_statements_that_contradict_each_other_are_named(text, name):
    assert name in read_text(text).inconsistencies


def test_an_exit_status_that_the_statistics_deny_is_named():
    assert "exit-status-contradicts" in read_text(ping([], 3, 0), exit_status=0).inconsistencies
    assert read_text(ping([], 3, 0), exit_status=1).inconsistencies == ()


WINDOWS = "Pinging web.example [192.0.2.9] with 32 bytes of data:\n{}\nPing statistics for 192.0.2.9:\n    Packets: Sent = 2, Received = {}, Lost = {} ({}% loss),\n"


@pytest.mark.parametrize(
    "text",
    [
        WINDOWS.format("Reply from 192.0.2.1: Destination host unreachable.\nRequest timed out.\n", 1, 1, 50),
        WINDOWS.format("Destination host unreachable.\nDestination host unreachable.\n", 0, 2, 100),
        WINDOWS.format("Reply from 192.0.2.9: bytes=32 time<1ms TTL=64\n" * 2, 2, 0, 0),
    ],
)
def test_windows_contradicts_itself_neither_by_errors_that_it_counts_nor_by_an_address_for_a_name(text):
    assert read_text(text).inconsistencies == ()


def test_quiet_pings_owe_no_reply_lines():
    assert read_text(ping([], 3, 3), "ping -q -c3 192.0.2.9").inconsistencies == ()


def test_an_error_from_the_own_source_address_is_this_kernel_s():
    text = "PING 192.0.2.9 (192.0.2.9) from 192.0.2.1 : 56(84) bytes of data.\nFrom 192.0.2.1 icmp_seq=1 Destination Host Unreachable\n"
    assert [each.speaker for each in read_text(text).all("icmp.")] == ["this-kernel"]


def test_a_fatal_error_means_that_nothing_was_sent():
    witness = read_text("ping: connect: Network is unreachable\n", "ping -c3 203.0.113.1", 2)
    assert (witness.counts.sent, witness.is_complete, witness.succeeded, witness.family) == (0, True, False, 4)


def test_windows_lines_without_sequence_numbers_are_counted_in_order():
    text = "Pinging 192.0.2.2 with 32 bytes of data:\nReply from 192.0.2.2: bytes=32 time=1ms TTL=64\nRequest timed out.\nReply from 192.0.2.2: bytes=32 time=1ms TTL=64\n\nPing statistics for 192.0.2.2:\n    Packets: Sent = 3, Received = 2, Lost = 1 (33% loss),\n"
    witness = read_text(text, "ping -n 3 192.0.2.2")
    assert (witness.dialect, witness.pattern.answered, witness.pattern.missing) == ("windows", (1, 3), (2,))
    assert witness.command.count == 3
    assert witness.inconsistencies == ()


def test_a_flood_leaves_its_totals():
    text = (
        HEAD
        + ".\b \b.\b \b..\b \b.\n--- 192.0.2.9 ping statistics ---\n20 packets transmitted, 18 received, 10% packet loss, time 0ms\n"
    )
    witness = read_text(text, "ping -f -c20 192.0.2.9")
    assert (witness.counts.received, witness.inconsistencies, witness.unknown) == (18, (), ())
