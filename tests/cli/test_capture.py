from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest
from command_line import EXPLAIN
from packets import A, R, error, is_at, pcap, ping, pong, who_has
from surroundings import TOP

from explain.cli.capture import _named_form
from explain.cli.capture import capture as command
from explain.cli.language import default_language
from explain.cli.telling.tell import PLAIN

ALICE, BOB, ROUTER = "192.0.2.1", "198.51.100.1", "192.0.2.254"


@pytest.fixture
def healthy(tmp_path):
    path = tmp_path / "healthy.pcap"
    path.write_bytes(pcap(ping(ALICE, BOB, 1), pong(BOB, ALICE, 1)).getvalue())
    return str(path)


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.pcap"
    asked = ping(ALICE, BOB, 1)
    frames = who_has((A, ALICE), ROUTER), is_at((R, ROUTER), (A, ALICE)), asked, error(ROUTER, 3, 0, asked)
    path.write_bytes(pcap(*frames).getvalue())
    return str(path)


def run(*arguments, stdin=None, **environment):
    base = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    return subprocess.run(
        [*EXPLAIN, *arguments], input=stdin, capture_output=True, check=False,
        env={**base, "LANG": "C.UTF-8", **environment},
    )  # fmt: skip


def test_an_explained_failure_is_a_success_of_the_tool(broken):
    done = run(broken)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().startswith("✗ Router 192.0.2.254 knows no way to 198.51.100.1")


def test_output_off_a_terminal_has_no_colour_and_fits_eighty_columns(broken):
    text = run(broken).stdout.decode()
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_the_locale_chooses_the_language_and_an_option_overrides_it(broken):
    assert "経路を知らず" in run(broken, LC_ALL="ja_JP.UTF-8").stdout.decode()
    assert "knows no way" in run(broken, "--lang", "en", LC_ALL="ja_JP.UTF-8").stdout.decode()


def test_quiet_tells_the_verdict_only(broken):
    assert len(run(broken, "-q").stdout.decode().splitlines()) == 3


def test_json_has_every_key_of_the_contract_and_nothing_else_on_standard_output(broken):
    done = run(broken, "--json")
    report = json.loads(done.stdout)
    assert report["schema"] == "explain-report/1"
    assert {"captures", "hosts", "exchanges", "findings", "unexplained", "story"} <= set(report)
    (capture,) = report["captures"]
    assert set(capture) == {
        "path", "vantage", "format", "compression", "interfaces", "packets", "bytes", "captured_bytes", "file_bytes",
        "first_ns", "last_ns", "checksums", "damage", "is_anonymised", "comments", "untimed",
    }  # fmt: skip
    assert capture["packets"] == 4
    assert {"name", "vantage", "link_type", "link_type_name", "snaplen"} <= set(capture["interfaces"][0])
    assert set(report["findings"][0]) == {
        "cause", "certainty", "exchanges", "evidence", "rivals", "filter", "values",
    }  # fmt: skip
    said = next(one for one in report["exchanges"] if one["kind"] == "icmp.error")
    assert said["fields"]["from"] == ROUTER
    assert {"message", "text", "depth", "evidence", "exchange", "lines"} == set(report["story"][0])


def test_standard_input_is_a_dash(broken):
    with open(broken, "rb") as file:  # noqa: PTH123
        assert run("-", stdin=file.read()).stdout == run(broken).stdout


