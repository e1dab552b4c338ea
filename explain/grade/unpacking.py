"""Archives that strangers packed: only plain files come out, so many and so large, and only inside the folder."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from typing import TYPE_CHECKING, BinaryIO

from explain.grade.grading import NotGradableError
from explain.words.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MOST_FILES = 1000
_MOST_DEPTH = 8
_LONGEST_NAME = 200
_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_BLOCK = 1 << 20
_HAS_A_PASSWORD = 1


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive, by its name and its content."""
    name = path.name.lower()
    return name.endswith(_SUFFIXES) and (zipfile.is_zipfile(path) or name.endswith(_SUFFIXES[1:]))


def unpack(path: Path, into: Path, most_octets: int) -> None:
    """Unpack into an empty folder.

    Raises:
        NotGradableError: it is damaged, or holds too much; the folder may then hold some of it.
    """
    try:
        if zipfile.is_zipfile(path):
            _unzip(path, into, most_octets)
        else:
            _untar(path, into, most_octets)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
    ) as error:
        # What an error of the system says holds the name of a folder, another one in every run.
        why = (error.strerror or "it cannot be read").lower() if isinstance(error, OSError) and error.errno else error
        raise NotGradableError(f"the archive {visible(path.name)} cannot be unpacked: {visible(str(why))}") from None


def _unzip(path: Path, into: Path, room: int) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        _few(len(entries))
        for entry in entries:
            kind = entry.external_attr >> 28
            if entry.is_dir() or kind not in (0, 8):  # links and devices are left where they are
                continue
            if entry.flag_bits & _HAS_A_PASSWORD:
                raise NotGradableError(f"the archive {visible(path.name)} has a password")
            with archive.open(entry) as source:
                room = _copy(source, into, entry.filename, room)


def _untar(path: Path, into: Path, room: int) -> None:
    with tarfile.open(path, "r|*") as archive:
        for number, entry in enumerate(archive):
            _few(number)
            source = archive.extractfile(entry) if entry.isreg() else None
            if source is not None:
                room = _copy(source, into, entry.name, room)


def _few(number: int) -> None:
    if number > _MOST_FILES:
        raise NotGradableError(f"the archive holds more than {_MOST_FILES} files")


def _copy(source: object, into: Path, name: str, room: int) -> int:
    """Write one file under a name that stays inside; what is left of the room."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    is_outside = ".." in parts or name.startswith("/") or "\0" in name
    if is_outside or not parts or len(parts) > _MOST_DEPTH or any(len(part) > _LONGEST_NAME for part in parts):
        return room
    target = into.joinpath(*parts)
    if target.exists():  # two names that are one here, as by case: the first stays
        return room
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        for block in _blocks(source):
            room -= len(block)
            if room < 0:
                raise NotGradableError("the archive unpacks to more than is allowed")
            file.write(block)
    return room


def _blocks(source: object) -> Iterator[bytes]:
    reader: BinaryIO = source  # type: ignore[assignment]
    while block := reader.read(_BLOCK):
        yield block


def remove(folder: Path) -> None:
    """Remove an unpacked archive."""
    shutil.rmtree(folder, ignore_errors=True)
