from __future__ import annotations

import subprocess

from command_line import EXPLAIN
from hypothesis import given
from hypothesis import strategies as st
from packets import datagram, pcap, ping, pong
from surroundings import TOP

import explain
from explain.render.zeek import _cell, logs, render

ALICE, BOB = "192.0.2.1", "192.0.2.2"


def rows_of(text):
    """Rows as dictionaries, read by the header that the log itself gives."""
    lines = text.splitlines()
    names = next(line for line in lines if line.startswith("#fields")).split("\t")[1:]
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines if not line.startswith("#")]


def recorded(case):
    return logs(explain.explain(str(next((TOP / "pcaps" / case).glob("*.pcapng")))))


def test_every_row_has_as_many_cells_as_there_are_names_and_types():
    for case in ("dns", "dhcp", "http", "nat-tcp"):
        for text in recorded(case).values():
            widths = {len(line.split("\t")) for line in text.splitlines()[5:] if not line.startswith("#")}
            head = {len(line.split("\t")) - 1 for line in text.splitlines() if line.startswith(("#fields", "#types"))}
            assert widths == head


def test_a_connection_has_its_state_history_and_bytes():
    (row,) = [row for row in rows_of(recorded("http")["conn"]) if row["proto"] == "tcp"]
    assert (row["conn_state"], row["id.resp_p"]) == ("SF", "80")
    assert row["history"].startswith("ShA")
    assert int(row["orig_bytes"]) > 0
    assert int(row["resp_bytes"]) > 0


def test_a_look_up_has_the_uid_of_the_flow_that_carries_it():
    found = recorded("dns")
    flows = {row["uid"]: row for row in rows_of(found["conn"])}
    for row in rows_of(found["dns"]):
        assert flows[row["uid"]]["id.orig_p"] == row["id.orig_p"]


def test_a_lease_tells_its_messages_in_their_order():
    (row,) = rows_of(recorded("dhcp")["dhcp"])
    assert row["msg_types"] == "DISCOVER,OFFER,REQUEST,ACK"
    assert row["lease_time"] == "3600.000000"


def test_the_types_of_echoes_stand_where_ports_do():
    (row,) = rows_of(render(explain.explain(pcap(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1)))))
    assert [row[name] for name in ("id.orig_p", "id.resp_p", "orig_bytes", "resp_bytes")] == ["8", "0", "56", "56"]


def test_an_unanswered_datagram_is_in_state_s0():
    (row,) = rows_of(render(explain.explain(pcap(datagram((ALICE, 5000), (BOB, 9999), b"abc")))))
    assert (row["conn_state"], row["history"], row["orig_bytes"], row["resp_pkts"]) == ("S0", "D", "3", "0")


@given(st.one_of(st.text(max_size=40), st.lists(st.text(max_size=9), max_size=4)))
def test_no_text_ends_a_cell_or_a_line_or_looks_like_nothing(value):
    cell = _cell(value)
    assert cell.isprintable()
    assert "\t" not in cell
    assert cell
    assert cell != "-"


def test_into_a_folder_each_log_is_a_file(tmp_path):
    source = next((TOP / "pcaps" / "dns").glob("*.pcapng"))
    command = [*EXPLAIN, "--format", "zeek", "-o", str(tmp_path), str(source)]
    assert subprocess.run(command, check=False).returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"conn.log", "dns.log"}
