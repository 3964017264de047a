"""Which mojibake is repaired, which is called lost, and which honest text stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lf_wrap.sources.mojibake import repair, repair_lines, repair_row
from scripts.measure_mojibake import measure
from tests.conftest import REAL_DATA

SEEDS = REAL_DATA.parent / "seeds"
CODECS = ("latin-1", "cp1252", "cp1254")
ENGLISH = st.sampled_from("abcXYZ 0189.,:{}\n\t")
LATIN = st.characters(min_codepoint=0xC0, max_codepoint=0x17F, categories=("Lu", "Ll"))
CHINESE = st.one_of(
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), st.sampled_from("，。！？、；：“”《》（）…—")
)
FRAGILE = [*map(chr, range(0x80, 0xA0)), "\xad"]


def spoilt(text: str, codec: str, dropped: str = "") -> str:
    """UTF-8 read with the wrong codec, undefined bytes as C1 controls, and some characters dropped."""
    read = "".join(bytes([byte]).decode(codec, "ignore") or chr(byte) for byte in text.encode())
    return read.translate({ord(char): None for char in dropped})


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "text",
    ["中文", "患者：咳嗽，38.5℃", "café", "Größe", "à la", "🦥 Train", "“quoted” – dash", "Привет", "한국어", "ｍｇ"],
)
def test_what_was_decoded_wrongly_is_taken_back(text: str, codec: str) -> None:
    assert repair(spoilt(text, codec)) == (text, "repaired")


@given(st.text(st.one_of(ENGLISH, LATIN, CHINESE), max_size=60), st.sampled_from(CODECS))
def test_any_text_is_restored_when_no_bytes_are_lost(text: str, codec: str) -> None:
    text += "\n主诉：咳嗽"  # so that there is evidence: `Ä“` alone may be an umlaut before a quote
    assert repair(spoilt(text, codec)) == (text, "repaired")


@given(
    st.text(st.one_of(ENGLISH, LATIN, CHINESE), max_size=60), st.sampled_from(CODECS), st.sets(st.sampled_from(FRAGILE))
)
def test_whatever_is_dropped_no_line_is_restored_wrongly(text: str, codec: str, dropped: set[str]) -> None:
    text += "\n主诉：咳嗽\n现病史：发热"
    lines, lost, repaired = repair_lines(spoilt(text, codec, "".join(dropped)))
    for number in repaired:
        assert lines[number - 1] == text.split("\n")[number - 1]
    assert not set(lost) & set(repaired)


@pytest.mark.parametrize(
    "line",
    [
        "å…¶ä¸",  # 中 (E4 B8 AD), 不 (E4 B8 8D) and others become this line
        "å…¶ä¸\ufffd",
        "å…¶ä¸?",
        "ä¸",
        "ï¼Œå",
        "å…¶€\x80",  # no codec gives both € and U+0080 for the byte 80
        "Il a été à l'hÃ´tel",  # honest and spoilt letters in one line
    ],
)
def test_what_several_texts_become_is_lost_and_left(line: str) -> None:
    assert repair(line) == (line, "lost")
    assert repair_lines(f"ok\n{line}\n{spoilt('你好', 'cp1252')}") == (["ok", line, "你好"], [2], [3])


@pytest.mark.parametrize("rare", ["𧿹", "é", "🦥"])
def test_a_spoilt_character_among_honest_chinese_is_restored(rare: str) -> None:
    line = "“{}囊肿”——切除术…37°C"
    assert repair(line.format(spoilt(rare, "cp1252"))) == (line.format(rare), "repaired")


# Whole characters that show every byte from 80 to BF: whatever byte is missing elsewhere was not dropped everywhere.
SEEN = "主诉：咳嗽\n" + "".join(chr(0xC0 + byte) for byte in range(64))


def test_a_missing_byte_is_proven_by_the_others() -> None:
    text = f"{SEEN.replace('í', '')}\nmi país está aquí."
    assert repair(spoilt(text, "cp1252", dropped="\xad")) == (text, "repaired")


def test_a_missing_byte_may_have_stood_in_two_places() -> None:
    text = f"{SEEN.replace('í', '')}\n其中"  # E4 B8 AD; without the AD it may be 䭸 (E4 AD B8) as well
    assert repair(spoilt(text, "cp1252", dropped="\xad")).status == "lost"


def test_no_break_spaces_that_became_spaces_are_found() -> None:
    text = f"{SEEN.replace('à', '')}\n加载 GPU 加 载\ndéjà à la carte"
    assert repair(spoilt(text, "latin-1").replace("\xa0", " ")) == (text, "repaired")


def test_a_no_break_space_stripped_from_an_end_is_not_taken_for_another_byte() -> None:
    text = f"{SEEN.replace('í', '')}\n增加"  # 加 is E5 8A A0; with AD for its last byte it would be 劭
    assert repair_lines(spoilt(text, "latin-1", dropped="\xad").rstrip())[1] == [3]


HONEST = """
患者：咳嗽，38.5℃。“您好”——医生… | Il a été à l'hôtel «café» déjà vu | « Il l'a abordé\xa0» | l'a abordé\xa0», dit
voilà\xa0» | Größe: Spaß, „Ö“, Bär“ | BÖ“ | É» | MANHÃ… | IRMÃ” disse | náš, váš, muž | São Paulo, Ação | naïve “Zoë”
ÂGE, Âme | 👨‍👩‍👧 😊 é… | 10²±3 µg/ml, 37°C, ½ Tbl. | Å Ä Ö å ä ö | Çelik İstanbul ğüşı | 2×½ | payé 5€ | Ðæði
CAFÉ™ | pâté® | café…
""".strip().replace("\n", " | ").split(" | ")  # fmt: skip


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_is_clean(text: str) -> None:
    assert repair(text) == (text, "clean")


@given(st.lists(st.sampled_from([*HONEST, "咳嗽", "。", "\n", "word"]), max_size=6).map(" ".join))
def test_honest_texts_together_are_clean(text: str) -> None:
    assert repair(text) == (text, "clean")


@given(st.text(st.one_of(ENGLISH, CHINESE, st.characters(min_codepoint=0x1F300, max_codepoint=0x1FAFF))))
def test_chinese_is_clean_and_the_same_object(text: str) -> None:
    assert repair(text).text is text


def test_a_row_is_repaired_at_any_depth() -> None:
    bad = spoilt("内容", "cp1252")
    row = {"id": 7, bad: [{"a": bad, "b": None}, "好"]}
    assert repair_row(row) == ({"id": 7, "内容": [{"a": "内容", "b": None}, "好"]}, True, False)


@pytest.mark.parametrize("row", [None, 3, "好", ["é", 1.5], {"a": {"b": ("x",)}}, float("inf")])
def test_a_row_without_mojibake_is_the_same_object(row: Any) -> None:
    assert repair_row(row) == (row, False, False)
    assert repair_row(row)[0] is row


def test_a_row_with_lost_characters_says_so() -> None:
    row = ["ä¸", spoilt("好", "latin-1")]
    assert repair_row(row) == (["ä¸", "好"], True, True)


def seed(name: str) -> str:
    if not (SEEDS / name).is_file():
        pytest.skip("../shared/seeds is not here")
    return (SEEDS / name).read_bytes().decode("utf-8")


@pytest.mark.real_data
def test_a_real_spoilt_file_is_restored_as_far_as_can_be_proven() -> None:
    given, true = seed("001_52592619de1ea837.txt"), seed("000_1da5cdf6fec7d526.txt")
    lines, lost, repaired = repair_lines(given)
    measured = measure(given.split("\n"), true.split("\n"), lines, set(lost))
    # cp1254 without the bytes 81 8D 8E 8F 90 9D 9E AD: 17 of 147 lines hold none of these bytes.
    assert measured.lines == 147
    assert measured.restored >= 17
    assert (measured.wrong, measured.unnoticed) == (0, 0)
    assert measured.lost == 130
    assert len(repaired) == 17


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["000_1da5cdf6fec7d526.txt", "002_09dbe61eec000619.txt", "003_5a96adc27a870903.txt"])
def test_real_chinese_documents_are_clean(name: str) -> None:
    assert repair(seed(name)).status == "clean"


@pytest.mark.real_data
def test_real_rows_are_clean(real_data: Path) -> None:
    for path in [*real_data.rglob("*.json"), *real_data.rglob("*.jsonl")]:
        assert repair(path.read_text(encoding="utf-8")).status == "clean", path


@pytest.mark.real_data
def test_a_rare_character_of_a_real_code_list_is_restored(real_data: Path) -> None:
    text = (real_data / "yidu-n7k/code.txt").read_text(encoding="utf-8")
    _, lost, repaired = repair_lines(text)
    assert (len(lost), len(repaired)) == (0, 4)
    assert "77.5900\t其他𧿹囊肿切除术" in repair(text).text  # ð§¿¹囊肿 in the file
