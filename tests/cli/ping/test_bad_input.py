"""What nobody should give to ``explain ping``, and somebody will: it is said in a line, never a traceback."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from command_line import called
from surroundings import TOP

PING = "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n"
END = "\n--- 192.0.2.2 ping statistics ---\n3 packets transmitted, 0 received, 100% packet loss, time 2033ms\n"
WINDOWS = "192.0.2.2 に ping を送信しています 32 バイトのデータ:\r\n要求がタイムアウトしました。\r\n"
STATE = TOP / "pcaps" / "destination-host-absent-on-link" / "state" / "h1.json"
ODD: tuple[Any, ...] = (None, 3, "", "\x1b[31m", [], [None], [3], [{}], [[[]]], {}, {"a": [1]}, True, 2**70)
NO_WITNESS = {
    "empty": b"",
    "blank": b" \n\t\n",
    "random": Random(1).randbytes(3000),
    "with a zero octet": b"PING 1.2.3.4\0\0\n",
    "a letter": b"Dear all,\nthe network is broken, ping fails.\n",
    "a program": b"def f(x):\n    return x + 1\n",
    "a line without an end": b"PING " + b"A" * 300_000,
    "a mistyped command": b"ping: invalid option -- 'z'\n\nUsage\n  ping [options] <destination>\n",
    "an address of the other family": b"ping: 127.0.0.1: Address family for hostname not supported\n",
    "usage alone": b"Usage: ping [-aAbBdDfhLnOqrRUvV64] [-c count]\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
}
USABLE = {
    "UTF-16 with a mark": (PING + END).encode("utf-16"),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + (PING + END).encode(),
    "Japanese Windows": WINDOWS.encode("cp932"),
    "old Mac line ends": (PING + END).replace("\n", "\r").encode(),
    "control sequences": (
        PING.replace("192", "\x1b[31m192", 1) + "From \x1b]0;x\x07192.0.2.1 icmp_seq=1 x\n" + END
    ).encode(),
    "right to left": ("PING \u202e192.0.2.2\n" + PING + END).encode(),
    "numbers that no ping counts to": (PING + END.replace("3 p", "9" * 5000 + " p")).encode(),
    "cut in the middle": (PING + END)[:-40].encode(),
    "bytes that are no letters": PING.encode() + b"ping: sendmsg: R\xe9seau inaccessible\n",
}


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status, out, err = called(capsys, *words)
    assert not {"\x1b", "\u202e", "\x07"} & set(out + err), "a terminal would obey the input"
    assert "Traceback" not in err
    return status, out, err


@pytest.mark.parametrize("octets", NO_WITNESS.values(), ids=NO_WITNESS.keys())
def test_a_text_that_is_no_witness_is_one_line_and_status_two(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, octets: bytes
) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(octets)
    for more in ((), ("--json",)):
        status, out, err = run(capsys, "ping", "--text", str(path), *more)
        assert (status, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("octets", USABLE.values(), ids=USABLE.keys())
def test_a_text_in_a_strange_form_is_still_read_and_nothing_of_it_reaches_the_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, octets: bytes
) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(octets)
    assert run(capsys, "ping", "--text", str(path), "-v", "--lang", "ja")[0] == 0
    found = json.loads(run(capsys, "ping", "--text", str(path), "--json")[1])
    assert found["symptoms"]
    assert found["causes"]


def test_a_text_that_does_not_tell_how_it_ended_is_not_told_to_have_worked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "x.txt"
    path.write_text(PING)
    assert run(capsys, "ping", "--text", str(path), "-q")[1].startswith("! Nothing here tells how the command ended")


@pytest.mark.parametrize(
    "octets", [b"", b"[]", b"3", b"null", b"{}", b"[" * 50_000, b'{"addr": NaN}', b"\xff\xfe{\0}\0", b'{"addr": 3}']
)
def test_a_file_that_is_no_state_is_said_and_the_rest_explained(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, octets: bytes
) -> None:
    text, state = tmp_path / "x.txt", tmp_path / "s.json"
    text.write_text(PING + END)
    state.write_bytes(octets)
    status, out, err = run(capsys, "ping", "--text", str(text), "--state", f"S={state}", "--sender", "S")
    assert (status, bool(out), err.count("\n")) == (0, True, 1)
    assert run(capsys, "ping", "--state", f"S={state}", "--command", "ping 192.0.2.2", "--sender", "S")[0] == 2


def test_a_state_that_is_cut_anywhere_or_holds_anything_never_ends_in_a_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    whole, rng = STATE.read_text(), Random(2)
    sound = json.loads(whole)
    bad = [whole[: len(whole) * part // 5] for part in range(1, 5)]
    bad += [json.dumps(sound | {key: rng.choice(ODD)}) for key in sound for _ in range(2)]
    bad += [json.dumps(spoilt(sound, rng)) for _ in range(30)]
    path = tmp_path / "h1.json"
    for text in bad:
        path.write_text(text)
        status, _, _ = run(capsys, "ping", "--state", str(path), "--command", "ping 192.0.2.2", "--sender", "h1")
        assert status in {0, 2}, text


def spoilt(value: Any, rng: Random) -> Any:
    """The value with a few of its leaves exchanged for something else."""
    if isinstance(value, dict):
        return {key: rng.choice(ODD) if rng.random() < 0.04 else spoilt(one, rng) for key, one in value.items()}
    if isinstance(value, list):
        return [rng.choice(ODD) if rng.random() < 0.03 else spoilt(one, rng) for one in value]
    return value


def test_a_case_whose_values_are_anything_is_read_as_far_as_it_makes_sense(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "ping.txt").write_text(PING + END)
    keys = ("family", "exit_code", "sender", "tool", "destination", "nodes", "links", "captures", "command")
    for odd in ODD:
        (tmp_path / "case.json").write_text(json.dumps(dict.fromkeys(keys, odd)))
        assert run(capsys, "ping", "--case", str(tmp_path))[0] == 0, odd


def test_states_of_a_sound_network_do_not_silence_a_text_that_failed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text, case = tmp_path / "x.txt", TOP / "pcaps" / "arp-cache-reachable"
    target = (case / "command.txt").read_text().split()[-1]
    text.write_text((PING + END).replace("192.0.2.2", target))
    given = [word for path in sorted((case / "state").glob("*.json")) for word in ("--state", str(path))]
    assert given
    status, out, _ = run(capsys, "ping", "--text", str(text), *given, "--sender", "h1", "--json")
    causes = [each["cause"] for each in json.loads(out)["causes"]]
    assert status == 0
    assert causes
    assert "healthy" not in causes


def test_captures_that_are_none_are_named_and_the_text_explained(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text, capture = tmp_path / "x.txt", tmp_path / "c.pcap"
    text.write_text(PING + END)
    for octets in (b"", b"\xd4\xc3\xb2\xa1", Random(3).randbytes(500)):
        capture.write_bytes(octets)
        status, out, err = run(capsys, "ping", "--text", str(text), "--capture", f"h1:eth0={capture}")
        assert (status, bool(out)) == (0, True)
        assert str(capture.name) in err


def test_standard_input_that_is_closed_is_an_empty_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert run(capsys, "ping", "--text", "-")[0] == 2


def test_a_command_that_is_mistyped_and_typed_again_is_the_second(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "x.txt"
    path.write_text(f"$ ping -c 3 192.0.2.2\n{PING}{END}$ ping -z 192.0.2.2\nping: invalid option -- 'z'\n")
    status, out, _ = run(capsys, "ping", "--json", "--text", str(path))
    assert (status, json.loads(out)["symptoms"][0]["id"]) == (0, "echo.start")


def test_a_state_by_which_nothing_could_have_been_sent_is_said_to_be_of_another_host(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "x.txt"
    path.write_text(f"$ ping -c 3 198.18.0.9\n{(PING + END).replace('192.0.2.2', '198.18.0.9')}")
    _, out, err = run(capsys, "ping", "--json", "--text", str(path), "--state", f"h1={STATE}", "--sender", "h1")
    assert "of another host or day" in err
    assert "no-route-on-sender" not in {each["cause"] for each in json.loads(out)["causes"]}
