"""Archives that strangers packed: only plain files come out, so many and so large, and only inside the folder."""

from __future__ import annotations

import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

from explain.errors import NotGradableError, reason_of
from explain.grade.hand_ins.zip_directory import lists_more_than
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_FILES = 1000
_MOST_DEPTH = 8
_LONGEST_NAME = 200
_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_BLOCK = 1 << 20
BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError,
    ValueError, OSError,
)  # fmt: skip
"""What a damaged or an unknown archive raises."""
_HAS_A_PASSWORD = 1
_LONGEST_HEADER = 1 << 20


class Entry(tarfile.TarInfo):
    """A member of a tar archive, whose header is refused where it alone would fill the memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        """What tells one kind of member from another, in every version of Python so far."""
        if not (self.isreg() or self.size <= _LONGEST_HEADER):
            raise tarfile.HeaderError("a header is longer than a name can be")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive by its name, or a damaged one."""
    return path.name.lower().endswith(_SUFFIXES)


def _is_zip(path: Path) -> bool:
    """Whether it is a zip file, or one that was cut: its directory stands at its end."""
    return zipfile.is_zipfile(path) or path.name.lower().endswith(_SUFFIXES[0])


def unpack(path: Path, into: Path, most_octets: int, *, most_files: int = _MOST_FILES, is_class: bool = False) -> None:
    """Unpack into an empty folder; the files keep their times.

    ``is_class`` is for an archive that is no student's own: the octets are then allowed to each file, and one that
    is longer is cut behind them, so that whoever wants to read it sees that it is too long.

    Raises:
        NotGradableError: it is damaged, or holds too much; the folder may then hold some of it.
    """
    try:
        room = _Room(most_octets, is_class)
        if _is_zip(path):
            _unzip(path, into, room, most_files)
        else:
            _untar(path, into, room, most_files)
    except BROKEN as error:
        # What an error of the system says holds the name of a folder, another one in every run.
        if isinstance(error, OSError) and error.errno:
            why: object = reason_of(error, "unread.not_read")
        else:
            why = visible(str(error))
        raise NotGradableError("grade.archive_broken", name=visible(path.name), why=why) from None


@dataclass(slots=True)
class _Room:
    """How much more may come out: in all, or of each file."""

    octets: int
    is_each: bool


def _unzip(path: Path, into: Path, room: _Room, most_files: int) -> None:
    if lists_more_than(path, most_files):
        raise NotGradableError("grade.archive_many", limit=most_files)
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            kind = entry.external_attr >> 28
            if entry.is_dir() or kind not in (0, 8):  # links and devices are left where they are
                continue
            if entry.flag_bits & _HAS_A_PASSWORD:
                raise NotGradableError("grade.archive_password", name=visible(path.name))
            with archive.open(entry) as source:
                _copy(source, into, entry.filename, room, _moment(entry.date_time))


def _moment(told: tuple[int, int, int, int, int, int]) -> float:
    """Seconds since 1970 of a time in a zip file, which knows no zone; 0 for one that is no time."""
    try:
        return datetime(*told).timestamp()  # noqa: DTZ001 - the archive does not say in which zone
    except (ValueError, OverflowError, OSError):
        return 0.0


def _untar(path: Path, into: Path, room: _Room, most_files: int) -> None:
    with tarfile.open(path, "r|*", tarinfo=Entry) as archive:
        for number, entry in enumerate(archive):
            if number > most_files:
                raise NotGradableError("grade.archive_many", limit=most_files)
            source = archive.extractfile(entry) if entry.isreg() else None
            if source is not None:
                _copy(source, into, entry.name, room, float(entry.mtime))


def _copy(source: object, into: Path, name: str, room: _Room, time_s: float) -> None:
    """Write one file under a name that stays inside, and take it off the room."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    is_outside = ".." in parts or name.startswith("/") or "\0" in name
    if is_outside or not parts or len(parts) > _MOST_DEPTH or any(len(part) > _LONGEST_NAME for part in parts):
        return
    target = into.joinpath(*parts)
    if target.exists():  # two names that are one here, as by case: the first stays
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    left = room.octets
    with target.open("xb") as file:
        for block in _blocks(source):
            left -= len(block)
            if left < 0 and not room.is_each:
                raise NotGradableError("grade.archive_large")
            file.write(block[: len(block) + left + 1] if left < 0 else block)
            if left < 0:
                break
    if not room.is_each:
        room.octets = left
    with suppress(OSError, OverflowError, ValueError):  # a time that no file can have
        os.utime(target, (time_s, time_s))


def _blocks(source: object) -> Iterator[bytes]:
    reader: BinaryIO = source  # type: ignore[assignment]
    while block := reader.read(_BLOCK):
        yield block


def remove(folder: Path) -> None:
    """Remove an unpacked archive."""
    shutil.rmtree(folder, ignore_errors=True)
