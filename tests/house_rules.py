"""The rules of the house that no linter knows, each a function from text to complaints."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Container, Iterator, Mapping
from pathlib import PurePath
from typing import Any

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

SECTIONS = {"Args", "Attributes", "Example", "Examples", "Note", "Raises", "Returns", "Source", "Sources", "Yields"}
VAGUE_MODULES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "base", "core"}
LONG_FILE = 400
LONG_FUNCTION = 45

# Written in halves, so that this list does not accuse itself.
LEFT_UNDONE = ("TO" + "DO", "FIX" + "ME", "X" + "XX")
FOREIGN_TO_THE_CHECKOUT = (
    "/wo" + "rk/",
    "/ro" + "ot/",
    "/ho" + "me/",
    "pypi" + ".org",
    "python" + "hosted.org",
    "deb.deb" + "ian.org",
    "archive.ub" + "untu.com",
    "registry.np" + "mjs.org",
)


def public_definitions(tree: ast.Module) -> Iterator[tuple[str, Definition]]:
    """Classes, functions and methods that a user can name, with their dotted names."""

    def below(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Definition]]:
        for node in body:
            if isinstance(node, Definition) and not node.name.startswith("_"):
                yield prefix + node.name, node
                if isinstance(node, ast.ClassDef):
                    yield from below(node.body, f"{prefix}{node.name}.")

    yield from below(tree.body, "")


def docstring_complaints(source: str) -> Iterator[str]:
    """What is wrong with the docstrings of a module and of its public names, as Google's form has them."""
    tree = ast.parse(source)
    protocols = {name for name, node in public_definitions(tree) if isinstance(node, ast.ClassDef) and is_bare(node)}
    if not re.search(r"\w", ast.get_docstring(tree) or "") and tree.body:
        yield "the module has no docstring"
    for name, node in public_definitions(tree):
        text = ast.get_docstring(node)
        if text is None:
            if name.rpartition(".")[0] not in protocols and not overrides(node):
                yield f"{name} has no docstring"
            continue
        yield from (f"{name}: {problem}" for problem in form_complaints(text))
        yield from (f"{name} has no {stranger}" for stranger in strangers(node, text))


def strangers(node: ast.AST, text: str) -> list[str]:
    """What a docstring explains under ``Args`` or ``Attributes`` and the definition does not have."""
    told = re.search(r"^(?:Args|Attributes):\n((?: {4}.*\n?|\n)+)", text, re.MULTILINE)
    heads = re.findall(r"^ {4}(\w[^:]*):", told[1], re.MULTILINE) if told else []
    have = {getattr(part, kind, None) for part in ast.walk(node) for kind in ("arg", "id", "attr", "name")}
    return [name for head in heads for name in re.split(r"[^\w]+", head) if name not in have]


def is_bare(node: ast.ClassDef) -> bool:
    """Whether a class is a Protocol: its own docstring speaks for its methods."""
    return any(ast.unparse(base).startswith("Protocol") for base in node.bases)


def overrides(node: Definition) -> bool:
    """Whether the definition is documented where it was first made, or is a mere overload or setter."""
    marks = {ast.unparse(mark) for mark in node.decorator_list}
    return any(mark.endswith(("override", "overload", ".setter")) for mark in marks)


def form_complaints(text: str) -> Iterator[str]:
    """What keeps one docstring from Google's form: a summary sentence, then sections."""
    summary = text.partition("\n\n")[0].strip()
    if not summary.endswith((".", "?", "!", ":")):
        yield "the summary is no sentence"
    if re.search(r"^\s*:(param|return|returns|rtype|raises|type)\b", text, re.MULTILINE):
        yield "sections are written as `Args:`, not as `:param`"
    if re.search(r"^\s*-{3,}\s*$", text, re.MULTILINE):
        yield "sections are not underlined"
    for heading in re.findall(r"^(Arg|Arguments|Parameters|Params|Return|Raise|Yield|Attribute):", text, re.MULTILINE):
        yield f"`{heading}:` is not one of {', '.join(sorted(SECTIONS))}"


