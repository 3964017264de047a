"""Writes the term-normalisation sample `dataset_info/raw/sample/term_normalization.xlsx`.

The rows are ours: operations on paired and single organs, written the way wards write them, beside a
standard term that follows five learnable rules (see `RULES`). The script is deterministic, so that
the file in the repository can be regenerated and compared.

    python scripts/make_samples.py            # writes the file
    python scripts/make_samples.py --check    # exits 1 when the committed file differs
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from pathlib import Path

from openpyxl import Workbook, load_workbook

TARGET = Path(__file__).parent.parent / "dataset_info/raw/sample/term_normalization.xlsx"
ROWS = 180

PAIRED = {  # organ: the operations done on it
    "甲状腺": ["部分切除术", "次全切除术", "腺叶切除术", "肿物切除术"],
    "乳房": ["切除术", "肿物切除术", "重建术"],
    "卵巢": ["切除术", "囊肿切除术", "楔形切除术"],
    "输卵管": ["切除术", "结扎术", "造口术"],
    "肾": ["切除术", "部分切除术", "造口术", "囊肿切除术"],
    "肾上腺": ["切除术", "肿物切除术"],
    "输尿管": ["切开取石术", "支架置入术", "吻合术"],
    "睾丸": ["切除术", "固定术", "活检术"],
    "腹股沟疝": ["修补术", "无张力修补术"],
    "腮腺": ["切除术", "肿物切除术"],
    "颌下腺": ["切除术", "囊肿切除术"],
    "扁桃体": ["切除术", "活检术"],
    "上颌窦": ["开窗术", "根治术"],
    "鼓膜": ["成形术", "切开术"],
    "髋关节": ["置换术", "镜检查术"],
    "膝关节": ["置换术", "镜检查术", "滑膜切除术"],
    "肺": ["楔形切除术", "活检术"],
    "泪囊": ["摘除术", "吻合术"],
}
RULES = """
1  左侧 右侧 左 右 → 单侧
2  两侧 → 双侧
3  囊肿切除术 肿物切除术 → 病损切除术
4  镜下 → 镜
5  行…术后 → …术
"""
SIDES = {"左侧": "单侧", "右侧": "单侧", "左": "单侧", "右": "单侧", "两侧": "双侧"}
LAPAROSCOPIC = {"卵巢", "输卵管", "肾", "肾上腺", "腹股沟疝"}


def terms() -> list[tuple[str, str]]:
    """Every (as written, standard) pair the rules give, in a fixed order."""
    pairs = []
    for (organ, operations), (side, standard_side) in itertools.product(PAIRED.items(), SIDES.items()):
        for operation in operations:
            standard = operation.replace("囊肿切除术", "病损切除术").replace("肿物切除术", "病损切除术")
            pairs.append((f"{side}{organ}{operation}", f"{standard_side}{organ}{standard}"))
            if organ in LAPAROSCOPIC:
                pairs.append((f"腹腔镜下{side}{organ}{operation}", f"腹腔镜{standard_side}{organ}{standard}"))
            if side == "左侧":
                pairs.append((f"行{side}{organ}{operation}后", f"{standard_side}{organ}{standard}"))
    return pairs


def sample() -> list[tuple[str, str]]:
    """`ROWS` of the pairs, drawn with a fixed seed."""
    return random.Random(7).sample(terms(), ROWS)


def written(path: Path) -> list[tuple[str, str]]:
    """The rows that stand in the workbook at `path`, without its header."""
    sheet = load_workbook(path, read_only=True).active
    assert sheet is not None
    return [(str(word), str(standard)) for word, standard in sheet.iter_rows(min_row=2, values_only=True)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    if parser.parse_args().check:
        return 0 if written(TARGET) == sample() else 1
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["原始词", "标准词"])
    for row in sample():
        sheet.append(row)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    book.save(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
