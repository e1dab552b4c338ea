"""The measuring tape is held against things of known length; how long things take is no test."""

from __future__ import annotations

import sys

import labs
import measure
import pytest
import speed
from surroundings import TOP

MIB = 1 << 20


def test_memory_that_a_process_allocates_is_counted():
    seen = measure.peak_memory([sys.executable, "-c", f"import time; x = b'x' * {64 * MIB}; time.sleep(0.3)"])
    assert 64 <= seen.anonymous < 96


def test_memory_that_is_a_mapped_file_is_not_counted(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"x" * 64 * MIB)
    code = f"import mmap, time; f = open({str(file)!r}, 'rb'); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)"
    seen = measure.peak_memory([sys.executable, "-c", f"{code}; sum(m[::4096]); time.sleep(0.3)"])
    assert seen.anonymous < 32
    assert seen.resident >= 64


def test_a_command_that_fails_gives_no_figure():
    with pytest.raises(SystemExit, match="exit status 3"):
        measure.paired([sys.executable, "-c", "raise SystemExit(3)"], [sys.executable, "-c", ""], 1)


def test_the_table_goes_between_the_marks_and_nowhere_else(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{speed.BEGIN}\nold\n{speed.END}\nafter\n")
    measure.write_between_marks(page, "| new |", speed.BEGIN, speed.END)
    assert page.read_text() == f"before\n{speed.BEGIN}\n\n| new |\n\n{speed.END}\nafter\n"


def test_a_page_without_marks_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing here\n")
    with pytest.raises(SystemExit, match="no marks"):
        measure.write_between_marks(page, "| new |", speed.BEGIN, speed.END)
    assert page.read_text() == "nothing here\n"


@pytest.mark.parametrize(("page", "marks"), [("README.md", speed), ("docs/labs.md", labs)])
def test_the_pages_have_the_marks(page, marks):
    text = (TOP / page).read_text(encoding="utf-8")
    assert text.index(marks.BEGIN) < text.index(marks.END)


def test_a_comparison_takes_the_median_of_the_pairs_and_says_which_goal_was_missed():
    pairs = [(1.0, 3.0), (1.0, 2.5), (10.0, 9.0)]
    table, missed = labs.figures([("fast", pairs, 2.0), ("slow", pairs, 2.6)])
    assert table[2:] == ["| fast | 3000 ms | 1000 ms | 2.5 | 2 |", "| slow | 3000 ms | 1000 ms | 2.5 | 2.6 |"]
    assert missed == ["slow: 2.50 times less, goal more than 2.6"]
