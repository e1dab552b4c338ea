"""Loads filter rules through libnftables, which takes a fraction of the time of the command; else by the command.

Source: libnftables(3).
"""

from __future__ import annotations

import ctypes
import re
import subprocess

from explain.errors import ExplainError, MissingError

_PLACE = re.compile(r"/dev/stdin:(\d+):(\d+)(?:-\d+)?: (?:Error: )?")


def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libnftables.so.1")
    except OSError:
        return None
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_new.argtypes = [ctypes.c_uint32]
    library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error", "nft_ctx_free", "nft_ctx_get_error_buffer"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return library


def load(rules: str, node: str) -> None:
    """Load rules into the network namespace of the calling thread.

    Args:
        rules: in nft's language.
        node: for the complaint.

    Raises:
        ExplainError: nft does not understand the rules; its own words are passed on.
        MissingError: neither library nor command is here.
    """
    library = _library()
    if library is None:
        _load_by_command(rules, node)
        return
    context = library.nft_ctx_new(0)
    try:
        library.nft_ctx_buffer_error(context)
        library.nft_ctx_buffer_output(context)
        if library.nft_run_cmd_from_buffer(context, rules.encode()) != 0:
            complaint = (library.nft_ctx_get_error_buffer(context) or b"").decode(errors="replace")
            raise ExplainError("lab.nft", node=node, said=_first(_with_line(rules) or complaint))
    finally:
        library.nft_ctx_free(context)


def _load_by_command(rules: str, node: str) -> None:
    try:
        done = subprocess.run(["nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise MissingError("missing.nft") from None
    if done.returncode:
        raise ExplainError("lab.nft", node=node, said=_first(done.stderr))


def _with_line(rules: str) -> str:
    """What the command says of the same rules, which names the line that the library does not; empty without it."""
    try:
        return subprocess.run(["nft", "-c", "-f", "-"], input=rules, capture_output=True, text=True, check=False).stderr
    except FileNotFoundError:
        return ""


def _first(complaint: str) -> str:
    """What nft says first, with line and column and the line itself; a pointer is below, and what follows from it."""
    first, *rest = complaint.strip().splitlines()[:2] or [""]
    if not (found := _PLACE.match(first)):
        return first
    return ": ".join([f"{found[1]}:{found[2]}", first[found.end() :], *(line.strip() for line in rest)])
