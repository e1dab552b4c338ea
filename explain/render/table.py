"""Packets or exchanges as rows for other programs: CSV, JSON Lines, Parquet."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from explain.dataframe import packets
from explain.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    import pandas as pd

    from explain.model import Report
    from explain.table import Bools

_ACTS = "=+-@\t\r"
_AT_A_TIME = 1 << 16


def check(form: str) -> None:
    """Complain early about a form that cannot be written here.

    Raises:
        MissingError: Parquet is asked for, and pyarrow is not installed.
    """
    if form == "parquet" and find_spec("pyarrow") is None:
        raise MissingError("missing.pyarrow")


def write(frame: pd.DataFrame, form: str, stream: BinaryIO) -> None:
    """Write all rows as ``csv``, ``jsonl`` or ``parquet``."""
    writers: dict[str, Callable[[pd.DataFrame, BinaryIO], None]] = {
        "csv": _write_csv, "jsonl": _write_jsonl, "parquet": _write_parquet,
    }  # fmt: skip
    writers[form](frame, stream)


def _write_csv(frame: pd.DataFrame, stream: BinaryIO) -> None:
    for start in range(0, max(len(frame), 1), _AT_A_TIME):
        part = frame.iloc[start : start + _AT_A_TIME].copy()
        for name in part.columns:
            if part[name].dtype.kind in "OTU":  # text of any version of pandas
                part[name] = [_inert(value) if isinstance(value, str) else value for value in part[name]]
        text = part.to_csv(index=False, header=start == 0, lineterminator="\n")
        stream.write(text.encode("utf-8", "backslashreplace"))


def _inert(text: str) -> str:
    """Text that no spreadsheet takes for a formula and no terminal for an order."""
    safe = f"'{text}" if text[:1] and text[0] in _ACTS else text
    if safe.isprintable():
        return safe
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in safe)


def _write_jsonl(frame: pd.DataFrame, stream: BinaryIO) -> None:
    """One object a line; what is absent is null; anything but ASCII is escaped."""
    for start in range(0, len(frame), _AT_A_TIME):
        part = frame.iloc[start : start + _AT_A_TIME]
        columns = [_json_values(part[name]) for name in part.columns]
        for values in zip(*columns, strict=True):
            row = dict(zip(part.columns, values, strict=True))
            stream.write(json.dumps(row).encode("ascii") + b"\n")


def _json_values(column: pd.Series[Any]) -> list[Any]:
    import pandas as pd

    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return [value.isoformat() for value in column]
    return [None if value is pd.NA or value != value else value for value in column.tolist()]  # noqa: PLR0124


def _write_parquet(frame: pd.DataFrame, stream: BinaryIO) -> None:
    _of_one_type(frame).to_parquet(stream, index=False, engine="pyarrow")


def _of_one_type(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns have one type in Parquet: what some kinds write as numbers and others as words becomes text."""
    known = frame.notna()
    for name in frame.columns:
        if len(set(map(type, frame[name][known[name]]))) > 1:
            frame[name] = [
                str(value) if is_known else None for value, is_known in zip(frame[name], known[name], strict=True)
            ]
    return frame


def packets_of(report: Report, wanted: Bools | None) -> pd.DataFrame:
    """The packets of a report, with the paths as they were given; without the times of inputs that have none."""
    frame = packets(report.packets, tuple(one.path for one in report.captures), wanted)
    if report.untimed:
        has_none = frame["capture"].isin(report.untimed)
        frame["time"], frame["time_ns"] = frame["time"].mask(has_none), frame["time_ns"].astype("Int64").mask(has_none)
    return frame
