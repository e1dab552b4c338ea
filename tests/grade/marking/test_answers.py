from __future__ import annotations

import pytest
from grading_scenes import asked_and_pinged, mark

from explain.grade.marking.answer_values import NoAnswerError, read_as

BIND = """
[[check]]
id = "reply"
points = 0
expect = "arp.reply"
as = "rep"
[[check]]
id = "ping-ok"
points = 0
expect = "icmp.echo"
as = "one"
"""
OPCODE = '[[answer]]\nid = "op"\nask = "opcode?"\ntype = "int"\npoints = 1\nkey = "{rep.opcode}"\n'
MAC = (
    '[[answer]]\nid = "mac"\nask = "MAC?"\ntype = "mac"\npoints = 2\nkey = "{rep.sender.mac}"\n'
    'wrong = [ { value = "ff:ff:ff:ff:ff:ff", points = 0.5, say = "everybody" } ]\n'
)
RTT = (
    '[[answer]]\nid = "rtt"\nask = "RTT?"\ntype = "number"\npoints = 2\nkey = "{median(ping-ok.rtt_ms)}"\n'
    "tolerance = { relative = 0.1 }\n"
)
SET = (
    '[[answer]]\nid = "set"\nask = "which?"\ntype = "set"\npoints = 4\n'
    'key = ["ip.src", "ip.ttl", "ip.checksum", "checksum"]\npartial = "jaccard"\n'
)
SEQ = (
    '[[answer]]\nid = "isn"\nask = "?"\ntype = "uint32"\npoints = 2\nkey = "{one.seq}"\n'
    '[[answer]]\nid = "ack"\nask = "?"\ntype = "uint32"\npoints = 1\n'
    'key = "{u32(one.seq + 1)}"\nfollow_through = "isn"\n'
)


def answer(tmp_path, question, text):
    return mark(tmp_path, BIND + question, *asked_and_pinged(3), answers=text)[0]


@pytest.mark.parametrize("given", ["2", '"2"', '" 0x2 "', '"2 (reply)"'])
def test_a_number_may_be_written_in_any_usual_way(tmp_path, given):
    assert answer(tmp_path, OPCODE, f"op = {given}")["op"].verdict == "met"


@pytest.mark.parametrize("given", ["00:00:5e:00:53:fe", "00-00-5E-00-53-FE", "0000.5e00.53fe", "00005E0053FE"])
def test_a_mac_may_be_written_in_any_usual_way(tmp_path, given):
    assert answer(tmp_path, MAC, f'mac = "{given}"')["mac"].verdict == "met"


@pytest.mark.parametrize(("unit", "verdict"), [("us", "met"), ("ms", "not-met"), ("s", "not-met")])
def test_a_time_may_be_written_in_another_unit_than_its_key(tmp_path, unit, verdict):
    told = answer(tmp_path, RTT, f'rtt = "1000 {unit}"')["rtt"]
    assert (told.verdict, told.key) == (verdict, "1")


def test_a_known_mistake_has_its_own_words_and_points(tmp_path):
    told = answer(tmp_path, MAC, 'mac = "FF-FF-FF-FF-FF-FF"')["mac"]
    assert (told.verdict, told.points, told.says) == ("partly", 0.5, "everybody")


@pytest.mark.parametrize("given", ['"{rep.sender.mac}"', '"{rep.__class__}"', "true", "[]", "nan", "1e999"])
def test_an_answer_is_never_an_expression(tmp_path, given):
    assert answer(tmp_path, MAC, f"mac = {given.replace('1e999', 'inf')}")["mac"].points == 0


@pytest.mark.parametrize(("given", "verdict"), [("1.0", "met"), ("1.08", "met"), ("1.2", "not-met")])
def test_a_measured_value_may_be_off_by_its_tolerance(tmp_path, given, verdict):
    assert answer(tmp_path, RTT, f"rtt = {given}")["rtt"].verdict == verdict


@pytest.mark.parametrize("given", ["nan", "inf", "-inf", '"nan"', '"1e400"', "9" * 400])
def test_what_is_no_finite_number_is_never_within_a_tolerance(tmp_path, given):
    told, _ = mark(tmp_path, BIND + RTT, *asked_and_pinged(3), answers=f"rtt = {given}")
    assert told["rtt"].points == 0
    assert "not of the form" in told["rtt"].says  # no number at all, rather than one that is far off


