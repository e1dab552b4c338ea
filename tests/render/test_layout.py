from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explain.model import Evidence, Line
from explain.render.layout import display_width, frames_text, rows_of, wrap


def evidence(*frames):
    return (Evidence(0, 0, frames),)


def test_wide_characters_need_two_columns_and_combining_marks_none():
    assert [display_width(text) for text in ("abc", "日本", "e\u0301", "ｱ")] == [3, 4, 1, 1]


@given(st.text(alphabet="abc 日本語、。()「」-", max_size=300), st.integers(12, 100))
def test_no_row_is_wider_than_the_page_unless_one_word_is(text, width):
    for row in wrap(text, width):
        assert display_width(row) <= width or " " not in row.strip()


@given(st.text(alphabet="abc 日本語、。", max_size=200), st.integers(12, 60))
def test_wrapping_loses_nothing_but_spaces(text, width):
    assert "".join(wrap(text, width)).replace(" ", "") == text.replace(" ", "")


def test_no_japanese_row_begins_with_a_closing_mark():
    rows = wrap("これは長い文なので、途中で折り返される。折り返しても、句読点は行頭に来ない。" * 3, 20)
    assert all(row[0] not in "、。」）" for row in rows)


def test_no_japanese_row_begins_with_a_small_kana_or_within_a_word_of_katakana():
    for width in range(16, 60):
        rows = wrap("ルーターがネットワークを知っていても、ファイアウォールがあって届かない。" * 3, width)
        starts = [row[:1] for row in rows[1:]]
        assert not {"っ", "ー", "ァ", "ッ"} & set(starts)
        assert not any(row.endswith(("ルータ", "ネット", "ファイア")) for row in rows)


@given(st.text(alphabet="これは長い文、。ルーター", min_size=30, max_size=120), st.integers(20, 60))
def test_no_japanese_paragraph_ends_with_a_letter_or_two_alone(text, width):
    rows = wrap(text, width)
    assert len(rows) == 1 or display_width(rows[-1]) >= 8 or "ー" in rows[-2]


def test_a_japanese_row_begins_with_a_word_where_one_is_near():
    text = "ルーターはこのパケットを黙って捨てているので、送信側には何も返ってこないように見えている。" * 2
    starts = [row[0] for width in range(30, 70) for row in wrap(text, width)]
    assert sum("ぁ" <= start <= "ん" for start in starts) < len(starts) / 8


def test_a_japanese_row_begins_behind_the_katakana_where_no_word_begins_near():
    rows = wrap("ping は何も表示しないので、証拠になるのはキャプチャだけである。そこではゲートウェイが", 60)
    assert rows[1].startswith("だけである。")
    rows = wrap("UDP: 192.0.2.1:43204 と 192.0.2.2:7 が 2 個のデータグラムをやりとりした。データは 38 B。", 66)
    assert rows[1].startswith("やりとりした。")


def test_a_last_japanese_row_is_lengthened_to_a_whole_word():
    text = "このホストから 192.168.2.10 への ping は、始めることすらできなかった。"
    assert wrap(text, 69)[1] == "始めることすらできなかった。"


def test_a_particle_of_two_letters_behind_an_address_stays_whole():
    text = "fe80::704a:3fff:fea8:e3b9 の後半は MAC アドレス 72:4a:3f:a8:e3:b9 から作られている。"
    assert not any(row.startswith("ら") for row in wrap(text, 69))


def test_a_piece_of_code_keeps_its_closing_mark():
    for width in range(20, 60):
        rows = wrap("同じリンクの相手は普通に答えるが、`-I アドレス` なら断られる。" * 3, width)
        assert not any(row.startswith("` ") or row.endswith(" `") for row in rows)


def test_a_japanese_word_of_two_kanji_with_a_kana_between_stays_whole():
    text = "サーバーに問い合わせが届いたのに、書き換えの行き先で受け取られず、応答を待ち続けた。" * 3
    ends = [row[-2:] for width in range(24, 70) for row in wrap(text, width)[:-1]]
    assert not {"問い", "書き", "行き", "受け", "待ち"} & set(ends)


def test_a_long_address_stays_whole():
    assert "2001:db8:1111:2222:3333:4444:5555:6666" in wrap("from 2001:db8:1111:2222:3333:4444:5555:6666 to x", 20)


def test_frames_are_told_as_short_as_they_can_be():
    assert frames_text(evidence((1, 2))) == "1-2"
    assert frames_text(evidence((4, 4), (6, 6))) == "4,6"
    assert frames_text(evidence((1000, 1000), (2000, 2999), (99999, 99999))) == "1000..99999"
    assert frames_text(()) == ""


def test_frames_stand_in_the_margin_of_the_first_row_only():
    line = Line("x.y", {}, evidence((7, 7)))
    rows = list(rows_of([line], ["word " * 40], 60))
    assert rows[0].margin.strip() == "7"
    assert all(not row.margin.strip() for row in rows[1:])
    assert all(display_width(row.margin + row.text) <= 60 for row in rows)


def test_a_number_stays_beside_its_unit():
    for text, held in (
        ("its window was closed for 1.96 s.", "1.96 s."),
        ("ウィンドウが 1.96 秒閉じていた。そのあとで 12 パケットが届いた。", "12 パケット"),
        ("往復時間は 0.0432 ms から 0.199 ms、平均は 0.106 ms。", "0.106 ms"),
        ("最後の質問から 0.0633 ms、最初の質問から 1.03 秒後。", "0.0633 ms"),
    ):
        assert all(any(held in row for row in wrap(text, width)) for width in range(16, 60))