def test_standard_input_has_one_name_in_each_language_whatever_it_is_connected_to(broken, tmp_path):
    with open(broken, "rb") as file:  # noqa: PTH123
        octets = file.read()
    (cut := tmp_path / "cut").write_bytes(octets[:-9])
    with cut.open("rb") as file:
        done = subprocess.run([*EXPLAIN, "-", "--lang", "ja"], stdin=file, capture_output=True, text=True, check=True)
    assert done.stderr.startswith("explain: 標準入力の先頭から")
    assert "標準入力は先頭から" in done.stdout
    assert b"standard input is damaged" in run("-", stdin=octets[:-9]).stdout
    for more in "", "--json":
        closed = subprocess.run(
            ["sh", "-c", f'"$@" - {more} <&-', "sh", *EXPLAIN],
            env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert closed.stderr == "explain: standard input: the file is empty\n"


@pytest.mark.parametrize("words", ["packet {} 1", "annotate {} -o new", "{} -q --second-opinion"])
def test_a_pipe_that_would_have_to_be_read_twice_is_refused_as_standard_input_is(broken, tmp_path, words):
    script = f"cat {broken} | {shlex.join(EXPLAIN)} {words.format('/dev/fd/0')}"
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "reads the" in done.stderr or "a stream is gone once it is read" in done.stderr, done.stderr
    assert done.returncode == (0 if "opinion" in words else 2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("cause", "qqqq"), "see explain cause"),
        (("word", "qqqq"), "see explain word"),
        (("lab", "show", "qqqq"), "see explain lab list"),
        (("grade", "events", "qqqq"), "see explain grade events"),
        (("grade", "lint", "{}"), "not UTF-8 at octet 2"),
        (("{}", "--check", "{}"), "not UTF-8 at octet 2"),
        (("{}", "--host", "www.example.com"), "give addresses such as"),
    ],
)
def test_an_error_says_what_to_do(broken, words, told):
    done = run(*(word.format(broken) for word in words))
    assert (done.returncode, told in done.stderr.decode()) == (2, True), done.stderr


@pytest.mark.parametrize("option", ["--only", "--host"])
def test_a_selection_of_nothing_is_no_selection_of_everything(broken, option):
    done = run(broken, option, "")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith(f"explain: {option} '': ")


def test_what_comes_from_standard_input_is_held_against_a_good_file(broken):
    with open(broken, "rb") as file:  # noqa: PTH123
        done = run("-q", "--against", broken, "-", stdin=file.read())
    assert (done.returncode, "nothing that matters differs" in done.stdout.decode()) == (0, True)


def test_a_selection_keeps_frame_numbers_and_ids_and_never_the_captures(broken):
    whole, chosen = (json.loads(run(broken, "--json", *more).stdout) for more in ((), ("--only", "icmp.error")))
    assert [one for one in whole["exchanges"] if one["kind"] == "icmp.error"] == chosen["exchanges"]
    assert whole["captures"] == chosen["captures"]


@pytest.mark.parametrize(
    ("selection", "kinds"),
    [
        (("--host", BOB), ["icmp.echo", "icmp.error"]),
        (("--host", f"{BOB},{ROUTER}"), ["arp.resolution", "icmp.echo", "icmp.error"]),
        (("--host", "192.0.2.77"), []),
        (("--between", "0", "0.0005"), ["arp.resolution"]),
        (("--only", "icmp"), ["icmp.echo", "icmp.error"]),
        (("--port", "80"), []),
        (("--port", "0"), []),
        (("--only", "icmp.error,"), ["icmp.error"]),
        (("--host", "[fe80::1%eth0]"), []),
    ],
)
def test_selections_choose_exchanges_and_say_so_where_they_choose_none(broken, selection, kinds):
    report = json.loads(run(broken, "--json", *selection).stdout)
    assert [one["kind"] for one in report["exchanges"]] == kinds
    assert (report["story"][0]["message"] == "story.nothing-chosen") == (not kinds)


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path):
    done = run(str(tmp_path / "none.pcap"))
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert done.stdout == b""


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("pakcet", " (did you mean the command packet?)"),
        ("lba", " (did you mean the command lab?)"),
        ("help", " (did you mean --help?)"),
        ("doctor", " (did you mean explain lab doctor?)"),
        ("lo", " (did you mean explain -i lo?)"),
        ("2001:db8::1", " (did you mean explain ping 2001:db8::1?)"),
        ("none.pcap", ""),
    ],
)
def test_a_misspelt_command_is_a_file_that_is_not_there_and_the_command_is_named(word, hint, healthy):
    line = f"explain: {word}: no such file or directory{hint}\n"
    assert run(word, "3").stderr.decode().startswith(line)
    assert run(word, healthy).stderr.decode() == line


