"""Against the baseline of corelight/community-id-spec: baseline_deflt.json and baseline_seed1.json."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from explain.exchanges.community_id import community_id

ICMP6, ICMP, TCP, UDP, SCTP = 58, 1, 6, 17, 132
BASELINE = [
    (ICMP6, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
    (ICMP6, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
    (ICMP6, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0, "1:2ObVBgIn28oZvibYZhZMBgh7WdQ="),
    (ICMP6, "3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 1, 4,
     "1:hLZd0XGWojozrvxqE0dWB1iM6R0="),
    (ICMP6, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="),
    (ICMP6, "fe80::200:86ff:fe05:80da", "ff02::2", 133, 0, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="),
    (ICMP, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    (ICMP, "192.168.0.1", "192.168.0.89", 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    (ICMP, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="),
    (TCP, "2607:f8b0:400c:c03::1a", "2001:470:e5bf:dead:4957:2174:e82c:4887", 25, 63943,
     "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="),
    (TCP, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (TCP, "66.35.250.204", "128.232.110.120", 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (UDP, "8.8.8.8", "192.168.1.52", 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    (SCTP, "192.168.170.56", "192.168.170.8", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="),
]  # fmt: skip


def made(protocol, source, target, sport, dport, seed=0):
    return community_id(ip_address(source).packed, ip_address(target).packed, protocol, sport, dport, seed)


@pytest.mark.parametrize(("protocol", "source", "target", "sport", "dport", "expected"), BASELINE)
def test_the_ids_are_those_of_the_baseline(protocol, source, target, sport, dport, expected):
    assert made(protocol, source, target, sport, dport) == expected


def test_a_seed_changes_the_id_as_the_baseline_says():
    assert made(TCP, "128.232.110.120", "66.35.250.204", 34855, 80, seed=1) == "1:3V71V58M3Ksw/yuFALMcW0LAHvc="
    assert made(ICMP, "10.0.0.1", "10.0.0.2", 11, 0, seed=1) == "1:XjUibYHaafLQ3pxQeiMI8g25q20="


def test_both_directions_of_a_flow_have_one_id_and_another_port_another():
    there, back = (made(TCP, *ends) for ends in (("192.0.2.1", "192.0.2.2", 7, 9), ("192.0.2.2", "192.0.2.1", 9, 7)))
    assert there == back != made(TCP, "192.0.2.1", "192.0.2.2", 7, 10)
