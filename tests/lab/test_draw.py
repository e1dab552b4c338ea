"""A drawing shows every node, cable, address and setting of a lab, and fits the terminal."""

from __future__ import annotations

import pytest

from explain.lab.catalogue import everything, find
from explain.lab.draw import draw
from explain.lab.read import read

LABS = [path.parent.name for path in everything()]


@pytest.mark.parametrize("name", LABS)
def test_nothing_that_decides_about_packets_is_left_out(name):
    lab = read(find(name))
    shown = "\n".join(draw(lab, 80))
    for node in lab.nodes:
        assert node.name in shown
        for nic in node.nics:
            assert all(address in shown for address in nic.addresses)
        for text in (*(route.text for route in node.routes), *(node.sysctl or ()), *node.nameservers):
            assert f"{node.name}: " in shown
            assert text in shown
        for line in (node.nft or "").strip().splitlines():
            assert f"{node.name}: nft {line}" in shown


def test_a_row_of_nodes_is_drawn_as_boxes_where_it_fits_and_as_cables_where_not():
    lab = read(find("router"))
    assert draw(lab, 80)[0].startswith("┌")
    assert max(map(len, draw(lab, 80)[:4])) <= 80
    assert draw(lab, 40)[0].startswith("[h1]")