def test_naming_everything_is_worth_less_than_naming_what_is_right(tmp_path):
    everything = ["source IP", "TTL", "header checksum", "TCP checksum", *(f"field {n}" for n in range(12))]
    assert answer(tmp_path, SET, 'set = "Source address, TTL, IP checksum, TCP checksum"')["set"].points == 4
    assert answer(tmp_path, SET, f"set = {everything}")["set"].points == 1


def test_the_same_step_from_a_wrong_answer_counts(tmp_path):
    told = answer(tmp_path, SEQ, "isn = 100\nack = 101\n")
    assert (told["isn"].verdict, told["ack"].verdict) == ("not-met", "met")
    assert answer(tmp_path, SEQ, "isn = 100\nack = 102\n")["ack"].verdict == "not-met"


def test_free_text_waits_for_a_person(tmp_path):
    text = '[[answer]]\nid = "why"\nask = "why?"\ntype = "text"\npoints = 2\nmark = "manual"\n'
    told = answer(tmp_path, text, 'why = "=1+1"')["why"]
    assert (told.verdict, told.points) == ("manual", 0)


@pytest.mark.parametrize("text", ["op = ", "op = 1\nop = 2", "\x00", "[" * 10_000, "x" * 300_000])
def test_a_file_of_answers_that_is_no_toml_costs_only_the_answers(tmp_path, text):
    told = answer(tmp_path, OPCODE, text)
    assert (told["op"].verdict, told["reply"].verdict) == ("not-met", "met")


def test_a_question_about_what_the_capture_lacks_is_skipped(tmp_path):
    told, _ = mark(tmp_path, BIND + OPCODE, answers="op = 2")
    assert told["op"].verdict == "skipped"


@pytest.mark.parametrize(
    ("kind", "key", "right", "wrong"),
    [
        ("int", 1234567, ["1234567", "1,234,567", "1 234 567", "１２３４５６７", "1234567 bytes", "0x12d687"],
         ["1234567.5", "", "1234567 ms", "1234567 k", "1234567 or 8", "{one.seq}", "1,23,4567",
          "12345678901234567890123456789012345678901234"]),
        ("int", 3, ["3 routers", "3 hosts.", "３ 台", "3つ", "3 replies"], ["3 million", "3 OK", "not 3", "3-4"]),
        ("int", 404, ["404 Not Found", "HTTP/1.1 404 Not Found", "HTTP 404", "404 not found"], ["404 OK", "200 OK"]),
        ("uint32", 4294967295, ["4294967295", "0xffffffff"], ["4294967296", "-1", "1e3"]),
        ("hex", 0x56FB, ["0x56fb", "56FB", "56:fb", "0x000056fb"], ["22267 ", "xyz", "0x"]),
        ("mac", "00:00:5e:00:53:01", ["00-00-5E-00-53-01", "0000.5e00.5301", "00005e005301", "0:0:5e:0:53:1"],
         ["00:00:5e:00:53", "00:00:5e:00:53:01:02", "broadcast"]),
        ("ip", "2001:db8::1", ["2001:0DB8:0:0::1", "2001:db8::1/64", " 2001:db8::1 "], ["2001:db8::2", "::1::", "h1"]),
        ("ip:port", "192.0.2.1:80", ["192.0.2.1:80", "192.0.2.1 port 80", "192.0.2.1, 80", "[192.0.2.1]:80"],
         ["192.0.2.1", "192.0.2.1:81", "192.0.2.1:99999", "192.0.2.1:-80"]),
        ("duration", 0.0015, ["1.5 ms", "1500 µs", "1500us", "0.0015", "0.0015 秒", "１.５ ミリ秒", "1,5 ms", "0,0015",
                              "~1.5 ms", "about 1.5 ms", "約 1.5 ミリ秒", "ca. 1,50 ms", "1,500 us"],
         ["1.5", "1,500 ms", "1,5,0 ms", "about", "1.5 ms or 2 ms", "1.5 parsec", "nan", "inf s"]),
        ("frame", 12, ["12", "frame 12", "#12", "No. 12", "フレーム 12"], ["13", "dozen"]),
        ("offset", 54, ["54", "0x36", "54 bytes"], ["55"]),
        ("choice", "yes", ["Yes", " YES "], ["no", "maybe"]),
        ("string", "www.example.org", ["WWW.example.org"], ["example.org"]),
    ],
)  # fmt: skip
def test_each_type_of_answer_takes_the_usual_spellings_and_nothing_else(tmp_path, kind, key, right, wrong):
    written = f'"{key}"' if isinstance(key, str) else key
    more = 'choices = ["yes", "no"]\n' if kind == "choice" else ""
    question = f'[[answer]]\nid = "q"\nask = "?"\ntype = "{kind}"\npoints = 1\nkey = {written}\n{more}'
    for given in right:
        assert (given, answer(tmp_path, question, f"q = {given!r}")["q"].verdict) == (given, "met")
    for given in wrong:
        assert (given, answer(tmp_path, question, f"q = {given!r}")["q"].verdict) == (given, "not-met")