def size_complaints(source: str) -> Iterator[str]:
    """What is far longer than a reader likes; a table of facts may be."""
    tree = ast.parse(source)
    tables = sum(
        (node.end_lineno or node.lineno) - node.lineno
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
    )
    lines = source.count("\n") - tables
    if lines > LONG_FILE:
        yield f"{lines} lines besides its tables"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONG_FUNCTION:
                yield f"{node.name} has {length} lines"


def slow_record_complaints(source: str) -> Iterator[str]:
    """Records that the standard library makes, which `explain.record` makes in a fraction of the time."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.module in {"typing", "dataclasses"}:
            for name in {one.name for one in node.names} & {"NamedTuple", "dataclass"}:
                yield f"line {node.lineno}: {name} comes from {node.module}, not from explain.record"


def name_complaints(path: PurePath) -> Iterator[str]:
    """What is wrong with the name of a module of the package, given as ``explain/room/name.py``."""
    if path.stem in VAGUE_MODULES or any(part in VAGUE_MODULES for part in path.parts):
        yield "the name says how little it means"
    if path.parts[1:] in {("explain.py",), ("explain", "__init__.py")}:
        yield "explain.explain is a function"


def word_complaints(text: str) -> Iterator[str]:
    """Words that belong in no file of the project, with their lines."""
    for number, line in enumerate(text.splitlines(), 1):
        for word in LEFT_UNDONE:
            if re.search(rf"\b{word}\b", line):
                yield f"line {number}: {word}"
        for word in FOREIGN_TO_THE_CHECKOUT:
            if word in line:
                yield f"line {number}: names {word}, which is of some machine, not of the project"


def messages(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The messages of a word table: every innermost table, with its dotted name."""
    for key, value in table.items():
        if not isinstance(value, Mapping):
            continue
        if {"en", "ja"} & set(value):
            yield prefix + key, value
        else:
            yield from messages(value, f"{prefix}{key}.")


def language_complaints(table: Mapping[str, Any]) -> Iterator[str]:
    """Where the two languages of a word table do not say the same."""
    for name, message in messages(table):
        for language in ("en", "ja"):
            if not message.get(language):
                yield f"{name} has no {language}"
        if message.get("en") and message.get("ja"):
            english, japanese = (placeholders(message[language]) for language in ("en", "ja"))
            if english != japanese:
                yield f"{name}: only one language asks for {', '.join(sorted(english ^ japanese))}"


def placeholders(message: Any) -> set[str]:
    """The values for which a sentence asks, whether it is one text or a list or table of forms."""
    if isinstance(message, str):
        return {name for _, name, _, _ in string.Formatter().parse(message) if name is not None}
    parts = message.values() if isinstance(message, Mapping) else message
    return set().union(*(placeholders(part) for part in parts))


def messages_named(source: str, tables: Container[str]) -> Iterator[str]:
    """Texts in a module that can only be the name of a message: ``table.some.message``, for one of the tables."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            table, dot, rest = node.value.partition(".")
            if dot and table in tables and re.fullmatch(r"[a-z0-9.-]*[a-z0-9]", rest):
                yield node.value


def kinds_made(source: str) -> Iterator[str]:
    """The kinds of exchanges of which a module makes columns."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"ExchangeColumns", "from_list", "from_rows"}:
            given = [*node.args[:1], *(one.value for one in node.keywords if one.arg == "kind")]
            yield from (str(one.value) for one in given if isinstance(one, ast.Constant))


def undocumented_requirements(pyproject: str) -> Iterator[str]:
    """Dependencies without a reason beside them, in the text of a ``pyproject.toml``."""
    block = re.search(r"^dependencies = \[\n(.*?)^\]", pyproject, re.MULTILINE | re.DOTALL)
    for line in block[1].splitlines() if block else []:
        if line.strip() and not re.search(r'^\s*".+",\s+# \S', line):
            yield line.strip()