def test_of_several_inputs_the_unreadable_one_is_named_and_the_rest_explained(healthy, tmp_path):
    done = run(healthy, str(tmp_path / "none.pcap"))
    assert done.returncode == 0
    assert b"none.pcap" in done.stderr
    assert b"Nothing failed" in done.stdout


def test_a_damaged_file_is_explained_up_to_the_damage_and_named_with_its_offset(healthy, tmp_path):
    with open(healthy, "rb") as file:  # noqa: PTH123
        data = file.read()
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(data[:-10])
    done = run(str(cut), "--json")
    assert done.returncode == 0
    (capture,) = json.loads(done.stdout)["captures"]
    assert capture["packets"] == 1
    assert str(capture["damage"]["offset"]) in done.stderr.decode()


def test_an_output_file_appears_whole_or_not_at_all(broken, tmp_path):
    target = tmp_path / "story.txt"
    done = run(broken, "-o", str(target))
    assert (done.returncode, done.stdout) == (0, b"")
    assert target.read_bytes() == run(broken).stdout
    failed = run(broken, "-o", str(tmp_path / "no" / "where.txt"))
    assert failed.returncode == 2
    assert failed.stderr.decode().count("\n") == 1


def test_the_same_vantage_point_twice_is_a_usage_error(healthy, broken):
    assert run(f"a={healthy}", f"a={broken}").returncode == 2


def test_a_vantage_point_gets_its_name(healthy):
    report = json.loads(run(f"lan={healthy}", "--json").stdout)
    assert report["captures"][0]["vantage"] == "lan"


def test_expectations_that_are_met_exit_zero_and_others_one(broken, tmp_path):
    expected = tmp_path / "expected.toml"
    expected.write_text(
        'schema = 1\n[[exchange]]\nkind = "icmp.echo"\noutcome = "refused"\n[[exchange]]\nkind = "icmp.error"\n'
        'outcome = "net-unreachable"\ncount = 1\n[[finding]]\ncause = "no-route-on-router"\n'
    )
    assert run(broken, "--check", str(expected)).returncode == 0
    expected.write_text('schema = 1\n[[exchange]]\nkind = "icmp.echo"\noutcome = "answered"\n')
    done = run(broken, "--check", str(expected))
    assert done.returncode == 1
    assert b"not expected: no-route-on-router" in done.stderr
    assert b"expected at least one: icmp.echo answered; seen: none" in done.stderr


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ('{about = {protocol = "icmp", dst = "198.51.100.1"}}', 0),
        ('{"about.protocol" = "icmp", type = 3}', 0),
        ('{about = {protocol = "icmp", dst = "198.51.100.2"}}', 1),
        ("{about = {nothing = 1}}", 1),
    ],
)
def test_a_record_is_expected_as_a_table_or_by_dots(broken, tmp_path, where, status):
    expected = tmp_path / "expected.toml"
    expected.write_text(
        'schema = 1\n[[exchange]]\nkind = "icmp.echo"\nany_of = ["refused", "unanswered"]\n'
        '[[finding]]\nany_of = ["no-route-on-router", "router-interface-down"]\n'
        f'[[exchange]]\nkind = "icmp.error"\nwhere = {where}\n'
    )
    assert run(broken, "--check", str(expected)).returncode == status


@pytest.mark.parametrize(
    ("ways", "status", "lacks"),
    [
        (("unanswered", "echo-unanswered"), 1, b"expected at least one: icmp.echo answered"),
        (("refused", "no-route-on-router"), 0, b""),
    ],
)
def test_one_of_several_endings_of_the_whole_file_must_be_seen(broken, tmp_path, ways, status, lacks):
    expected = tmp_path / "expected.toml"
    endings = (("answered", "icmp-redirect"), ways)
    expected.write_text(
        'schema = 1\n[[exchange]]\nkind = "icmp.error"\noutcome = "net-unreachable"\n'
        + "".join(
            f'[[any_of]]\nexchange = [{{kind = "icmp.echo", outcome = "{outcome}"}}]\n'
            f'finding = [{{cause = "{cause}"}}]\n'
            for outcome, cause in endings
        )
    )
    done = run(broken, "--check", str(expected))
    assert done.returncode == status
    assert lacks in done.stderr