@pytest.mark.parametrize(
    ("kind", "key", "given"),
    [
        ("int", 5000, ("port 5000", "TCP port 5000", "5000/tcp", "ポート 5000", "5000番ポート", "TCPポート5000")),
        ("set", "destination port", ("the destination port", "The destination port.", ["the destination port"])),
        ("int", 3, ("3 SYNs", "TTL 3", "MTU=3", "3 attempts", "type: 3")),
        ("int", 42, ("42。", "42です", "= 42", "42\n\n以上。", "42\n以上")),
        ("frame", 10, ("10フレーム目", "10番目のフレーム", "パケット10", "frame no. 10", "the 10th frame", "10 (a).")),
        ("mac", "00:00:5e:00:53:01", ("00:00:5e:00:53:01 (router)", "00-00-5E-00-53-01。")),
        ("ip", "fe80::1", ("fe80::1%eth0", "[fe80::1]", "fe80::1 (router)")),
        ("ip:port", "192.0.2.1:80", ("192.0.2.1.80", "192.0.2.1 ポート 80", "192.0.2.1 の 80 番", "192.0.2.1:80 (a)")),
        ("duration", 5400, ("1h 30min", "1h30m", "1 hour, 30 minutes (5400)", "(5400s) 1 hour, 30 minutes", "1:30:00",
                            "1 時間 30 分", "1時間と30分", "1 h and 30 min", "90m", "1.5 hrs")),
        ("hex", 0x8411, ("8411h", "8411 hex", "0x8411 (33809)")),
        ("duration", 0.0015, ("1.5 milliseconds", "1500 microseconds.", "1.5 ms (a)", "1.5×10^-3 s", "1.5ms程度")),
        ("string", "www.example.org", ("www.example.org.",)),
        ("string", "2001:db8:1::/64", ("2001:0DB8:1:0::/64", "`2001:db8:1:0:0:0:0:0/64`")),
        ("set", "2001:db8:1::/64, 2001:db8:2::/64", ("2001:0db8:2::/64 and 2001:db8:1:0::/64",)),
        ("int", 10, ("VLAN 10", "vlan ID 10", "VID=10")),
        ("offset", 16, ("byte 16", "at byte 16", "offset 16", "byte offset: 16")),
        ("int", 1, ("once", "only once", "One time.", "一回", "一度だけ", "1回だけです", "ひとつ", "exactly one")),
        ("int", 3, ("three", "Three times", "三つ", "三回です", "再送は三回")),
        ("int", 25, ("twenty-five", "二十五", "二五個", "「25」")),
        ("int", 0, ("none", "never", "zero", "なし")),
        ("int", 1400, ("The MTU of the link is 1400 bytes.", "MTUは1400です", "千四百", "1,400 bytes", "MTU 1,400")),
        ("duration", 300, ("five minutes", "5分間", "五分", "リースは 300 秒間です", "約5分間")),
        ("ip", "10.9.0.51", ("「10.9.0.51」です。", "The address was `10.9.0.51`", "ip:10.9.0.51")),
        ("ip", "2001:db8::1", ("the router, 2001:db8::1", "アドレスは2001:db8::1です", "the router (2001:db8::1)")),
        ("mac", "00:00:5e:00:53:01", ("ルーターの 00:00:5e:00:53:01 です", "it was 00-00-5E-00-53-01.")),
    ],
)  # fmt: skip
def test_what_stands_around_an_answer_costs_nothing(kind, key, given):
    assert {read_as(kind, one) for one in given} == {read_as(kind, key)}


