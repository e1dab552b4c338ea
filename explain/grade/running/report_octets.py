"""A report as octets, to be read again by the same version of this package.

Inner functions, which make the view of an exchange, are named by where their code stands in this package; no code is
written down.  Reading allows nothing but the records of this package and what arrays are made of, so that a file
that somebody put there cannot act.
"""

from __future__ import annotations

import copyreg
import functools
import importlib
import io
import pickle
from types import CellType, CodeType, FunctionType
from typing import TYPE_CHECKING, Any
from zlib import compress, decompress
from zlib import error as ZlibError  # noqa: N812 - an exception's name

from explain.exchanges.columns import ExchangeColumns

if TYPE_CHECKING:
    from explain.model import Report

_ROOMS = (
    "model", "addresses", "flows", "table", "side_tables", "capture", "decode", "places", "exchanges", "causes",
    "story", "render", "grade",
)  # fmt: skip
"""Rooms of which a report has records and functions."""
_ALLOWED = {
    "builtins": {"set", "frozenset", "bytearray", "complex", "range", "slice", "dict", "list", "tuple", "int", "str"},
    "collections": {"defaultdict", "OrderedDict", "deque", "Counter"},
    "functools": {"partial"},
    "ipaddress": {"IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network"},
    "numpy": {"ndarray", "dtype"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "numpy.core.numeric": {"_frombuffer"},
}
_MOST = 1 << 30


def octets_of(report: Report) -> bytes:
    """The report as octets.

    Raises:
        pickle.PicklingError: something in it is neither data nor code of this package.
    """
    out = io.BytesIO()
    try:
        _Writer(out, pickle.HIGHEST_PROTOCOL).dump(report)
    except (TypeError, AttributeError) as error:
        raise pickle.PicklingError(str(error)) from None
    return compress(out.getvalue(), 1)


def report_of(octets: bytes) -> Report | None:
    """The report, None where this is none of this version."""
    try:
        found: Report = _Reader(io.BytesIO(decompress(octets))).load()
    except (ZlibError, pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError,
            ValueError):  # fmt: skip
        return None
    return found


class _Writer(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        """Inner functions and what caches their results, by name; all else as usual."""
        is_cache = isinstance(obj, functools._lru_cache_wrapper)  # noqa: SLF001
        if is_cache and "<locals>" in getattr(obj, "__qualname__", "<locals>"):  # what caches a partial has no name
            return _cached, (obj.__wrapped__,)
        if isinstance(obj, FunctionType) and "<locals>" in obj.__qualname__:
            cells = tuple(cell.cell_contents for cell in obj.__closure__ or ())
            return _inner, (obj.__module__, _path_of(obj), cells, obj.__defaults__)
        if isinstance(obj, ExchangeColumns):  # which gives up what is still to be looked for, to be read by anybody
            return copyreg.__newobj__, (ExchangeColumns,), obj.__getstate__()  # type: ignore[attr-defined]
        return NotImplemented


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """What may be named in a file."""
        if name in _ALLOWED.get(module, ()):
            return super().find_class(module, name)
        if _is_ours(module) and "." not in name:
            found = super().find_class(module, name)
            if _is_ours(getattr(found, "__module__", "")):  # and not what a module of ours imports
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a report")


def _is_ours(module: str) -> bool:
    first, *rest = module.split(".")
    return first == "explain" and bool(rest) and rest[0] in _ROOMS


def _cached(function: Any) -> Any:
    return functools.cache(function)


def _inner(module: str, path: tuple[str | int, ...], cells: tuple[Any, ...], defaults: tuple[Any, ...] | None) -> Any:
    """An inner function of this package, from where its code stands."""
    if not _is_ours(module):
        raise pickle.UnpicklingError(f"{module} is no part of this package")
    outer: Any = importlib.import_module(module)
    names = [step for step in path if isinstance(step, str)]
    for name in names:
        outer = getattr(outer, name)
    code = outer.__code__
    for step in path[len(names) :]:
        code = code.co_consts[step]
    return FunctionType(code, outer.__globals__, code.co_name, defaults, tuple(CellType(one) for one in cells))


def _path_of(function: FunctionType) -> tuple[str | int, ...]:
    """Names that lead to the outermost function, then which constant of each code is the next one."""
    names = tuple(function.__qualname__.partition(".<locals>")[0].split("."))
    outer: Any = importlib.import_module(function.__module__)
    for name in names:
        outer = getattr(outer, name)
    steps = _within(getattr(outer, "__wrapped__", outer).__code__, function.__code__)
    if steps is None:
        raise pickle.PicklingError(f"{function.__qualname__} is not where its name says")
    return (*names, *steps)


def _within(code: CodeType, wanted: CodeType) -> tuple[int, ...] | None:
    for at, constant in enumerate(code.co_consts):
        if constant is wanted:
            return (at,)
        inner = _within(constant, wanted) if isinstance(constant, CodeType) else None
        if inner is not None:
            return (at, *inner)
    return None
