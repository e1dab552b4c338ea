"""tcpdump's lines become rows of the same table, with what the text does not show left unknown."""

from __future__ import annotations

import io
import subprocess

import numpy as np
import pytest
from surroundings import TOP

import explain
from explain.intake import read
from explain.render.table import packets_of
from explain.table import ICMP, ICMPV6, IP, MALFORMED, TCP, UDP

OPTIONS = ("-nn", "-nn -e -t", "-nn -tttt -v", "-nn -ttt -vv -S", "-nn -e -tt -X -S")
FEW = 12
PINGED = """\
IP 192.0.2.1 > 192.0.2.2: ICMP echo request, id 7, seq 1, length 64
IP 192.0.2.2 > 192.0.2.1: ICMP echo reply, id 7, seq 1, length 64
"""
OPENED = """\
12:00:00.000000 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [S], seq 900, win 64240, options [mss 1460], length 0
12:00:00.000100 IP 192.0.2.2.80 > 192.0.2.1.40000: Flags [S.], seq 5000, ack 901, win 65160, length 0
12:00:00.000200 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [.], ack 1, win 502, length 0
12:00:00.000300 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [P.], seq 1:22, ack 1, win 502, length 21: HTTP: GET / HTTP/1.1
12:00:00.000400 IP 192.0.2.2.80 > 192.0.2.1.40000: Flags [F.], seq 1, ack 22, win 502, length 0
12:00:00.000500 IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [F.], seq 22, ack 2, win 502, length 0
12:00:00.000600 IP 192.0.2.2.80 > 192.0.2.1.40000: Flags [.], ack 23, win 502, length 0
"""


def table_of(text):
    return read([io.BytesIO(text.encode())])[0]


def test_relative_numbers_become_those_of_the_wire():
    table = table_of(OPENED)
    assert table.seq.tolist() == [900, 5000, 901, 901, 5001, 922, 5002]
    assert table.ack.tolist() == [0, 901, 5001, 5001, 922, 5002, 923]
    absolute = OPENED.replace("seq 1:22", "seq 901:922").replace("ack 1,", "ack 5001,").replace("seq 1,", "seq 5001,")
    absolute = absolute.replace("ack 22,", "ack 922,").replace("seq 22,", "seq 922,").replace("ack 2,", "ack 5002,")
    command = f"$ tcpdump -n -S -i eth0\n{absolute.replace('ack 23,', 'ack 923,')}"
    assert table_of(command).seq.tolist() == table.seq.tolist()


def test_a_connection_in_text_is_told_like_one_in_a_capture():
    report = explain.explain(io.BytesIO(OPENED.encode()))
    (found,) = [one for one in report.exchanges if one.kind == "tcp.connection"]
    assert found.outcome == "closed"
    assert found.fields.bytes_to_server == 21


def test_what_the_line_does_not_show_is_null():
    report = explain.explain(io.BytesIO(PINGED.encode()))
    (echo,) = report.exchanges
    assert (echo.outcome, echo.fields.ttl_request) == ("answered", None)
    assert report.captures[0].first_ns is None
    assert '"rtt_min_ns": null' in report.to_json()
    assert "TTL" not in report.story()
    assert "an unknown time" in report.story()
    assert "_ns=" not in report.to_json()
    assert packets_of(report, None)["time_ns"].isna().all()


