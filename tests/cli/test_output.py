from __future__ import annotations

import errno
import os
import stat

import pytest

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


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to("real")
    with whole_file(str(tmp_path / "link")) as file:
        file.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"x"
