"""The command, called in this process or in one of its own, as a person or a script would call it."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from explain.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable


EXPLAIN = (sys.executable, "-m", "explain")


def called(capsys: pytest.CaptureFixture[Any], *words: object) -> tuple[int, str, str]:
    """Status, output and complaints of ``explain WORDS``; the fixture may be ``capsys`` or ``capsysbinary``."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = (text.decode() if isinstance(text, bytes) else text for text in capsys.readouterr())
    return int(ended.value.code or 0), out, err


def runs(command: str) -> Callable[..., Callable[..., tuple[int, str, str]]]:
    """A fixture that runs ``explain COMMAND ...`` in English and gives its status, output and complaints."""

    @pytest.fixture
    def explain(capsys, monkeypatch):
        for name in ("LC_ALL", "LC_MESSAGES", "LANG", "COLUMNS"):
            monkeypatch.delenv(name, raising=False)
        return partial(called, capsys, command)

    return explain