def columns(table, options, has_ip, has_tcp):
    """What these options of tcpdump print, of the rows that both readers know for IP and for TCP."""
    found = {
        "src": [table.addresses.text(int(key)) for key in table.sources(has_ip).tolist()],
        "dst": [table.addresses.text(int(key)) for key in table.targets(has_ip).tolist()],
        "ports": table.target_ports(has_tcp).tolist(),
        "flags": table.flags[has_tcp].tolist(),
        "window": table.window[has_tcp].tolist(),
        "payload": table.payload[has_tcp].tolist(),
    }
    if "v" in options:
        found |= {"ttl": table.ttl[has_ip].tolist(), "ip_id": table.ip_id[has_ip].tolist()}
    if "-tt " in options:
        found["times"] = (table.time_ns // 1000).tolist()
    if "-e" in options:
        found["macs"] = [(int(table.links.source[at]), int(table.links.target[at])) for at in table.link]
    return found


def both(one, other, bits):
    """Rows of which both tables say that they hold a header."""
    return np.flatnonzero((one.layers & bits != 0) & (other.layers & bits != 0) & (one.layers & MALFORMED == 0))


def plain(path):
    """Whether every frame is a whole one that tcpdump tells in its usual form: TCP, UDP, ICMP, ARP over Ethernet."""
    try:
        table, (capture,) = read([path])
    except explain.errors.ExplainError:
        return None
    kinds = {one.link_type for one in capture.interfaces}
    usual = TCP | UDP | ICMP | ICMPV6
    rows = np.flatnonzero(table.layers & IP != 0)
    is_usual = kinds == {1} and len(table) and bool((table.layers[rows] & usual != 0).all())
    return table if is_usual else None


def shown(path, options):
    done = subprocess.run(["tcpdump", "-r", str(path), *options.split()], capture_output=True, check=False)
    return done.stdout


def compare(paths, least):
    compared = known = wanted = 0
    for path in paths:
        table = plain(path)
        for options in OPTIONS if table is not None else ():
            try:
                told = read([io.BytesIO(shown(path, options))])[0]
            except explain.errors.ExplainError:
                continue
            if len(told) != len(table):
                continue  # a dissector that breaks its lines, or prints what was tunnelled
            has_ip, has_tcp = both(table, told, IP), both(table, told, TCP)
            theirs, ours = (columns(one, options, has_ip, has_tcp) for one in (table, told))
            for name, value in theirs.items():
                assert ours[name] == value, (path, options, name)
                compared += 1
            known += len(has_ip) + len(has_tcp)
            wanted += int(np.count_nonzero(table.layers & IP)) + int(np.count_nonzero(table.layers & TCP))
    assert compared > least
    assert known > 0.98 * wanted


@pytest.mark.needs("tcpdump")
def test_text_read_back_equals_the_recording_in_all_that_it_shows():
    compare([path / "capture.pcapng" for path in sorted((TOP / "pcaps").iterdir())[:FEW] if path.is_dir()], 100)


@pytest.mark.full
@pytest.mark.needs("tcpdump")
def test_text_read_back_equals_every_recording_and_the_corpus(corpus):
    compare([*sorted(corpus.glob("*/*.pcap*")), *sorted((TOP / "pcaps").glob("*/*.pcapng"))], 1000)


RECORDED = (TOP / "pcaps" / "terminals" / "terminal.txt").read_text("utf-8")


def listing(command):
    """A listing of the recording, from its command to the end of its output."""
    start = RECORDED.index(f"# {command}\n")
    begin = RECORDED.rindex("\n", 0, start) + 1
    return RECORDED[begin : RECORDED.index("dropped by kernel\n", start) + len("dropped by kernel\n")]


def without_commands(text):
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("root@"))


@pytest.mark.parametrize("change", [str, without_commands])
def test_two_pasted_listings_of_two_places_show_the_translation_between_them(change):
    text = change(listing("tcpdump -l -n -i lan tcp") + listing("tcpdump -l -n -i wan tcp"))
    report = explain.explain(io.BytesIO(text.encode()))
    (found,) = [one for one in report.exchanges if one.kind == "nat.translation"]
    assert (found.outcome, found.fields.kind) == ("translated", "source")
    assert [one.name.split(":")[-1] for one in report.captures[0].interfaces] == ["lan", "wan"]
    assert "TTL" not in report.story().split("Evidence")[0].split("What happened")[1]


def pinged_through_a_router(*, far="203.0.113.254", far_id=102, count=1, far_lead_us=(300, -300), is_answered=True):
    """Two listings of one ping: in front of a router, and behind it."""
    near, behind = [], []
    for seq in range(1, count + 1):
        for listing, source, number, late in ((near, "192.0.2.187", 102, (0, 0)), (behind, far, far_id, far_lead_us)):
            ways = [
                ("request", source, "203.0.113.1", 1000 + late[0]),
                ("reply", "203.0.113.1", source, 2000 + late[1]),
            ]
            listing += [
                f"06:41:{10 + seq}.{us:06d} IP {src} > {dst}: ICMP echo {kind}, id {number}, seq {seq}, length 64"
                for kind, src, dst, us in ways[: 2 if is_answered else 1]
            ]
    text = "\n".join(["r# tcpdump -n -i r-in icmp", *near, "r# tcpdump -n -i r-out icmp", *behind])
    report = explain.explain(io.BytesIO(text.encode()))
    return [one for one in report.exchanges if one.kind == "nat.translation"]


@pytest.mark.parametrize(("far_id", "count"), [(102, 1), (4711, 2)])
def test_a_ping_in_two_pasted_listings_shows_the_translation_also_with_another_id(far_id, count):
    (found,) = pinged_through_a_router(far_id=far_id, count=count)
    fields = found.fields
    assert (fields.inside.src.address, fields.outside.src.address) == ("192.0.2.187", "203.0.113.254")
    assert (fields.inside.src.id, fields.outside.src.id) == (102, far_id)
    assert (fields.packets, fields.packets_back, fields.checksum) == (count, count, None)


