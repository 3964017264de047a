"""What `redact` takes out of a medical row, and which medical numbers it must leave."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lf_wrap.conversation import Conversation, Turn
from lf_wrap.dataset.redact import _RULES, _SUSPECT, TAGS, redact


def redacted(text: str) -> tuple[str, Counter[str]]:
    counts: Counter[str] = Counter()
    return redact(Conversation.single(text, "好的"), counts).turns[0].text, counts


PERSONAL = [
    ("phone", "13812345678", "[电话]"),
    ("phone", "我的手机是13812345678，急", "我的手机是[电话]，急"),
    ("phone", "138-1234-5678", "[电话]"),
    ("phone", "138 1234 5678", "[电话]"),
    ("phone", "+86 13812345678", "[电话]"),
    ("phone", "+86-138-1234-5678", "[电话]"),
    ("phone", "8613812345678", "[电话]"),
    ("phone", "１３８１２３４５６７８", "[电话]"),
    ("phone", "打010-62345678转8012", "打[电话]"),
    ("phone", "(0571)87654321", "[电话]"),
    ("phone", "（021）62345678", "[电话]"),
    ("phone", "0755 26543210", "[电话]"),
    ("phone", "021—62345678", "[电话]"),
    ("phone", "预约400-800-1234", "预约[电话]"),
    ("phone", "400 8001234", "[电话]"),
    ("phone", "4008001234", "[电话]"),
    ("phone", "800-810-8888", "[电话]"),
    ("phone", "电话：87654321", "电话：[电话]"),
    ("phone", "联系方式:6234-5678", "联系方式:[电话]"),
    ("phone", "Tel: 87654321", "Tel: [电话]"),
    ("phone", "tel13812345678", "tel[电话]"),
    ("id_card", "11010519491231002X", "[身份证]"),
    ("id_card", "身份证号：440524188001010014", "身份证号：[身份证]"),
    ("id_card", "（11010519491231002x）", "（[身份证]）"),
    ("id_card", "110105 19491231 002X", "[身份证]"),
    ("id_card", "１１０１０５１９４９１２３１００２Ｘ", "[身份证]"),
    ("id_card", "身份证110105194912310029", "身份证[身份证]"),  # the check digit is wrong, the word is there
    ("id_card", "旧证110105491231002", "旧证[身份证]"),
    ("email", "zhang.san+1@mail.example.com.cn", "[邮箱]"),
    ("email", "邮箱a_b@163.com。", "邮箱[邮箱]。"),
    ("email", "12345678@qq.com", "[邮箱]"),
    ("url", "https://example.com/a?b=1&c=2", "[网址]"),
    ("url", "见http://x.cn/看病。", "见[网址]看病。"),
    ("url", "(www.example.org/path)", "([网址])"),
    ("url", "请看haodf.com上的", "请看[网址]上的"),
    ("url", "39.net", "[网址]"),
    ("url", "WWW.EXAMPLE.COM", "[网址]"),
    ("url", "访问 zz.gov.cn/a.html。", "访问 [网址]。"),
    ("wechat", "微信：abc_12345", "微信：[微信]"),
    ("wechat", "微信号 zhangsan", "微信号 [微信]"),
    ("wechat", "微信13812345678", "微信[微信]"),
    ("wechat", "加我wx: zs88888", "加我wx: [微信]"),
    ("wechat", "VX：hello-world", "VX：[微信]"),
    ("wechat", "加V zs123456", "加V [微信]"),
    ("wechat", "WeChat: zs_2020", "WeChat: [微信]"),
    ("wechat", "v信zs2020", "v信[微信]"),
    ("wechat", "薇信是abcdef", "薇信是[微信]"),
    ("qq", "QQ：12345678", "QQ：[QQ]"),
    ("qq", "qq号123456", "qq号[QQ]"),
    ("qq", "企鹅号：10001", "企鹅号：[QQ]"),
    ("qq", "扣扣 10001", "扣扣 [QQ]"),
    ("qq", "QQ群：987654321", "QQ群：[QQ]"),
    ("record_number", "病历号：12345", "病历号：[病历号]"),
    ("record_number", "住院号ZY20210305001，", "住院号[病历号]，"),
    ("record_number", "门诊号: 0012345", "门诊号: [病历号]"),
    ("record_number", "就诊卡号 A-1234567", "就诊卡号 [病历号]"),
    ("record_number", "检查号：CT123456", "检查号：[病历号]"),
    ("record_number", "医保卡号：310012345678", "医保卡号：[病历号]"),
    ("record_number", "病案号码为0098765", "病案号码为[病历号]"),
    ("record_number", "病理号：2021-04567", "病理号：[病历号]"),
    ("record_number", "患者ID：88001234", "患者ID：[病历号]"),
    ("record_number", "就诊卡：1234", "就诊卡：[病历号]"),
    ("record_number", "X线号：556677", "X线号：[病历号]"),
    ("bank_card", "4111 1111 1111 1111", "[银行卡]"),
    ("bank_card", "卡4111111111111111", "卡[银行卡]"),
    ("address", "我住在北京市朝阳区建国路88号2号楼301室", "我住在[地址]"),
    ("address", "住中山路12号", "住[地址]"),
    ("address", "浙江省杭州市西湖区文三路478号，", "[地址]，"),
    ("address", "位于番禺路888弄12号502室。", "位于[地址]。"),
    ("address", "人民南路三段17号", "[地址]"),
    ("address", "王府井大街十二号", "[地址]"),
    ("address", "鼓楼巷3号", "[地址]"),
    ("address", "来自解放大道1277号阳光小区3栋2单元", "来自[地址]"),
    ("address", "家庭住址：某某村三组张家院子", "家庭住址：[地址]"),
    ("name", "我叫张三，今年45岁", "我叫[姓名]，今年45岁"),
    ("name", "你好，我名叫欧阳小明。", "你好，我名叫[姓名]。"),
    ("name", "我的名字叫李小红", "我的名字叫[姓名]"),
    ("name", "我的名字是李小红", "我的名字是[姓名]"),
    ("name", "姓名：张三 性别：男", "姓名：[姓名] 性别：男"),
    ("name", "姓名：张三性别：男", "姓名：[姓名]性别：男"),
    ("name", "患者姓名：买买提·艾力，", "患者姓名：[姓名]，"),
    ("name", "姓 名: John Smith\n", "姓 名: [姓名]\n"),
    ("name", "患者王小明，男，45岁", "患者[姓名]，男，45岁"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "expected"), PERSONAL)
def test_personal_data_becomes_a_tag(kind: str, text: str, expected: str) -> None:
    assert redacted(text) == (expected, Counter({kind: 1}))


MEDICAL = """
0.5g 3次/日|阿莫西林0.5g tid×7天|120/80mmHg|HCG 13800.5|HCG 13800.5 mIU/ml|体温38.5℃|10-15|10-15次/分|2021-03-05
2021年3月5日|20210305|2021-03-05 10:30:15|10:30|08:00-17:30|WBC 12.5×10^9/L|血小板 150000/μl
HBV-DNA 13800000000 copies/ml|HBV-DNA：1.38E+10|病毒载量13812345678拷贝|样本编号：13812345678|条形码 13912345678
标本号13712345678|LIS13812345678|批号：20210305|国药准字H20123456|国药准字Z13020111|ICD-10 M54.502|拨打120
请拨120急救电话|热线12320|拨打12345|床号：12|3号病房|1号线|第3号|8月1号|5号床12|建立静脉通路2号|通路3号导管|思路1号
张医生|王大夫您好|李主任12年经验|我叫救护车|我叫了120|我叫王医生来|我叫王阿姨，她说|我叫老公，他说|我叫儿子。
姓名：不详|姓名：张某|姓名：保密|药品姓名：阿莫西林|医生姓名：王五|患者：高烧，女儿也咳|患者高血压，男，56岁
患者黄疸，男，3天|患者高热，女，20岁|患者，男，45岁|微信 WeChat 咨询|微信支付|加微信|VX-770|QQ聊天|QQ 医生|a.m. 8
H.pylori阳性|E.coli|e.g. 3.5|T1.5 MR|0.9%氯化钠250ml|5%GS 500ml+VitC 2.0g|110105194912310029|4111111111111112
1234567890123456789012|血糖 5.6-7.8mmol/L|400-800mg|400-800 mg/日|每日1500000-3000000IU|CD4 350-500|心率60-100次/分
LDH 1380 U/L|PaO2 60 mmHg|10000000000个|就诊卡遗失|住院 2021-03-05|门诊 3 次|CT 示 12mm×8mm|检查 5 次|住院号不详
电话随访 2021-03-05|电话 2021-03-05 打来|身高175-180 体重65-70|L4-5 L5-S1|2-3周后复查|孕12+3周|3/4 1/2|NCT04280705
PMID 31234567|doi 10.1016|T 36.5 P 80 R 20 BP 120/80|1 2 3 4 5 6 7 8 9|0.25 0.50 0.75 1.00|2019 2020 2021 年
第13812345678.5次|旁路2号|一走路3号脚趾就痛|地址不详
""".replace("\n", "|").strip("|").split("|")  # fmt: skip


@pytest.mark.parametrize("text", MEDICAL)
def test_medical_numbers_and_doctors_stay(text: str) -> None:
    counts: Counter[str] = Counter()
    row = Conversation.single(text, f"回复：{text}。", system=text, asked=text)
    assert redact(row, counts) is row
    assert not counts


def test_the_tables_are_large_enough() -> None:
    assert len(PERSONAL) >= 60
    assert len(set(MEDICAL)) >= 60
    assert {kind for kind, *_ in PERSONAL} == set(TAGS)


def test_every_text_is_redacted_and_each_piece_counted_once() -> None:
    counts: Counter[str] = Counter()
    ask = "我叫张三，电话13812345678/13912345678"
    row = Conversation((Turn("user", f"问：{ask}"), Turn("assistant", "好")), "QQ：12345678", asked=ask, group="g")
    hidden = "我叫[姓名]，电话[电话]/[电话]"
    turns = (Turn("user", f"问：{hidden}"), Turn("assistant", "好"))
    assert redact(row, counts) == Conversation(turns, "QQ：[QQ]", asked=hidden, group="g")
    assert counts == {"name": 1, "phone": 2, "qq": 1}


PIECES = st.one_of(
    st.sampled_from([text for _, text, _ in PERSONAL] + MEDICAL + list(TAGS.values()) + list(" -.，:：/0159号路")),
    st.text(max_size=4),
)


@given(st.lists(PIECES, max_size=8).map("".join))
def test_the_fast_looks_miss_nothing(text: str) -> None:
    for _, needed, pattern, sure in _RULES:
        if any(sure is None or sure(match) for match in pattern.finditer(text)):
            assert _SUSPECT.search(text)
            assert not needed or set(needed) & set(text)


@given(st.lists(PIECES, max_size=8).map("".join))
def test_a_second_pass_finds_nothing(text: str) -> None:
    once = redact(Conversation.single(text, text), Counter())
    assert redact(once, Counter()) is once
