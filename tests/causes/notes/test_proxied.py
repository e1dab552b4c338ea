"""Neighbours that a host answers for: typed, and shown."""

from __future__ import annotations

import explain

TEXT = """root@r1:~# ip neigh add proxy 192.0.2.200 dev lan
root@r1:~# ip neigh show proxy
192.0.2.200 dev lan proxy
"""


def test_an_address_that_a_host_answers_for_is_no_neighbour_and_its_table_is_not_called_empty(tmp_path):
    (tmp_path / "notes.txt").write_text(TEXT, encoding="utf-8")
    story = " ".join(explain.explain(tmp_path / "notes.txt").story("en").split())
    assert "r1: answer for 192.0.2.200 in its place (proxy)" in story
    assert "r1 answers in the place of 192.0.2.200 (proxy)" in story
    assert "empty" not in story
    assert "nothing that follows shows the effect" not in story
