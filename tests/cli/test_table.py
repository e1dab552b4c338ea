from __future__ import annotations

import csv
import io
import json
from functools import partial
from importlib.util import find_spec

import pytest
from command_line import called
from packets import A, B, datagram, error, eth, ip, pcap, ping, pong, segment, who_has

import explain
from explain.words import table as words

ALICE, BOB = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def capture(tmp_path):
    path = tmp_path / "c.pcap"
    frames = (
        who_has((A, ALICE), BOB), ping(ALICE, BOB, 1), pong(BOB, ALICE, 1),
        segment((ALICE, 40000), (BOB, 80), 2, seq=7), segment((BOB, 80), (ALICE, 40000), 20, macs=(B, A)),
    )  # fmt: skip
    path.write_bytes(pcap(*frames).read())
    return path


@pytest.fixture
def run(capsysbinary):
    return partial(called, capsysbinary, "table")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_each_packet_is_a_row_and_what_it_lacks_is_empty(run, capture):
    status, out, err = run(capture)
    rows = rows_of(out)
    assert (status, err, [row["protocol"] for row in rows]) == (0, "", ["arp", "icmp", "icmp", "tcp", "tcp"])
    assert (rows[0]["src"], rows[0]["ttl"], rows[0]["src_mac"], rows[0]["tcp_flags"]) == ("", "", A, "")
    assert (rows[1]["src"], rows[1]["dst"], rows[1]["ttl"], rows[1]["icmp_type"]) == (ALICE, BOB, "64", "8")
    assert (rows[3]["src_port"], rows[3]["dst_port"], rows[3]["tcp_flags"], rows[3]["tcp_seq"]) == (
        "40000", "80", "S", "7",
    )  # fmt: skip
    assert (rows[3]["time_ns"], rows[3]["checksum"]) == ("1700000000003000000", "right")


def test_every_column_of_packets_is_documented_with_its_meaning(run, capture):
    out = run(capture)[1]
    assert list(rows_of(out)[0]) == list(words("columns")["packets"])
    listed = run("--columns")[1].splitlines()
    assert [line.split()[0] for line in listed] == list(words("columns")["packets"])
    assert all(len(line.split()) > 1 for line in listed)


def test_each_exchange_is_a_row_with_the_fields_of_its_kind(run, capture):
    rows = rows_of(run(capture, "--of", "exchanges", "--only", "tcp,icmp.echo")[1])
    assert [(row["kind"], row["outcome"], row["frames"]) for row in rows] == [
        ("icmp.echo", "answered", "2-3"),
        ("tcp.connection", "refused", "4-5"),
    ]
    assert (rows[1]["client.address"], rows[1]["client.port"], rows[1]["server.port"]) == (ALICE, "40000", "80")
    assert (rows[0]["id"], rows[0]["fields.id"]) == ("e2", "7")
    assert list(rows[0])[:11] == [name for name in words("columns")["exchanges"] if name != "others"]


def test_an_exchange_names_its_frames_in_every_file(run, tmp_path):
    near, far = tmp_path / "near.pcap", tmp_path / "far.pcap"
    near.write_bytes(pcap((0, ping(ALICE, BOB, 1)), (0.01, pong(BOB, ALICE, 1))).read())
    far.write_bytes(pcap((0.001, ping(ALICE, BOB, 1, ttl=63)), (0.009, pong(BOB, ALICE, 1))).read())
    row = next(one for one in rows_of(run(f"n={near}", f"f={far}", "--of", "exchanges")[1]) if one["fields.id"] == "7")
    assert (row["frames"], row["evidence"]) == ("1-2", "0/0:1-2;1/0:1-2")


def test_both_tags_of_a_frame_are_columns_and_an_exchange_tells_its_vlans(run, tmp_path):
    path = tmp_path / "c.pcap"
    plain = ping(ALICE, BOB, 1)
    tag, outer = b"\x81\0\x60\x0a", b"\x88\xa8\0\xc8"
    path.write_bytes(pcap(plain[:12] + outer + tag + plain[12:], plain[:12] + tag + plain[12:], plain).read())
    rows = rows_of(run(path)[1])
    assert [(row["vlan"], row["inner_vlan"]) for row in rows] == [("200", "10"), ("10", ""), ("", "")]
    (row,) = rows_of(run(path, "--of", "exchanges")[1])
    assert row["vlans"] == "10,200/10"
    (row,) = (json.loads(line) for line in run(path, "--of", "exchanges", "--format", "jsonl")[1].splitlines())
    assert row["vlans"] == [[10], [200, 10]]


def test_json_lines_have_numbers_and_null(run, capture):
    rows = [json.loads(line) for line in run(capture, "--format", "jsonl")[1].splitlines()]
    assert len(rows) == 5
    assert (rows[0]["ttl"], rows[1]["ttl"], rows[1]["is_fragment"]) == (None, 64, False)


def test_lists_are_lists_in_json_lines_and_text_in_csv(run, tmp_path):
    path = tmp_path / "d.pcap"
    path.write_bytes(pcap(datagram((ALICE, 5000), (BOB, 53), question(b"www"))).read())
    options = (path, "--of", "exchanges", "--only", "dns")
    (row,) = (json.loads(line) for line in run(*options, "--format", "jsonl")[1].splitlines())
    assert (row["frames"], row["answers"], row["client.address"]) == ([[1, 1]], [], ALICE)
    (text,) = rows_of(run(*options)[1])
    assert (text["frames"], text["answers"]) == ("1", "[]")