def test_two_addresses_of_one_network_are_two_answers():
    assert read_as("string", "192.0.2.1/24") != read_as("string", "192.0.2.2/24")


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("int", "about 42"),
        ("frame", "10 and 12"),
        ("ip:port", "192.0.2.80"),
        ("duration", "5 d or 6 d"),
        ("duration", "30 min 1 h"),
        ("duration", "1:30"),
        ("hex", "8411 g"),
        ("int", "two or three"),
        ("int", "one hundred"),
        ("int", "The MTU is not 3"),
        ("int", "3回ではない"),
        ("ip", "not 10.9.0.51"),
        ("ip", "10.9.0.51 or 10.9.0.52"),
        ("ip", "10.9.0.51 ではない"),
    ],
)
def test_what_is_said_of_two_or_of_something_else_is_no_answer(kind, given):
    with pytest.raises(NoAnswerError):
        read_as(kind, given)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [("3 (NXDOMAIN)", "met"), ("「NXDOMAIN」です", "met"), ("the nxdomain message", "met"), ("NXDOMAIN (3)", "met"),
     ("no NXDOMAIN", "not-met"), ("NOERROR (NXDOMAIN)", "not-met"), ("NXDOMAIN, NOERROR", "not-met")],
)  # fmt: skip
def test_a_choice_may_stand_beside_its_number_or_in_quotation_marks(tmp_path, given, verdict):
    question = '[[answer]]\nid = "q"\nask = "?"\ntype = "choice"\npoints = 1\nkey = "NXDOMAIN"\n'
    told = answer(tmp_path, question + 'choices = ["NOERROR", "NXDOMAIN"]\n', f"q = '{given}'")["q"]
    assert told.verdict == verdict


def test_a_list_may_name_addresses_in_any_spelling_and_any_order(tmp_path):
    question = '[[answer]]\nid = "q"\nask = "?"\ntype = "set"\npoints = 1\nkey = ["2001:db8::1", "00:00:5e:00:53:01"]\n'
    given = 'q = ["00-00-5E-00-53-01", "2001:DB8:0::1"]'
    assert answer(tmp_path, question, given)["q"].verdict == "met"


@pytest.mark.parametrize(
    ("given", "points"),
    [
        ("192.0.2.1 192.0.2.2 192.0.2.3", 3),
        ("192.0.2.1, 192.0.2.2 and 192.0.2.3", 3),
        ("192.0.2.1、192.0.2.2 と 192.0.2.3", 3),
        ("192.0.2.1と192.0.2.2および192.0.2.3", 3),
        ("192.0.2.1 → 192.0.2.2 -> 192.0.2.3", 3),
        ("[192.0.2.1, 192.0.2.2, and 192.0.2.3].", 3),
        ("192.0.2.1 or 192.0.2.2 or 192.0.2.3", 0),
    ],
)
def test_addresses_may_be_listed_as_in_a_sentence(tmp_path, given, points):
    key = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    question = f'[[answer]]\nid = "q"\nask = "?"\ntype = "set"\npoints = 3\npartial = "jaccard"\nkey = {key}\n'
    assert answer(tmp_path, question, f"q = '{given}'")["q"].points == points


def test_fields_of_a_header_may_be_named_in_japanese():
    said = "送信元アドレス、TTL、IPヘッダーチェックサム、TCPのチェックサム、宛先ポート番号、シーケンス番号"
    assert read_as("set", said) == {"ip.src", "ip.ttl", "ip.checksum", "checksum", "port.dst", "tcp.seq"}


def test_who_names_too_much_is_told_so(tmp_path):
    told = answer(tmp_path, SET, 'set = "Source address, TTL, IP checksum, TCP checksum, protocol"')["set"]
    assert "Right: 4 of 4" in told.says
    assert "1 that do" in told.says


def test_a_free_answer_is_there_as_a_whole_with_the_frames_of_the_question_before_it(tmp_path):
    text = '[[answer]]\nid = "why"\nask = "why?"\ntype = "text"\npoints = 2\n'
    told = answer(tmp_path, MAC + text, f"mac = 'x'\nwhy = '{'long ' * 100}'")
    assert told["why"].given == "long " * 100
    assert told["why"].evidence == told["mac"].evidence != ()
    alone = answer(tmp_path, text + 'needs = ["ping-ok"]\n', "why = 'x'")
    assert alone["why"].evidence == alone["ping-ok"].evidence != ()


def test_rows_and_lists_are_shown_as_people_read_them(tmp_path):
    question = (
        '[[answer]]\nid = "q"\nask = "?"\ntype = "table"\npoints = 1\nkey = []\ncolumns = { a = "int", b = "ip" }\n'
    )
    assert (
        answer(tmp_path, question, 'q = [{ a = 1, b = "::1" }, { a = 2, b = "::2" }]')["q"].given
        == "a 1, b ::1; a 2, b ::2"
    )
    assert answer(tmp_path, SET, 'set = ["x", 1]')["set"].given == "x, 1"


BOTH = OPCODE + MAC
RIGHT = 'op = 2\nmac = "00:00:5e:00:53:fe"\n'


