"""Arguments in, exit status out.  One file or folder a command; nothing here knows a protocol."""

from __future__ import annotations

import os
import sys

try:
    import atexit
    import gc
    import io
    from contextlib import suppress
    from importlib import import_module
    from importlib.util import find_spec
    from typing import TYPE_CHECKING, BinaryIO, cast

    from explain.cli.language import spoken
    from explain.errors import ExplainError, UnreadableError, UsageError, reason_of
except KeyboardInterrupt:  # Ctrl-C while these load, and ``main`` is not there yet to answer it
    os._exit(130)

if TYPE_CHECKING:
    import click

COMMANDS = ("ping", "path", "grade", "lab", "cause", "word", "packet", "table", "annotate", "state")
"""The closed set of command words; a file that is named like one is given as ``./ping``."""
_INTERRUPTED, _CLOSED_PIPE, _BUG = 130, 141, 2
_LONGEST_COMPLAINT = 2000  # what may stand in a place can be a long list


def main(arguments: list[str] | None = None) -> None:
    """The console script: runs one command and exits with its status."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        gc.disable()  # one run makes no cycles worth looking for, and looking costs a tenth of a small run
        _lighten_numpy()
        _fill_gaps()
        status = _complete() if "_EXPLAIN_COMPLETE" in os.environ else _run(words)
    except BrokenPipeError:
        status = _CLOSED_PIPE  # whoever read our output has seen enough
    except KeyboardInterrupt:
        status = _INTERRUPTED
    try:
        sys.stdout.flush()
    except OSError:  # said already; the interpreter must not complain of it again at its exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if arguments is None and sys._getframe(1).f_back is None:  # noqa: SLF001  called by a program's own first lines
        _leave(status)
    gc.freeze()  # the end of the process frees everything at once; looking for cycles first would be for nothing
    sys.exit(status)


def _lighten_numpy() -> None:
    """Spare NumPy what takes long when it is imported, and what nobody needs here."""
    # It starts threads for linear algebra, which takes longer than all the rest of it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Clearing a huge page for a column that is written once costs more than the small pages do.
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")


def _fill_gaps() -> None:
    """Put the null device in the place of streams that were closed before we came (``>&-``); write whole texts."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  open to the end
    out = sys.stdout
    raw = getattr(out, "buffer", None)
    # With PYTHONUNBUFFERED it writes what fits into a pipe and drops the rest. What a caller put there stays his.
    if out is sys.__stdout__ and out is not None and isinstance(raw, io.RawIOBase):
        whole = cast("BinaryIO", io.BufferedWriter(raw))
        sys.stdout = io.TextIOWrapper(whole, out.encoding, out.errors, line_buffering=True)
    if out is sys.__stdout__ and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error has it: what cannot be shown ends nothing


def _leave(status: int) -> None:
    """End the process at once: taking NumPy apart, module by module, takes a tenth of a small run.

    What waits for the end is still served; a thread that has to come to its end first has the usual way out.
    """
    if "threading" in sys.modules and sys.modules["threading"].active_count() > 1:
        return
    atexit._run_exitfuncs()  # noqa: SLF001  the interpreter's own; it has no public name
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError):  # it may be closed, or have been closed before we came
            stream.flush()
    os._exit(status)


def _run(words: list[str]) -> int:
    asked = words[:]  # click takes them away, one by one
    try:
        status = _tell(words) if _are_files(words) else _command(words)
        sys.stdout.flush()
        return status  # noqa: TRY300  what cannot be written out fails like anything else
    except UnreadableError as error:
        from explain.cli.telling.meant import meant

        language = spoken(asked)
        hint = meant(error.path, language) if [error.path] == asked[:1] else ""
        return _complain(f"{error.told(language)}{hint}", error.exit_status)
    except ExplainError as error:
        return _complain(error.told(spoken(asked)), error.exit_status)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except OSError as error:
        return _complain(_refused(error).told(spoken(asked)), 2)
    except Exception as error:
        if "EXPLAIN_DEBUG" in os.environ:
            raise
        if isinstance(error, MemoryError):
            return _complain(ExplainError("at.memory").told(spoken(asked)), _BUG)
        bug = ExplainError("at.bug", kind=type(error).__name__, text=str(error))
        return _complain(bug.told(spoken(asked)), _BUG)


def _refused(error: OSError) -> UsageError:
    """What the system would not do, and where."""
    why = reason_of(error if error.strerror else OSError(0, str(error)))
    if error.filename and error.filename != "-":
        return UsageError("at.reason", path=error.filename, reason=why)
    is_output = error.filename == "-"
    try:
        sys.stdout.flush()  # what it did not take is still waiting, and is not taken now either
    except OSError:
        is_output = True
    return UsageError("at.output" if is_output else "at.alone", reason=why)


def _are_files(words: list[str]) -> bool:
    """Whether there are only files: then nothing is left for click, whose import is a fifth of a small run."""
    has_option = any(word.startswith("-") and word != "-" for word in words)
    return bool(words) and not has_option and words[0] not in COMMANDS


def _tell(files: list[str]) -> int:
    from explain.cli.language import default_language
    from explain.cli.telling.tell import PLAIN, tell

    return tell(tuple(files), {**PLAIN, "lang": default_language()})


def _command(words: list[str]) -> int:
    import click

    language = spoken(words)
    from explain.cli.options import HELP

    command, rest = choose(words)
    if not rest or any(name in rest for name in HELP["help_option_names"]):
        from explain.cli.helping import put_into_words

        put_into_words(command, place(command), language)
    try:
        # Not command.main(): it turns a closed pipe into its own exit status.
        with command.make_context(_name(command), rest) as context:
            result = command.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.Abort:
        return _INTERRUPTED
    except click.ClickException as error:
        from explain.cli.misused import show

        show(error, language)
        return error.exit_code
    return result if isinstance(result, int) else 0


def present() -> list[str]:
    """The command words that this version has."""
    return [word for word in COMMANDS if find_spec(f"explain.cli.{word}")]


def choose(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that some words mean, and what is left of them for it; the language may stand before it."""
    first = words[0] if words else ""
    at = 2 if first == "--lang" else int(first.startswith("--lang="))
    if at < len(words) and words[at] in COMMANDS:
        found: click.Command = getattr(import_module(f"explain.cli.{words[at]}"), words[at])
        rest = [*words[:at], *words[at + 1 :]]
        return found, _below(rest) if hasattr(found, "commands") else rest
    from explain.cli.capture import capture

    return capture, words


def _below(words: list[str]) -> list[str]:
    """The words of a group, which has no language of its own: it is asked for behind the command that follows."""
    first = words[0] if words else ""
    at = 2 if first == "--lang" else int(first.startswith("--lang="))
    rest = words[at:]
    is_about_the_group = not rest or rest[0] in ("-h", "--help")
    return rest[:1] if is_about_the_group else [*rest, *words[:at]]


def _complete() -> int:
    """Answer a shell that asks what may stand next; whatever is wrong, a person is typing and hears nothing."""
    with suppress(Exception):
        from explain.cli.completion import answer

        print(answer(present(), choose), end="")
    return 0


def place(command: click.Command) -> str:
    """Where a command's words stand in the table of the help."""
    return "explain" if command.name in {None, "capture"} else str(command.name)


def _name(command: click.Command) -> str:
    return "explain" if command.name == "capture" else f"explain {command.name}"


def _complain(text: str, status: int) -> int:
    from explain.words.values import visible

    print(f"explain: {visible(text, _LONGEST_COMPLAINT)}", file=sys.stderr)
    return status