def test_requests_without_answer_in_two_pasted_listings_show_the_translation_too():
    (found,) = pinged_through_a_router(count=3, is_answered=False)
    assert (found.fields.packets, found.fields.packets_back) == (3, 0)


def test_two_clients_that_ping_one_server_at_once_are_not_one_flow_in_text():
    assert not pinged_through_a_router(far="198.51.100.7", far_id=4711, count=3, far_lead_us=(300, 300))
    assert not pinged_through_a_router(far="198.51.100.7", far_id=4711, count=3, far_lead_us=(200_000, 200_000))


def test_both_sides_of_a_router_in_one_listing_of_any_show_the_translation():
    report = explain.explain(io.BytesIO(listing("tcpdump -l -n -i any tcp").encode()))
    (found,) = [one for one in report.exchanges if one.kind == "nat.translation"]
    assert (found.outcome, found.fields.kind) == ("translated", "destination")


OF_VERSION_4_9 = """\
listening on any, link-type LINUX_SLL (Linux cooked), capture size 262144 bytes
10:00:00.000000  In 00:00:5e:00:53:01 ethertype IPv4 (0x0800), length 76: 192.0.2.1.4000 > 192.0.2.2.80: \\
Flags [S], seq 900, win 64240, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0
10:00:00.000100 Out 00:00:5e:00:53:02 ethertype IPv4 (0x0800), length 56: 192.0.2.2.80 > 192.0.2.1.4000: \\
Flags [R.], seq 0, ack 901, win 0, length 0
10:00:01.000000 ARP, Ethernet (len 6), IPv4 (len 4), Request who-has 192.0.2.9 tell 192.0.2.1, length 28
10:00:01.000100 ARP, Ethernet (len 6), IPv4 (len 4), Reply 192.0.2.9 is-at 00:00:5e:00:53:09 (oui Unknown), length 28
10:00:02.000000 IP h1.example.test.40001 > ns.example.test.domain: 11+ A? www.example.test. (34)
10:00:02.000100 IP ns.example.test.domain > h1.example.test.40001: 11 NXDomain 0/1/0 (90)
10:00:03.000000 IP (tos 0x0, ttl 64, id 7, offset 0, flags [DF], proto ICMP (1), length 84)
    192.0.2.1 > 192.0.2.2: ICMP echo request, id 7, seq 1, length 64
10:00:03.000100 IP (tos 0x0, ttl 63, id 8, offset 0, flags [none], proto ICMP (1), length 84)
    192.0.2.2 > 192.0.2.1: ICMP echo reply, id 7, seq 1, length 64
""".replace("\\\n", "")


def test_the_wordings_of_older_versions_mean_the_same():
    report = explain.explain(io.BytesIO(OF_VERSION_4_9.encode()))
    ended = {one.kind: one.outcome for one in report.exchanges}
    assert ended["tcp.connection"] == "refused"
    assert ended["arp.resolution"] == "answered"
    assert ended["dns.lookup"] == "no-such-name"
    assert ended["icmp.echo"] == "answered"


MACS = "00:00:5e:00:53:01", "00:00:5e:00:53:02"
ETHER_ARP, ETHER_IP = "ethertype ARP (0x0806), length 42: ", "ethertype IPv4 (0x0800), length 98: "
NUMBERED = f"""\
    1  12:00:00.000001 {MACS[0]} > ff:ff:ff:ff:ff:ff, {ETHER_ARP}Request who-has 192.0.2.2 tell 192.0.2.1
    2  12:00:00.000201 {MACS[1]} > {MACS[0]}, {ETHER_ARP}Reply 192.0.2.2 is-at {MACS[1]}, length 28
123456  12:00:01.000001 {MACS[0]} > {MACS[1]}, {ETHER_IP}192.0.2.1 > 192.0.2.2: ICMP echo request, id 7, seq 1
"""


def test_the_numbers_that_tcpdump_puts_before_its_lines_are_read_over():
    report = explain.explain(io.BytesIO(NUMBERED.encode()))
    assert [(one.kind, one.outcome) for one in report.exchanges] == [
        ("arp.resolution", "answered"),
        ("icmp.echo", "unanswered"),
    ]


def test_an_arp_answer_is_for_the_mac_that_its_frame_goes_to():
    (one, _) = explain.explain(io.BytesIO(NUMBERED.encode())).exchanges
    assert (one.fields.asker_mac, one.frames) == ("00:00:5e:00:53:01", ((1, 2),))