@pytest.mark.parametrize(
    ("options", "frames"),
    [(("--port", 80), ["4", "5"]), (("--only", "icmp"), ["2", "3"]), (("--between", 0.0005, 0.0015), ["2"]),
     (("--host", BOB, "--only", "arp"), ["1"])],
)  # fmt: skip
def test_selections_choose_rows_and_keep_their_numbers(run, capture, options, frames):
    assert [row["frame"] for row in rows_of(run(capture, *options)[1])] == frames


def question(name: bytes) -> bytes:
    return b"\0\1\1\0\0\1\0\0\0\0\0\0" + bytes((len(name),)) + name + b"\0\0\1\0\1"


@pytest.mark.parametrize("first", [b"=", b"+", b"-", b"@"])
def test_cells_that_a_spreadsheet_would_run_are_made_inert(run, tmp_path, first):
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap(datagram((ALICE, 5000), (BOB, 53), question(first + b"1+cmd"))).read())
    (row,) = rows_of(run(path, "--of", "exchanges", "--only", "dns")[1])
    assert row["name"] == f"'{first.decode()}1+cmd"


@pytest.mark.parametrize("first", ["\t", "\r", "=", "\x1b[31m"])
def test_cells_begin_with_nothing_that_acts(first):
    from explain.render.table import _inert

    assert _inert(f"{first}x")[0] not in "=+-@\t\r\x1b"


def test_a_file_is_written_whole_and_nothing_goes_to_standard_output(run, capture, tmp_path):
    status, out, _ = run(capture, "-o", tmp_path / "t.csv")
    assert (status, out) == (0, "")
    assert len(rows_of((tmp_path / "t.csv").read_text())) == 5


def test_the_name_of_the_file_means_its_form_where_no_other_is_asked_for(run, capture, tmp_path):
    assert run(capture, "-o", tmp_path / "t.jsonl")[0] == 0
    assert json.loads((tmp_path / "t.jsonl").read_text().splitlines()[0])["frame"] == 1
    assert run(capture, "--format", "csv", "-o", tmp_path / "t.jsonl")[0] == 0
    assert len(rows_of((tmp_path / "t.jsonl").read_text())) == 5
    assert run("no-such-file", "-o", tmp_path / "t.parquet")[2].startswith(
        "explain: no-such-file" if find_spec("pyarrow") else "explain: pyarrow"
    )


def test_what_a_tunnel_carries_can_stand_in_the_rows(run, tmp_path):
    path = tmp_path / "c.pcap"
    carrier = ip("198.51.100.1", "198.51.100.2", 4, ping(ALICE, BOB, 1)[14:])
    path.write_bytes(pcap(eth(A, B, 0x800, carrier)).read())
    assert [rows_of(run(path, *more)[1])[0]["src"] for more in ((), ("--inside",))] == ["198.51.100.1", ALICE]


def test_parquet_is_written_or_what_it_needs_is_named_in_one_line(run, capture, tmp_path):
    status, _, err = run(capture, "--format", "parquet", "-o", tmp_path / "t.parquet")
    if find_spec("pyarrow"):
        assert (status, (tmp_path / "t.parquet").read_bytes()[:4]) == (0, b"PAR1")
    else:
        assert (status, err.count("\n")) == (2, 1)
        assert "pyarrow" in err
        assert not (tmp_path / "t.parquet").exists()


def test_columns_for_parquet_have_one_type_where_kinds_write_a_field_as_number_and_as_word():
    from explain.render.table import _of_one_type

    mixed = pcap(error(BOB, 3, 1, ping(ALICE, BOB, 1)), datagram((ALICE, 5000), (BOB, 53), question(b"w")))
    frame = explain.explain(mixed).exchanges.to_pandas()
    assert set(map(type, frame["type"].dropna())) == {int, str}
    assert list(_of_one_type(frame)["type"].dropna()) == ["3", "A"]


def test_without_pyarrow_parquet_says_so_before_the_capture_is_read(run, monkeypatch):
    monkeypatch.setattr("explain.render.table.find_spec", lambda _: None)
    status, _, err = run("no-such-file", "--format", "parquet")
    assert status == 2
    assert "pyarrow" in err


def test_an_empty_capture_is_a_table_without_rows(run, tmp_path):
    path = tmp_path / "c.pcap"
    path.write_bytes(pcap().read())
    status, out, _ = run(path)
    assert (status, rows_of(out)) == (0, [])
    assert out.startswith("capture,path,")
    assert run(path, "--of", "exchanges")[0] == 0


def test_a_data_frame_without_exchanges_has_the_columns_that_all_kinds_have():
    none, some = (
        explain.explain(pcap(*frames)).exchanges.to_pandas() for frames in ((), (ping("192.0.2.1", "192.0.2.2", 1),))
    )
    assert list(none) == list(some)[: len(none.columns)]
    assert none.groupby(["kind", "outcome"]).size().empty


def test_a_table_without_a_capture_is_a_usage_error(run):
    assert run()[0] == 2
