"""An archive that holds a whole class, as learning platforms export it."""

from __future__ import annotations

import atexit
import tarfile
import zipfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from explain.grade.hand_ins.layouts import METADATA, owner
from explain.grade.hand_ins.unpacking import BROKEN, Entry, is_archive, unpack
from explain.grade.hand_ins.work_folder import work_folder
from explain.grade.hand_ins.zip_directory import lists_more_than

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from explain.grade.rubric.records import Rubric

_MOST_FILES = 200_000
_UNTIL_THE_END = ExitStack()
atexit.register(_UNTIL_THE_END.close)


def opened(rubric: Rubric, path: Path, row_of: Callable[[str], int | None]) -> Path | None:
    """The folder that holds what a class handed in, unpacked until the program ends; None for one student's archive.

    ``row_of`` is the student of the roster that a name stands for.  A file that is larger than a submission may be
    is cut behind that, so that it costs its student alone.
    """
    if not is_archive(path):
        return None
    names = _names(path)
    root = _root(names)
    inner = [PurePosixPath(*one.parts[len(root.parts) :]) for one in names]
    rows = {row_of(first) for first in dict.fromkeys(one.parts[0] for one in inner)} - {None}
    is_told = len(rows) > 1 or (bool(rows) and row_of(path.name) is None)
    if not is_told and not _is_export(rubric, inner):
        return None
    into = _UNTIL_THE_END.enter_context(work_folder())
    unpack(path, into, rubric.limits.octets, most_files=_MOST_FILES, is_class=True)
    return into / root


def _names(path: Path) -> list[PurePosixPath]:
    try:
        if zipfile.is_zipfile(path):
            if lists_more_than(path, _MOST_FILES):
                return []
            with zipfile.ZipFile(path) as archive:
                names = [one.filename for one in archive.infolist() if not one.is_dir()]
        else:
            with tarfile.open(path, "r|*", tarinfo=Entry) as stream:
                names = list(_listed(stream))
    except BROKEN:
        return []
    found = (PurePosixPath(*(part for part in PurePosixPath(one).parts if part not in ("/", "."))) for one in names)
    return [one for one in found if one.parts and not one.parts[0].startswith((".", "__MACOSX"))]


def _listed(stream: tarfile.TarFile) -> Iterator[str]:
    for _, one in zip(range(_MOST_FILES), stream, strict=False):
        stream.members.clear()  # type: ignore[attr-defined] # else all that was read is kept
        if one.isreg():
            yield one.name


def _root(names: Sequence[PurePosixPath]) -> PurePosixPath:
    """The one folder that everything is in, if there is one and it is nobody's."""
    firsts = {one.parts[0] for one in names}
    only = next(iter(firsts)) if len(firsts) == 1 else ""
    is_folder = bool(only) and all(len(one.parts) > 1 for one in names) and ".." not in only and owner(only) is None
    return PurePosixPath(only) if is_folder else PurePosixPath()


def _is_export(rubric: Rubric, names: Sequence[PurePosixPath]) -> bool:
    """Whether it holds what a platform exports, or one wanted file in several folders."""
    firsts = {one.parts[0] for one in names if one.parts}
    if METADATA in firsts or any(owner(one) is not None for one in firsts):
        return True
    wanted = {one.casefold() for one in rubric.captures.values()}
    where: dict[str, set[str]] = defaultdict(set)
    for one in names:
        if len(one.parts) > 1 and one.name.casefold() in wanted:
            where[one.name.casefold()].add(one.parts[0])
    return any(len(one) > 1 for one in where.values())
