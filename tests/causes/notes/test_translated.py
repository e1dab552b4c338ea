"""A typed rule of NAT is confirmed by listings, or by conntrack, that show a flow before and after it."""

from __future__ import annotations

import io

import pytest

import explain

INSIDE = """\
root@r:~# tcpdump -n -l -i lan tcp
12:00:01.000100 IP 192.0.2.1.40000 > 203.0.113.1.80: Flags [S], seq 7, win 64240, length 0
12:00:01.000300 IP 203.0.113.1.80 > 192.0.2.1.40000: Flags [S.], seq 9, ack 8, win 65160, length 0
"""
OUTSIDE = """\
root@r:~# tcpdump -n -l -i wan tcp
12:00:01.000120 IP 203.0.113.254.40000 > 203.0.113.1.80: Flags [S], seq 7, win 64240, length 0
12:00:01.000280 IP 203.0.113.1.80 > 203.0.113.254.40000: Flags [S.], seq 9, ack 8, win 65160, length 0
"""
FORWARDED = """\
root@r:~# tcpdump -n -l -i wan tcp
12:00:01.000100 IP 203.0.113.1.40000 > 203.0.113.254.8080: Flags [S], seq 7, win 64240, length 0
12:00:01.000300 IP 203.0.113.254.8080 > 203.0.113.1.40000: Flags [S.], seq 9, ack 8, win 65160, length 0
root@r:~# tcpdump -n -l -i lan tcp
12:00:01.000120 IP 203.0.113.1.40000 > 192.0.2.1.80: Flags [S], seq 7, win 64240, length 0
12:00:01.000280 IP 192.0.2.1.80 > 203.0.113.1.40000: Flags [S.], seq 9, ack 8, win 65160, length 0
"""
REMEMBERED = """\
root@r:~# conntrack -L
udp 17 28 src=192.0.2.1 dst=203.0.113.1 sport=5353 dport=53 src=203.0.113.1 dst=203.0.113.254 sport=53 dport=5353 use=1
conntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.
"""
MASQUERADE = "iptables -t nat -A POSTROUTING -o wan -j MASQUERADE"
PORT = "iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 192.0.2.1:80"


def lines_of(text, name):
    lines = explain.explain(io.BytesIO(text.encode())).lines
    return [line for line in lines if line.message.startswith(f"notes.{name}")]


def typed(rule, host="r"):
    return f"root@{host}:~# {rule}\n"


@pytest.mark.parametrize(
    "rule",
    [
        MASQUERADE,
        "iptables -t nat -I POSTROUTING 1 -s 192.0.2.0/24 -p tcp -j SNAT --to-source 203.0.113.254",
        "sudo nft add rule ip nat postrouting oifname wan ip saddr 192.0.2.0/24 counter masquerade",
        "nft add rule nat postrouting oifname { wan, ppp0 } tcp dport 80-88 snat to 203.0.113.254",
    ],
)
def test_a_rule_is_confirmed_by_a_flow_that_two_listings_show_before_and_after_it(rule):
    text = typed(rule) + INSIDE + OUTSIDE
    (line,) = lines_of(text, "confirmed")
    assert line.text_lines == ((6, 6), (3, 3), (1, 1))
    assert line.values["before"] == "192.0.2.1:40000 > 203.0.113.1:80"
    assert line.values["after"] == "203.0.113.254:40000 > 203.0.113.1:80"
    assert lines_of(text, "unseen") == []


@pytest.mark.parametrize(
    "rule", [PORT, "nft add rule ip nat prerouting iifname wan tcp dport 8080 dnat to 192.0.2.1:80"]
)
def test_a_rule_for_the_target_is_confirmed_by_it_too(rule):
    (line,) = lines_of(typed(rule) + FORWARDED, "confirmed")
    assert (line.values["before"], line.values["after"]) == (
        "203.0.113.1:40000 > 203.0.113.254:8080", "203.0.113.1:40000 > 192.0.2.1:80",
    )  # fmt: skip


def test_a_line_of_conntrack_confirms_a_rule():
    (line,) = lines_of(typed(MASQUERADE) + REMEMBERED, "confirmed")
    assert line.values["after"] == "203.0.113.254:5353 > 203.0.113.1:53"


@pytest.mark.parametrize(
    "rule",
    [
        "iptables -t nat -A POSTROUTING -o lan -j MASQUERADE",  # the other way
        "iptables -t nat -A POSTROUTING -s 198.51.100.0/24 -j MASQUERADE",
        "iptables -t nat -A POSTROUTING -p udp -j MASQUERADE",
        "iptables -t nat -A POSTROUTING -j SNAT --to-source 203.0.113.9",
        "nft add rule ip nat postrouting oifname lan masquerade",
        "nft add rule ip nat postrouting tcp dport != 80 masquerade",
        "iptables -A FORWARD -j ACCEPT",
        PORT,
    ],
)
def test_a_rule_that_does_not_take_the_flow_is_not_confirmed(rule):
    text = typed(rule) + INSIDE + OUTSIDE
    assert lines_of(text, "confirmed") == []
    assert len(lines_of(text, "unseen")) == 1


def test_a_rule_of_another_host_than_the_one_with_the_new_address_is_not_confirmed():
    owner = typed("ip address add 203.0.113.254/24 dev wan")
    assert lines_of(owner + typed(MASQUERADE, "r2") + INSIDE + OUTSIDE, "confirmed") == []
    assert len(lines_of(owner + typed(MASQUERADE) + INSIDE + OUTSIDE, "confirmed")) == 1


@pytest.mark.parametrize("text", [INSIDE + OUTSIDE + typed(MASQUERADE), typed(MASQUERADE) + INSIDE])
def test_what_was_seen_before_the_rule_was_typed_or_on_one_side_only_confirms_nothing(text):
    assert lines_of(text, "confirmed") == []


def test_a_rule_that_was_refused_is_not_confirmed():
    refused = "iptables v1.8.9 (nf_tables): Chain 'POSTROUTIN' does not exist\n"
    assert lines_of(typed(MASQUERADE) + refused + INSIDE + OUTSIDE, "confirmed") == []
