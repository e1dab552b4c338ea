"""Records as JSON."""

from __future__ import annotations

import json

import pytest

from explain.plain_data import json_text


@pytest.mark.parametrize(
    "obeyed", ["\x1b[2J", "\x9b2J", "\x7f", "\u202ebad", "\u2066", "\udc80", "\u2028", "\U000e0041"]
)
def test_what_a_terminal_or_an_eye_would_obey_is_escaped_and_stays_the_same_value(obeyed):
    text = json_text({obeyed: [f"名前{obeyed}"]})
    assert obeyed[0] not in text
    assert "名前" in text
    assert json.loads(text) == {obeyed: [f"名前{obeyed}"]}


def test_a_long_list_is_written_a_line_an_item_and_means_the_same():
    value = {
        "schema": "s",
        "many": [{"number": n, "text": "é\u202e"} for n in range(1001)],
        "few": [1, {"a": []}],
        "none": [],
    }
    text = json_text(value)
    assert json.loads(text) == value
    assert text.splitlines()[3] == '  {"number": 0, "text": "é\\u202e"},'
    assert len(text.splitlines()) < 1001 + 20
