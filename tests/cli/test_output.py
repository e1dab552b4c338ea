from __future__ import annotations

import errno
import itertools
import json
import os
import pty
import re
import stat
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from command_line import EXPLAIN, called
from surroundings import TOP

from explain.cli import main
from explain.cli.output import whole_file
from explain.errors import InputError


def test_a_file_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "report.txt"
    with whole_file(str(target)) as file:
        file.write(b"x")
        assert not target.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report.txt"]
    assert target.read_bytes() == b"x"


def test_a_full_disk_leaves_what_was_there_and_says_so_in_one_line(tmp_path):
    target = tmp_path / "report.txt"
    target.write_bytes(b"old")
    with pytest.raises(InputError, match=r"report\.txt: no space left on device$"), whole_file(str(target)) as file:  # noqa: PT012
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_folder_that_is_not_there_is_named_as_the_user_named_it(tmp_path):
    with pytest.raises(InputError) as caught, whole_file(str(tmp_path / "no" / "x")):
        pass
    assert str(caught.value) == f"{tmp_path / 'no' / 'x'}: no such file or directory"


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InputError, match="is a directory"), whole_file(str(tmp_path)):
        pass


def test_a_device_is_written_and_not_replaced():
    with whole_file("/dev/null") as file:
        file.write(b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116


def test_a_dash_is_standard_output_and_no_file(tmp_path, monkeypatch, capsysbinary):
    monkeypatch.chdir(tmp_path)
    capture = TOP / "pcaps" / "healthy" / "sender.pcap"
    for words in (("-q", capture), ("table", capture)):
        status, out, err = called(capsysbinary, *words, "-o", "-")
        assert (status, bool(out), err) == (0, True, "")
    assert called(capsysbinary, "-w", "-", "--anonymise", capture)[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_standard_output_goes_to_keeps_what_others_wrote(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"before\n")
    command = [*EXPLAIN, "-q", "-o", "/dev/stdout", str(TOP / "pcaps" / "healthy" / "sender.pcap")]
    with log.open("ab") as file:
        subprocess.run(command, stdout=file, check=True)
        file.write(b"after\n")
    lines = log.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert "Nothing failed" in lines[1]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to("real")
    with whole_file(str(tmp_path / "link")) as file:
        file.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"x"


FORMS = (["--format", "html"], ["--json"], ["--ladder"], ["--anonymise", "--format", "markdown"])
CASE = str(TOP / "pcaps" / "nat-tcp" / "capture.pcapng")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", ["/dev/full", "/no/such/folder/x", "/proc/x", "/"])
def test_no_form_can_be_written_where_nothing_can_and_one_line_says_why(form, target, capsys):
    status, out, err = called(capsys, *form, CASE, "-o", target)
    assert err.startswith(f"explain: {target}: ")
    assert (status, out, err.count("\n")) == (2, "", 1)


def test_two_forms_that_are_asked_for_at_once_exclude_each_other(capsys):
    assert called(capsys, "--json", "--format", "html", CASE) == (
        2, "", "explain: --json and --format html exclude each other\n"
    )  # fmt: skip
    assert called(capsys, "--json", "--format", "json", CASE)[0] == 0
    assert "--inside and --second-opinion exclude" in called(capsys, "--inside", "--second-opinion", CASE)[2]


@pytest.mark.parametrize(
    "command",
    [
        ["{}", "-o", "{link}"], ["-q", "a={}", "-o", "{}"], [CASE, "--against", "{}", "-o", "{}"],
        ["--anonymise", "-w", "{}", "{}"], ["table", "{}", "-o", "{}"], ["annotate", "{}", "-o", "{}"],
    ],
)  # fmt: skip
def test_no_command_writes_over_what_it_reads(command, tmp_path, capsys):
    capture = tmp_path / "mine.pcapng"
    capture.write_bytes(Path(CASE).read_bytes())
    (tmp_path / "link").symlink_to(capture)
    status, _, err = called(capsys, *(word.format(capture, link=tmp_path / "link") for word in command))
    assert status == 2
    assert "this is read as an input" in err
    assert capture.read_bytes() == Path(CASE).read_bytes()


def test_a_full_standard_output_is_said_in_one_line():
    for arguments, how in itertools.product((["-q"], ["--json"], ["--format", "html"]), ("", "1")):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [*EXPLAIN, *arguments, CASE], stdout=full, stderr=subprocess.PIPE, check=False,
                env={**os.environ, "PYTHONUNBUFFERED": how},
            )  # fmt: skip
        assert (done.returncode, done.stderr.decode()) == (2, "explain: standard output: no space left on device\n")


@pytest.mark.needs("root", "unshare", "namespaces")
def test_a_disk_that_fills_up_keeps_no_half_written_file(tmp_path):
    script = f"""
        mount -t tmpfs -o size=16k none {tmp_path}
        {sys.executable} -m explain --format html {CASE} -o {tmp_path}/report.html; echo $?
        {sys.executable} -m explain annotate {CASE} -o {tmp_path}/new.pcapng; echo $?
        ls -A {tmp_path} | wc -l
    """
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False, cwd=TOP)
    assert done.stdout.split() == ["2", "2", "0"], done.stderr
    assert done.stderr.count("no space left on device\n") == done.stderr.count("\n") == 2


def test_too_little_memory_is_no_bug_and_says_what_helps(monkeypatch, capsys):
    def no_room(_files):
        raise MemoryError

    monkeypatch.setattr("explain.cli._tell", no_room)
    with pytest.raises(SystemExit) as ended:
        main(["some.pcap"])
    assert ended.value.code == 2
    assert "not enough memory" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("word", "--json", "STALE"), ("word", "--lang", "ja", "STALE"), ("lab", "list", "--json")]
)
def test_a_terminal_that_lacks_the_characters_ends_nothing(words):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*EXPLAIN, *words], env=environment, capture_output=True, check=True)
    assert done.stderr == b""
    if "--json" in words:
        json.loads(done.stdout.decode())


def test_a_terminal_without_colour_is_as_narrow_as_before():
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 40))
    command = [*EXPLAIN, "ping", "-q", "--text", str(TOP / "pcaps" / "no-route-on-router" / "ping.txt")]
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    environment.pop("COLUMNS", None)
    subprocess.run(command, env=environment, stdout=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "\x1b[3" not in shown
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines())) <= 40
