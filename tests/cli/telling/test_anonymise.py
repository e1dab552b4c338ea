from __future__ import annotations

import json
import subprocess

import pytest
from command_line import called
from packets import datagram, pcap
from surroundings import TOP

import explain

CASE = TOP / "pcaps" / "nat-tcp" / "capture.pcapng"
WORDS = ("10.0.0.", "203.0.113.", "00:00:5e")


def outcomes(text):
    return [(one["kind"], one["outcome"], one["frames"]) for one in json.loads(text)["exchanges"]]


@pytest.mark.parametrize("case", ["nat-tcp", "dhcp", "no-route-on-router", "masquerade-missing", "pmtu-blackhole"])
def test_a_capture_under_other_names_tells_the_same_story(case, capsys):
    path = TOP / "pcaps" / case / "capture.pcapng"
    _, plain, _ = called(capsys, "--json", path)
    code, renamed, _ = called(capsys, "--json", "--anonymise", path)
    assert code == 0
    assert outcomes(renamed) == outcomes(plain)
    found = [[one["cause"] for one in json.loads(text)["findings"]] for text in (plain, renamed)]
    assert found[0] == found[1]


def test_what_a_copy_lacks_was_taken_on_purpose_and_no_longer_snapshot_brings_it_back(tmp_path, capsys):
    path = tmp_path / "copy.pcapng"
    written = called(capsys, "--anonymise", "-w", path, TOP / "pcaps" / "http" / "capture.pcapng")
    for _, told, _ in (written, called(capsys, path)):
        assert "payloads were taken out" in " ".join(told.split())
        assert "tcpdump -s 0" not in told
    assert explain.explain(path).captures[0].is_anonymised


@pytest.mark.parametrize("form", ["terminal", "markdown", "html", "mermaid", "zeek", "json"])
def test_no_form_of_output_has_an_address_of_the_original(form, capsys):
    _, told, _ = called(capsys, "--anonymise", "--format", form, CASE)
    assert told
    assert not [word for word in WORDS if word in told]
    assert str(TOP) not in told


def test_the_same_address_in_two_files_gets_the_same_name(tmp_path, capsys):
    frame = datagram(("192.0.2.1", 4000), ("192.0.2.2", 9), b"hush")
    for name in ("a.pcap", "b.pcap"):
        (tmp_path / name).write_bytes(pcap(frame).getvalue())
    two = f"one={tmp_path / 'a.pcap'}", f"two={tmp_path / 'b.pcap'}"
    told = json.loads(called(capsys, "--json", "--anonymise", *two)[1])
    fields = [one["fields"] for one in told["exchanges"] if one["kind"] == "udp.flow"]
    assert fields
    assert len({(one["client"]["address"], one["server"]["address"]) for one in fields}) == 1
    assert [len(one["evidence"]) for one in told["exchanges"] if one["kind"] == "udp.flow"] == [2]


@pytest.mark.needs("tshark")
def test_the_written_capture_has_the_same_frames_and_no_payload(tmp_path, capsys):
    new = tmp_path / "new.pcapng"
    called(capsys, "--anonymise", "-w", new, "-q", CASE)
    wanted = ["-T", "fields", "-e", "frame.len", "-e", "frame.time_epoch", "-e", "tcp.seq_raw", "-e", "ip.ttl"]
    seen = [
        subprocess.run(["tshark", "-r", str(path), *wanted], capture_output=True, text=True, check=True).stdout
        for path in (CASE, new)
    ]
    assert seen[0] == seen[1]
    assert b"hello" not in new.read_bytes()
    assert bytes((203, 0, 113)) not in new.read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [["-w", "new.pcapng", CASE], ["--anonymise", "--second-opinion", CASE], ["--anonymise", "-w", "x", CASE, CASE]],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments, capsys):
    status, _, err = called(capsys, *arguments)
    assert (status, err.count("\n")) == (2, 1)
