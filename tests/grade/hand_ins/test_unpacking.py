"""What is read of an archive or a folder before anybody knows whether it is too much."""

from __future__ import annotations

import itertools
import os
import tracemalloc
import zipfile
from contextlib import contextmanager
from types import SimpleNamespace

import hostile
import pytest

from explain.errors import UsageError
from explain.grade.hand_ins import submissions, unpacking
from explain.grade.hand_ins.class_archive import opened
from explain.grade.hand_ins.submissions import files_below
from explain.grade.hand_ins.unpacking import unpack
from explain.grade.hand_ins.zip_directory import lists_more_than
from explain.grade.running.grading import NotGradableError

MEBI = 1 << 20
RUBRIC = SimpleNamespace(captures={"h1": "lab.pcap"}, limits=SimpleNamespace(octets=MEBI))


@contextmanager
def held_less_than(octets):
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < octets


def written(folder, octets, name="a.zip"):
    path = folder / name
    path.write_bytes(octets)
    return path


@pytest.mark.parametrize("number", [30_000, pytest.param(1_000_000, marks=pytest.mark.full)])
def test_a_zip_of_too_many_files_is_refused_before_they_are_listed(tmp_path, number):
    path = written(tmp_path, hostile.listing(number))
    with held_less_than(MEBI), pytest.raises(NotGradableError, match="more than 1000 files"):
        unpack(path, tmp_path / "into", MEBI)


@pytest.mark.full
def test_a_zip_of_a_million_files_is_no_class_and_costs_the_collector_no_memory(tmp_path):
    path = written(tmp_path, hostile.listing(1_000_000))
    with held_less_than(MEBI):
        assert opened(RUBRIC, path, lambda _: None) is None


@pytest.mark.parametrize("before", [b"", b"MZ" * 5000])
@pytest.mark.parametrize("number", [0, 1, 7, 70_000])
def test_the_files_of_a_zip_are_counted_as_a_reader_finds_them(tmp_path, before, number):
    made = hostile.listing(number) if number > 1000 else hostile.zipped(*((f"{n}", b"x") for n in range(number)))
    path = written(tmp_path, before + made)
    assert not lists_more_than(path, number)
    assert lists_more_than(path, number - 1)


@pytest.mark.parametrize("made", [b"", b"PK", b"PK\5\6", b"PK\5\6" + b"\xff" * 18, bytes(100), b"PK\1\2" * 40])
def test_what_is_no_zip_lists_nothing(tmp_path, made):
    assert not lists_more_than(written(tmp_path, made), 0)


def test_the_header_of_a_tar_cannot_fill_the_memory_of_whoever_looks_for_a_class_in_it(tmp_path):
    path = written(tmp_path, hostile.big_header(), "a.tar.gz")
    with held_less_than(4 * MEBI):
        assert opened(RUBRIC, path, lambda _: None) is None


def test_a_folder_is_read_no_further_than_a_submission_may_go(tmp_path, monkeypatch):
    written(tmp_path, b"")
    with os.scandir(tmp_path) as entries:
        one = next(entries)
    read = itertools.count()

    @contextmanager
    def without_end(_):
        yield (one for _ in read)

    monkeypatch.setattr(submissions.os, "scandir", without_end)
    with pytest.raises(UsageError, match="more than 2000 files"):
        files_below([tmp_path])
    assert next(read) < 2100


def test_files_in_many_folders_are_counted_together(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}").mkdir()
        for at in range(700):
            (tmp_path / f"{number}" / f"{at}").touch()
    with pytest.raises(UsageError, match="more than 2000 files"):
        files_below([tmp_path])
    (tmp_path / "0" / "0").unlink()
    for at in range(100, 200):
        (tmp_path / "1" / f"{at}").unlink()
    assert len(files_below([tmp_path])) == 1999


def test_a_disk_without_room_is_no_fault_of_the_archive_and_told_in_words(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lab.pcap", b"x")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unpacking, "_copy", full)
    with pytest.raises(NotGradableError) as told:
        unpacking.unpack(path, tmp_path / "out", 100)
    assert str(told.value).endswith("a.zip cannot be unpacked: no space left on device")
