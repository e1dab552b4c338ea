"""``explain path`` as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import called

from explain.render.layout import display_width
from explain.words import table

from .hosts import raws


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    given = []
    for name, value in raws().items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(value))
        given += ["--state", str(path)]
    return given


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    return called(capsys, "path", *arguments)


def test_an_open_way_is_told_with_every_host(capsys: pytest.CaptureFixture[str], options: list[str]):
    status, out, err = run(capsys, "S", "10.0.2.9", *options, "--lang", "en")
    assert (status, err) == (0, "")
    assert out.startswith("✓ A packet from S (10.0.1.5) reaches 10.0.2.9, and the answer comes back.")
    assert "Cause:" not in out
    assert "AND" not in out


def test_bits_are_shown_on_request_only(capsys: pytest.CaptureFixture[str], options: list[str]):
    assert "AND 11111111.11111111.11111111.00000000" in run(capsys, "S", "T", *options, "-v", "--lang", "en")[1]


def test_in_japanese_roles_and_what_is_missing_are_told_in_japanese_and_no_row_is_too_wide(
    capsys: pytest.CaptureFixture[str], options: list[str]
):
    _, out, _ = run(capsys, "S", "192.0.2.1", *options, "--lang", "ja")
    assert "R (1 台目のルーター)" in out
    assert "根拠: 192.0.2.1 への経路がない" in out
    assert "no route" not in out
    assert all(display_width(row) <= 80 for row in out.splitlines())


def test_quiet_is_the_verdict_and_the_cause(capsys: pytest.CaptureFixture[str], options: list[str]):
    _, out, _ = run(capsys, "S", "192.0.2.1", *options, "-q", "--lang", "en")
    assert [line for line in out.splitlines() if line] == [
        "✗ A packet from S to 192.0.2.1 stops at R.", "Cause: no-route-on-router (proved), R (router 1)",
    ]  # fmt: skip


def test_the_same_is_told_in_japanese(capsys: pytest.CaptureFixture[str], options: list[str]):
    assert "応答も返ってくる" in run(capsys, "10.0.1.5", "T", *options, "--lang", "ja")[1]


def test_json_has_ids_and_values(capsys: pytest.CaptureFixture[str], options: list[str]):
    status, out, _ = run(capsys, "S", "T", "--tcp", "80", *options, "--json")
    report = json.loads(out)
    assert status == 0
    assert report["outcome"] == "stopped"
    assert report["stopped_at"]["reason"] == "no-listener"
    assert [cause["cause"] for cause in report["causes"]] == ["tcp-no-listener"]
    assert [step["host"] for step in report["steps"]][:3] == ["S", "R", "T"]


def test_names_can_be_given_to_states(capsys: pytest.CaptureFixture[str], options: list[str], tmp_path: Path):
    named = ["--state", f"alice={tmp_path / 'S.json'}", *options[2:]]
    assert "from alice" in run(capsys, "alice", "T", *named, "--lang", "en")[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody", "10.0.2.9"], "nobody"),
        (["S", "www.example.test"], "www.example.test"),
        (["S", "T", "--tcp", "80", "--udp", "53"], "exclude"),
        (["S", "T", "--link", "nonsense"], "HOST:IFACE"),
        (["S", "T", "--link", "S:s0=Z:z0"], "Z"),
        (["S", "T", "-6"], "T"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], options: list[str], arguments: list[str], says: str
):
    status, out, err = run(capsys, *arguments, *options)
    assert status == 2
    assert out == ""
    assert says in err
    assert len(err.strip().splitlines()) == 1


def test_of_several_states_the_unreadable_one_is_named(
    capsys: pytest.CaptureFixture[str], options: list[str], tmp_path: Path
):
    bad = tmp_path / "bad.json"
    bad.write_bytes(b"\xd4\xc3\xb2\xa1\x00\xff")
    status, out, err = run(capsys, "S", "T", *options, "--state", str(bad), "--lang", "en")
    assert status == 0
    assert "bad.json" in err
    assert out.startswith("✓")
    for none in (bad, tmp_path / "absent", tmp_path):
        assert run(capsys, "S", "T", "--state", str(none))[0] == 2


@pytest.mark.parametrize("command", ["path S T", "ping --sender S"])
def test_a_state_that_is_read_is_not_written_over(
    capsys: pytest.CaptureFixture[str], options: list[str], tmp_path: Path, command: str
):
    state = tmp_path / "S.json"
    before = state.read_bytes()
    status, _, err = called(capsys, *command.split(), *options, "-o", state)
    assert (status, "S.json" in err, state.read_bytes()) == (2, True, before)


def test_a_state_may_be_what_ip_printed(capsys: pytest.CaptureFixture[str], options: list[str], tmp_path: Path):
    printed = tmp_path / "X.txt"
    printed.write_text("$ ip addr\n2: eth0: <BROADCAST,UP> mtu 1500\n    inet 10.9.0.1/24 scope global eth0\n")
    status, out, _ = run(capsys, "X", "10.0.2.9", *options, "--state", str(printed), "--lang", "en")
    assert (status, "X" in out) == (0, True)


def test_a_hostile_name_cannot_act_on_a_terminal(
    capsys: pytest.CaptureFixture[str], options: list[str], tmp_path: Path
):
    value = raws()["S"]
    value["route"][0]["dev"] = "s0\x1b[31m"
    evil = tmp_path / "E.json"
    evil.write_text(json.dumps(value))
    out = run(capsys, "E", "T", *options[2:], "--state", str(evil), "--lang", "en", "-v")[1]
    assert "\x1b" not in out


def test_every_stop_and_obstacle_has_a_sentence():
    words = table("path")
    from explain.state.tell import _OBSTACLES, _STOPS

    assert set(words["stop"]) >= _STOPS
    assert set(words["obstacle"]) >= _OBSTACLES