@pytest.mark.parametrize(
    "octets",
    [
        RIGHT.encode("utf-8-sig"),
        RIGHT.encode("utf-16"),
        (RIGHT + "# 答え").encode("cp932"),
        (RIGHT + "# réponse").encode("cp1252"),
        RIGHT.replace('"', "”").encode(),
        RIGHT.replace('"', "").encode(),
        RIGHT.replace("=", "＝").replace("2", "２").encode(),
        RIGHT.replace("op = 2", "Op = 02  # as Wireshark shows it").encode(),
        f"name Ann\n{RIGHT}".encode(),
    ],
)
def test_answers_count_however_an_editor_saved_them_and_whatever_marks_stand_around_them(tmp_path, octets):
    told = answer(tmp_path, BOTH, octets)
    assert (told["op"].verdict, told["mac"].verdict) == ("met", "met")


@pytest.mark.parametrize(
    "text",
    [
        '{"op": 2, "mac": "00:00:5e:00:53:fe"}',
        '{"answers": {"op": "2", "mac": "00:00:5e:00:53:fe"}}',
        'question,answer\nop,2\nmac,"00:00:5e:00:53:fe"\n',
        '"op";"2"\r\n"mac";"00:00:5e:00:53:fe"\r\n',
        "# Lab 1\n\n1. **op**: 2\n2. **mac**: `00:00:5e:00:53:fe`\n",
        "# Lab 1\n- op: 2\n\n| question | answer |\n|---|---|\n| mac | 00:00:5e:00:53:fe |\n",
        "op：２\nmac：00:00:5e:00:53:fe\n",
        "op: 2\nmac = 00:00:5e:00:53:fe\n",
        "op -> 2\nmac -> 00-00-5e-00-53-fe",
        "# Lab 1\n\n## op\n\n2\n\n## MAC\n`00:00:5e:00:53:fe`\n",
        "| op | 2 |\n| mac | 00:00:5e:00:53:fe |\nThese are my answers.\n",
        'op = 2\nmac = "00:00:5e:00:53:fe"\nThese are my answers.\n',
    ],
)
def test_answers_count_as_json_csv_or_markdown_too(tmp_path, text):
    told = answer(tmp_path, BOTH, text)
    assert (told["op"].verdict, told["mac"].verdict) == ("met", "met")


@pytest.mark.parametrize("text", ['{"op": 1, "op": 2}', "op,1\nop,2\n", "- op: 1\n- op: 2\n", "[" * 90_000 + "op: 2"])
def test_nobody_answers_twice_nor_without_end_in_another_form(tmp_path, text):
    assert answer(tmp_path, OPCODE, text)["op"].points == 0


def test_a_line_that_is_no_toml_costs_no_other_one_and_the_page_says_where_it_is(tmp_path):
    told = answer(tmp_path, BOTH, 'op 2\nmac = "00:00:5e:00:53:fe"\n')
    assert told["mac"].verdict == "met"
    assert "line 1" in told["op"].says


def read_table(text):
    return read_as("table", text, {"lan": "ip:port", "wan": "ip:port"})


@pytest.mark.parametrize(
    "text",
    [
        "10.7.0.1:5 -> 203.0.113.1:6, 10.7.0.2:5 -> 203.0.113.1:7",
        "| lan | wan |\n|---|---|\n| 10.7.0.1:5 | 203.0.113.1:6 |\n| 10.7.0.2:5 | 203.0.113.1:7 |",
        "WAN, LAN\n203.0.113.1:6, 10.7.0.1:5\n203.0.113.1:7, 10.7.0.2:5",
    ],
)
def test_the_rows_of_a_table_may_be_written_as_text(text):
    assert read_table(text) == (("10.7.0.1:5", "203.0.113.1:6"), ("10.7.0.2:5", "203.0.113.1:7"))


@pytest.mark.parametrize("text", ["", "lan | wan", "10.7.0.1:5", "10.7.0.1:5, 203.0.113.1:6, 10.7.0.2:5", "a -> b"])
def test_text_that_does_not_fill_the_rows_of_a_table_is_no_answer(text):
    with pytest.raises(NoAnswerError):
        read_table(text)


def test_nobody_answers_twice(tmp_path):
    assert answer(tmp_path, OPCODE, "op = 1\nop = 2\n")["op"].points == 0


@pytest.mark.parametrize(("given", "verdict"), [('""', "not-met"), ('" "', "not-met"), ('"so"', "manual")])
def test_nobody_has_to_read_an_empty_answer(tmp_path, given, verdict):
    question = '[[answer]]\nid = "why"\nask = "?"\ntype = "text"\nmark = "manual"\npoints = 1\n'
    assert answer(tmp_path, question, f"why = {given}")["why"].verdict == verdict