UNKNOWN = (
    "any_of]]\ncause = 3\n",
    "any_of]]\nexchange = 3\n",
    "exchange]]\nany_of = 3\n",
    "exchange]]\nwhere = 3\n",
    'exchange]]\nkind = "icmp.ecko"\n',
    'exchange]]\nany_of = [{kind = "icmp"}]\n',
    'finding]]\ncause = "no-rout"\n',
)


@pytest.mark.parametrize(
    "content", [None, "schema = ", "schema = 1\nexchanges = 1\n", *(f"schema = 1\n[[{one}" for one in UNKNOWN)]
)
def test_expectations_that_cannot_be_read_are_said_before_anything_is_told(broken, tmp_path, content):
    expected = tmp_path / "expected.toml"
    if content:
        expected.write_text(content)
    done = run(broken, "--check", str(expected))
    assert (done.returncode, done.stdout) == (2, b"")
    assert f"explain: {expected}".encode() in done.stderr


def test_a_closed_pipe_is_silent_and_says_141(broken):
    process = subprocess.Popen([*EXPLAIN, broken, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


@pytest.mark.parametrize("how", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_reader_that_goes_away_in_the_middle_of_a_long_text_is_noticed(how):
    """More than a pipe holds; without a buffer Python writes a part of it and calls that done."""
    long = str(TOP / "pcaps" / "tcp-retransmission" / "capture.pcapng")
    process = subprocess.Popen(
        [*EXPLAIN, long, "--format", "html"], stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": how},
    )  # fmt: skip
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait() == 141


@pytest.mark.parametrize(
    ("words", "status"), [('"$1" >&-', 0), ('"$1" -o "$1.txt" >&- 2>&-', 0), ("- <&-", 2), ('"$1.none" >&- 2>&-', 2)]
)
def test_streams_that_were_closed_before_are_no_reason_to_fail(words, status, healthy):
    line = f"{sys.executable} -m explain {words}"
    done = subprocess.run(["sh", "-c", line, "sh", healthy], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


def test_an_unknown_option_is_a_usage_error(healthy):
    assert run(healthy, "--nonsense").returncode == 2


def test_no_arguments_is_a_usage_error():
    assert run().returncode == 2


def test_text_of_a_path_cannot_steer_the_terminal(tmp_path):
    done = run(str(tmp_path / "\x1b[31m.pcap"))
    assert b"\x1b" not in done.stderr


def test_without_options_the_story_is_that_of_the_options_nobody_gave():
    with command.make_context("explain", ["a.pcap"]) as context:
        understood = context.params
    assert understood.pop("files") == ("a.pcap",)
    assert understood.pop("lang") == default_language()
    assert understood | {"form": _named_form(understood)} == PLAIN


@pytest.mark.parametrize(
    ("name", "more", "begin"),
    [
        ("a.html", (), "<!DOCTYPE html>"), ("a.HTM", ("-q",), "<!DOCTYPE html>"), ("a.md", (), "# ✗ Router"),
        ("a.json", (), "{"), ("a.txt", (), "✗ Router"), ("a.html", ("--json",), "{"), ("a.md", ("--ladder",), "✗"),
        ("a.html", ("--format", "terminal"), "✗ Router"),
    ],
)  # fmt: skip
def test_the_name_of_the_output_means_its_form_where_no_other_is_asked_for(broken, tmp_path, capsys, name, more, begin):
    from explain.cli import main

    with pytest.raises(SystemExit) as ended:
        main([broken, "-o", str(tmp_path / name), "--lang", "en", *more])
    assert (ended.value.code, capsys.readouterr()) == (0, ("", ""))
    assert (tmp_path / name).read_text().startswith(begin)


def test_a_file_in_the_place_of_the_second_moment_is_named(broken):
    done = run("--between", "10", broken)
    assert (done.returncode, done.stderr.decode().partition(": neither")[0]) == (2, f"explain: --between {broken}")
