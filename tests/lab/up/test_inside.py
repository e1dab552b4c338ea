from __future__ import annotations

import os
import signal
import threading
from types import SimpleNamespace

from explain.lab.up import inside

LIVE = SimpleNamespace(name="router", nodes=("h1", "r1"))


def complain(error):
    os.write(2, error.told("ja").encode())


def test_what_is_in_the_way_of_a_command_is_told_in_the_language_of_its_run(capfd, monkeypatch):
    assert inside.run_inside(LIVE, "r2", ["true"], {}, complain) == 2
    assert "router に r2 というノードはない" in capfd.readouterr().err
    monkeypatch.setattr(inside, "enter", lambda *_: None)
    monkeypatch.setattr(inside.os, "execvpe", lambda *_: (_ for _ in ()).throw(FileNotFoundError))
    assert inside.run_inside(LIVE, "r1", ["emacs"], {}, complain) == 127
    assert "emacs: このようなコマンドはない" in capfd.readouterr().err


def test_who_ends_the_command_that_runs_a_command_in_a_node_ends_that_one_too(monkeypatch):
    monkeypatch.setattr(inside, "enter", lambda *_: None)
    threading.Timer(0.1, signal.pthread_kill, (threading.get_ident(), signal.SIGTERM)).start()
    path = {"PATH": os.environ["PATH"]}
    assert inside.run_inside(LIVE, "r1", ["sleep", "60"], path, complain) == 128 + signal.SIGTERM
