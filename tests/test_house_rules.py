"""Each rule of the house is broken once, and must say so."""

from __future__ import annotations

from pathlib import PurePath

import house_rules
import pytest

GOOD = '''"""A module."""

class Lease:
    """A loan of an address.

    Attributes:
        start_ns: when it began.
    """

    start_ns: int

    def _secret(self): ...

def ends(lease):
    """When a lease ends.

    Returns:
        UTC nanoseconds.
    """
'''


def test_a_module_in_order_has_no_complaints():
    assert list(house_rules.docstring_complaints(GOOD)) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("X = 1\n", "the module has no docstring"),
        ('"""."""\n', "the module has no docstring"),
        ('"""M."""\ndef f(): ...\n', "f has no docstring"),
        ('"""M."""\nclass C:\n    """C."""\n    def m(self): ...\n', "C.m has no docstring"),
        ('"""M."""\nasync def f(): ...\n', "f has no docstring"),
        ('"""M."""\ndef f():\n    """no sentence"""\n', "f: the summary is no sentence"),
        ('"""M."""\ndef f(x):\n    """A.\n\n    :param x: y\n    """\n', "f: sections are written as"),
        ('"""M."""\ndef f(x):\n    """A.\n\n    Returns\n    -------\n    """\n', "f: sections are not underlined"),
        ('"""M."""\ndef f(x):\n    """A.\n\n    Parameters:\n        x: y\n    """\n', "f: `Parameters:` is not one"),
        ('"""M."""\ndef f(x):\n    """A.\n\n    Args:\n        y: z\n    """\n', "f has no y"),
        ('"""M."""\nclass C:\n    """C.\n\n    Attributes:\n        x, y: z\n    """\n    x: int\n', "C has no y"),
    ],
)
def test_a_docstring_against_the_form_is_found(source, said):
    assert any(complaint.startswith(said) for complaint in house_rules.docstring_complaints(source))


def test_an_override_and_a_protocol_need_no_second_docstring():
    source = '''"""M."""
class Voice(Protocol):
    """What speaks."""
    def say(self): ...
class Loud:
    """Speaks loudly."""
    @override
    def say(self): ...
'''
    assert list(house_rules.docstring_complaints(source)) == []


@pytest.mark.parametrize(
    "path", ["explain/utils.py", "explain/decode/helpers.py", "explain/common/x.py", "explain/explain.py"]
)
def test_a_vague_or_clashing_module_name_is_found(path):
    assert list(house_rules.name_complaints(PurePath(path)))


def test_a_telling_module_name_is_not_found():
    assert not list(house_rules.name_complaints(PurePath("explain/decode/tcp.py")))


@pytest.mark.parametrize("word", [*house_rules.LEFT_UNDONE, *house_rules.FOREIGN_TO_THE_CHECKOUT])
def test_a_forbidden_word_is_found_with_its_line(word):
    assert next(house_rules.word_complaints(f"fine\nnot {word} fine\n")).startswith("line 2: ")


def test_words_that_only_contain_a_forbidden_one_are_not_found():
    assert not list(house_rules.word_complaints("MASTO" + "DONS, xxxx, /proc/net, homework\n"))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"a": {"b": {"en": "x"}}}, "a.b has no ja"),
        ({"a": {"en": "", "ja": "x"}}, "a has no en"),
        ({"a": {"en": "{who} asked", "ja": "{whom} asked"}}, "a: only one language asks for who, whom"),
        ({"a": {"en": "{n:times}", "ja": "何度も"}}, "a: only one language asks for n"),
    ],
)
def test_a_message_that_the_languages_do_not_share_is_found(table, said):
    assert said in list(house_rules.language_complaints(table))


def test_a_message_that_both_languages_share_is_not_found():
    assert not list(house_rules.language_complaints({"a": {"en": "{who} {n:times}", "ja": "{n} {who}"}, "schema": 1}))


def test_names_of_messages_are_told_from_other_texts():
    source = 'say("arp.asked.first"); f = "arp.opcode == 1"; g = "ip.src"; h = "arp."; i = f"arp.{x}"'
    assert list(house_rules.messages_named(source, {"arp"})) == ["arp.asked.first"]


def test_the_kinds_of_exchanges_that_a_module_makes_are_found():
    source = 'a = from_list("arp.resolution", O); b = ExchangeColumns(kind="udp.flow", outcomes=O); from_rows(kind, O)'
    assert list(house_rules.kinds_made(source)) == ["arp.resolution", "udp.flow"]


def test_a_dependency_without_a_reason_is_found():
    text = 'dependencies = [\n    "numpy>=1", # columns\n    "six",\n]\n'
    assert list(house_rules.undocumented_requirements(text)) == ['"six",']


def test_a_record_of_the_standard_library_is_found_and_one_of_the_house_is_not():
    source = "from typing import TYPE_CHECKING, NamedTuple\nfrom dataclasses import field\n"
    assert list(house_rules.slow_record_complaints(source)) == [
        "line 1: NamedTuple comes from typing, not from explain.record"
    ]
    assert next(house_rules.slow_record_complaints("from dataclasses import dataclass, field\n"))
    assert not list(house_rules.slow_record_complaints("from explain.record import NamedTuple, dataclass\n"))


def test_a_long_file_and_a_long_function_are_found_and_a_long_table_is_not():
    function = "def f():\n" + "    x = 1\n" * 70
    assert list(house_rules.size_complaints(function)) == ["f has 71 lines"]
    assert "besides" in next(house_rules.size_complaints("import os\n" * 500))
    assert not list(house_rules.size_complaints("X = (\n" + "    1,\n" * 500 + ")\n"))
