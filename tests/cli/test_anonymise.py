from __future__ import annotations

import json
import subprocess

import pytest
from packets import datagram, pcap
from surroundings import TOP

import explain
from explain.cli import main

CASE = TOP / "pcaps" / "nat-tcp" / "capture.pcapng"
WORDS = ("10.0.0.", "203.0.113.", "00:00:5e")


def report(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["--json", *map(str, arguments)])
    return ended.value.code, capsys.readouterr()


def outcomes(text):
    return [(one["kind"], one["outcome"], one["frames"]) for one in json.loads(text)["exchanges"]]


@pytest.mark.parametrize("case", ["nat-tcp", "dhcp", "no-route-on-router", "masquerade-missing", "pmtu-blackhole"])
def test_a_capture_under_other_names_tells_the_same_story(case, capsys):
    path = TOP / "pcaps" / case / "capture.pcapng"
    _, plain = report(capsys, path)
    code, renamed = report(capsys, "--anonymise", path)
    assert code == 0
    assert outcomes(renamed.out) == outcomes(plain.out)
    found = [[one["cause"] for one in json.loads(text)["findings"]] for text in (plain.out, renamed.out)]
    assert found[0] == found[1]


def test_what_a_copy_lacks_was_taken_on_purpose_and_no_longer_snapshot_brings_it_back(tmp_path, capsys):
    path = tmp_path / "copy.pcapng"
    with pytest.raises(SystemExit):
        main(["--anonymise", "-w", str(path), str(TOP / "pcaps" / "http" / "capture.pcapng")])
    first = capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([str(path)])
    for told in (first, capsys.readouterr().out):
        assert "payloads were taken out" in " ".join(told.split())
        assert "tcpdump -s 0" not in told
    assert explain.explain(path).captures[0].is_anonymised


@pytest.mark.parametrize("form", ["terminal", "markdown", "html", "mermaid", "zeek", "json"])
def test_no_form_of_output_has_an_address_of_the_original(form, capsys):
    with pytest.raises(SystemExit):
        main(["--anonymise", "--format", form, str(CASE)])
    told = capsys.readouterr().out
    assert told
    assert not [word for word in WORDS if word in told]
    assert str(TOP) not in told


def test_the_same_address_in_two_files_gets_the_same_name(tmp_path, capsys):
    frame = datagram(("192.0.2.1", 4000), ("192.0.2.2", 9), b"hush")
    for name in ("a.pcap", "b.pcap"):
        (tmp_path / name).write_bytes(pcap(frame).getvalue())
    _, said = report(capsys, "--anonymise", f"one={tmp_path / 'a.pcap'}", f"two={tmp_path / 'b.pcap'}")
    told = json.loads(said.out)
    fields = [one["fields"] for one in told["exchanges"] if one["kind"] == "udp.flow"]
    assert fields
    assert len({(one["client"]["address"], one["server"]["address"]) for one in fields}) == 1
    assert [len(one["evidence"]) for one in told["exchanges"] if one["kind"] == "udp.flow"] == [2]


@pytest.mark.needs("tshark")
def test_the_written_capture_has_the_same_frames_and_no_payload(tmp_path, capsys):
    new = tmp_path / "new.pcapng"
    with pytest.raises(SystemExit):
        main(["--anonymise", "-w", str(new), "-q", str(CASE)])
    capsys.readouterr()
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
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
