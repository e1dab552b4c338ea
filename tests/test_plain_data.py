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
