"""One word for one thing: what each table calls something in Japanese, all others call it too; and how it is set."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path

import explain
from explain.words.values import NOUNS

TOP = Path(__file__).parents[2]
TABLES = [
    path
    for folder in ("words", "glossary", "causes/pages")
    for path in sorted((Path(explain.__file__).parent / folder).glob("*.toml"))
] + sorted((*TOP.glob("fixtures/*/*.toml"), *TOP.glob("rubrics/*/*.toml")))

# What is not written, and what is written instead.
INSTEAD = {
    "ネームサーバー": "DNS サーバー",
    "ルーティングテーブル": "経路表",
    "次ホップ|ネクストホップ|次の行き先": "次の中継先",
    "番地": "アドレス",
    "接続の表": "接続表",
    "[^てる]あての": "... 宛ての",
    "時間切れ": "タイムアウト",
    "走査": "スキャン",
    "ディレクトリー": "ディレクトリ",
    "カウンタ(?!ー)": "カウンター",
    "隣接エントリ|ネイバー": "近隣エントリ",
    "デフォルトゲートウェイ|デフォルトルート(?!ー)": "デフォルト経路",
    "インターフェース|インターフェイス": "インタフェース",
    "(ルータ|サーバ|ヘッダ|ユーザ|ブラウザ|リゾルバ|デバッガ)(?!ー)": "... ー",
    r"フラグメント(?!\))": "断片",
    "リクエスト": "要求",
    "イーサネット": "Ethernet",
    "オクテット": "バイト",
    "(?<!宛先 )(?<!送信元 )(?<!lladdr )(?<![A-Za-z])MAC(?! アドレス)(?= ?[ぁ-んァ-ヶ一-龠。、])": "MAC アドレス",
    "版": "バージョン",
    "電線": "線",
    "チェーン": "チェイン",
    "エントリー": "エントリ",
    "送り[主手]|差出人": "送信元 (アドレス), 送信側 (ホスト)",
    "送り先": "宛先",
    "受け手": "受信側",
    "同士": "どうし",
    "やり取り": "やりとり",
    "諦め": "あきらめ",
    "返事": "応答",
    "(?<!ワイルド)カード": "NIC",
    "混雑(?!\\))": "輻輳",
    "旗": "フラグ",
    "が警告 |致命的な警告": "アラート (TLS)",
    "(?<!待ち)行列": "キュー, 待ち行列",
    "値段": "コスト",
}
SETTING = {
    "[（）：；！]": "( ) : ; with half-width marks",
    "～": "〜",
    r"[ぁ-んァ-ヶ一-龠)]\?": "？",
    " [、。]": "no space before a mark",
    "[ぁ-んァ-ヶ一-龠][A-Za-z0-9]|[A-Za-z0-9][ぁ-んァ-ヶ一-龠]": "a space between Latin and Japanese letters",
    r"[ぁ-ん](です|ます)。|ください": "plain style",
}


def japanese(value):
    if isinstance(value, str):
        if re.search("[ぁ-んァ-ヶ]", value):
            yield value
    elif isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from japanese(one)


TEXTS = [(path.stem, text) for path in TABLES for text in japanese(tomllib.loads(path.read_text("utf-8")))]


def odd(rules):
    return [
        f"{name}: {found[0]!r} in {text[max(0, found.start() - 12) : found.end() + 12]!r}; write {right}"
        for wrong, right in rules.items()
        for name, text in TEXTS
        for found in re.finditer(wrong, text)
    ]


def counted(text):
    """A sentence with three of each thing that it counts; every other value stands as a mark."""
    parts = string.Formatter().parse(text)
    return "".join(
        f"{said}{NOUNS[noun][2].format(n=3) if noun in NOUNS else '*' if name else ''}" for said, name, noun, _ in parts
    )


def test_a_number_stands_apart_from_japanese_and_its_counter_does_not():
    wrong = re.compile("[ぁ-んァ-ヶ一-龠][0-9]|[ぁ-んァ-ヶ一-龠] [ぁ-んァ-ヶ一-龠]")
    texts = {text for name, text in TEXTS if (Path(explain.__file__).parent / f"words/{name}.toml").is_file()}
    assert [text for text in texts if wrong.search(counted(text))] == []


def test_there_is_japanese_in_all_kinds_of_tables():
    assert len(TEXTS) > 2000


def test_one_thing_has_one_japanese_name_in_all_tables():
    assert odd(INSTEAD) == []


def test_japanese_is_set_as_the_house_does_it():
    assert odd(SETTING) == []
