"""A command of ``explain`` run in this process, as a person or a script would call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from explain.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable


def runs(command: str) -> Callable[..., Callable[..., tuple[int, str, str]]]:
    """A fixture that runs ``explain COMMAND ...`` in English and gives its status, output and complaints."""

    @pytest.fixture
    def explain(capsys, monkeypatch):
        for name in ("LC_ALL", "LC_MESSAGES", "LANG", "COLUMNS"):
            monkeypatch.delenv(name, raising=False)

        def run(*arguments: str) -> tuple[int, str, str]:
            with pytest.raises(SystemExit) as done:
                main([command, *arguments])
            shown = capsys.readouterr()
            return done.value.code or 0, shown.out, shown.err

        return run

    return explain
