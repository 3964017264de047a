"""Personal data of patients out of medical rows: each piece is replaced by a tag that says what it was.

Rules only, no guesses: what can be recognised by its form (a checksum, a prefix) or by the word in front of it. A dose,
a lab value, a date or a range is never touched, which is why loose digits are not. Doctors' names stay, for they are
public, and so do hotlines of three and five digits (120, 12320). The text itself is never logged, only counted by kind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from unicodedata import normalize

from lf_wrap.conversation import Conversation, Turn

TAGS = {  # by their kind in `counts`
    "phone": "[电话]", "id_card": "[身份证]", "email": "[邮箱]", "url": "[网址]", "wechat": "[微信]", "qq": "[QQ]",
    "record_number": "[病历号]", "bank_card": "[银行卡]", "address": "[地址]", "name": "[姓名]",
}  # fmt: skip
_DIGITS, _NUMERALS = "0-9０-９", "0-9０-９零一二三四五六七八九十百"
_D = f"[{_DIGITS}]"

# What a text must hold for any rule to apply: one of a set, which is searched fast, and then what few of these have
# behind them; looking back is slow and comes last.
_SUSPECT = re.compile(
    rf"[{_DIGITS}@＠:.QqVvWwI号卡弄址微威薇扣鹅加叫字姓男女](?:[- )）{_DIGITS}](?:[- )）]{{0,2}}{_D}){{5}}"
    r"|//|e(?:[Cc]hat|ixin)|[Xx](?<=[VvWw][Xx])|[Qq](?<=[Qq]{2})|D(?<=ID)|ww\.|WW\.|c(?:om|n|c)|net|org|edu|gov|info|xyz"
    rf"|(?<=[@＠号卡弄址微威薇扣鹅加叫字姓男女Vv])(?:(?<=[{_NUMERALS}][号弄])|(?<=[号卡])码?[\s:：#=是为]{{0,4}}[A-Za-z{_DIGITS}]"
    r"|(?<=[@＠])|(?<=址)\s*[:：]|信|(?<=扣)扣|(?<=鹅)|(?<=加)[vVwW微薇威]|(?<=[我名是字]叫)|(?<=名字)是|(?<=姓)\s?名"
    r"|(?<=[，,、\s][男女])(?:性|[\s,，。、；;\d])))"
)
_FREE = rf"(?<![A-Za-z{_DIGITS}])(?<!{_D}[.．-])"  # no part of a longer number or code
_END = rf"(?!{_D}|[.．]{_D})"
_END_OF_CODE = rf"(?![A-Za-z]){_END}"
# 13800000000 copies/ml is a virus load; 13812345678/13912345678 are two numbers.
_NO_UNIT = r"(?!\s?(?:/\s?[A-Za-zμ]|[×^%％]|copies|拷贝|个|IU|mg|ml))"
_IS = r"[\s:：#=是为]{0,4}"
_NO_DATE = r"(?!(?:19|20)\d\d(?:[-./年]\d{1,2}(?!\d)|\d{4}(?!\d)))"
_EMAIL = re.compile(r"(?<![\w.+-])(?P<x>[\w.+-]{1,64}[@＠](?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,12})", re.ASCII)
_PATH = r"[!#-&(-;=?-\[\]_a-z~]*[\w/=#&%-]"  # visible ASCII without quotes, braces and brackets around an address
_URL = re.compile(
    rf"(?P<x>(?:https?|ftp)://{_PATH}|(?<!\w)(?:www|WWW)\.{_PATH}|(?<![\w.@-])(?:[A-Za-z0-9-]{{1,63}}\.){{1,4}}"
    rf"(?:com|cn|net|org|edu|gov|info|xyz|cc)(?![\w-])(?:[/?#](?:{_PATH})?)?)",
    re.ASCII,
)
_ID_CARD = re.compile(rf"(?P<x>{_FREE}[1-9１-９]{_D}{{5}} ?{_D}{{8}} ?{_D}{{3}}[{_DIGITS}XxＸｘ]{_END_OF_CODE})")
_OLD_ID_CARD = re.compile(rf"(?P<x>{_FREE}[1-9１-９]{_D}{{14}}{_END_OF_CODE})")
_NAMED_ID_CARD = re.compile(rf"身份证(?:号码?|件号)?{_IS}(?P<x>{_D}{{14,17}}[{_DIGITS}XxＸｘ])(?!{_D})")
_BANK_CARD = re.compile(rf"(?P<x>{_FREE}[3-69]{_D}{{3}}(?:[- ]?{_D}{{4}}){{3}}(?:[- ]?{_D}{{1,3}})?{_END_OF_CODE})")
_RECORD_NUMBER = re.compile(
    r"(?:(?:病[历案]|住院|门诊|急诊|就诊|检查|诊疗|登记|挂号|影像|超声|病理|放射|体检|透析|医保|社保|健康|磁|一卡通|CT|MRI?"
    rf"|DR|X[线光]|B超)(?:卡?(?:号码?|编号|流水号|登记号)|卡)|(?:患者|病人|就诊|住院)\s?ID号?){_IS}{_NO_DATE}"
    rf"(?P<x>[A-Za-z]{{0,6}}-?{_D}[A-Za-z{_DIGITS}-]{{2,24}}[A-Za-z{_DIGITS}])(?![.．]{_D})"
)
_WECHAT = re.compile(
    r"(?:[微威薇]信|[Ww]e[Cc]hat|[Ww]eixin|(?<![A-Za-z])[VvWw][Xx]|[Vv]信|加[vVwW微薇威])(?P<sure>号码?|账号|ID)?\s{0,2}"
    r"(?P<is>[:：=是为])?\s{0,2}(?P<x>[A-Za-z0-9][A-Za-z0-9_-]{4,19})(?![A-Za-z0-9_])"
)
_QQ = re.compile(rf"(?:(?<![A-Za-z])[Qq]{{2}}|扣扣|企鹅)(?:号码?|群号?)?{_IS}(?P<x>[1-9１-９]{_D}{{4,10}}){_END}")
_AREA = rf"0(?:10|2{_D}|[3-9]{_D}{{2}})"
_PHONE = re.compile(
    rf"{_FREE}(?P<x>(?:(?:[+＋]|00)?86[- ]?)?[1１][3-9３-９]{_D}(?:[- ]?{_D}{{4}}){{2}}"  # mobile
    rf"|(?:[+＋]?86[- ]?)?(?:[(（]{_AREA}[)）][- ]?|{_AREA}[- —－])[2-8]{_D}{{6,7}}(?:[-转]\s?{_D}{{1,6}})?"  # landline
    rf"|400[- ]?(?:{_D}{{3}}[- ]?{_D}{{4}}|{_D}{{4}}[- ]?{_D}{{3}})|800[- ]{_D}{{3}}[- ]?{_D}{{4}}){_END}{_NO_UNIT}"
)
_NAMED_PHONE = re.compile(
    rf"(?:电话|手机|座机|热线|传真|联系方式|致电|拨打|[Tt]el|TEL|[Pp]hone)(?:号码?)?[.]?{_IS}{_NO_DATE}"
    rf"(?P<x>[+＋]?[(（]?{_D}(?:[- )）]{{0,2}}{_D}){{6,12}}){_END}{_NO_UNIT}"
)
_LAB_NUMBER = re.compile(r"(?:标本|样本|条形?码|试管|批|准|产品|货|订单|流水|编)[文号字]?[号码]?[\s:：#]*[A-Za-z]*-?\Z")

# Names of places and roads, without characters that lead up to one: 家住在…, 位于…, 患者来自….
_PLACE = r"[^\W\da-zA-Z_一在住居位于是到去从址来自的了和与为我你他她家者经过沿走]"
_PROVINCE = (
    "(?:北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西"
    "|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门)(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区)?"
)
_ADDRESS = re.compile(
    rf"(?P<x>(?:{_PROVINCE})?(?:{_PLACE}{{2,6}}?(?:市|自治州|地区|盟))?(?:{_PLACE}{{1,6}}?[区县旗])?"
    rf"(?:{_PLACE}{{1,5}}?(?:镇|乡|街道))?{_PLACE}{{1,6}}(?:(?<![通思线旁尿电回半走气血管胆])路|街|大道|巷|弄|胡同)"
    rf"[东西南北中]?(?:[一二三四五]?段)?(?:{_D}{{1,5}}(?:[-—之]{_D}{{1,4}})?|[一二三四五六七八九十百零]{{1,5}})[号弄](?![线方位菌])"
    rf"(?:(?:{_PLACE}{{2,8}}?(?:小区|花园|大厦|公寓|家园|新村|苑))?"
    rf"[A-Za-z]?{_D}{{1,5}}(?:号[楼院]?|[栋幢座层楼室房户弄]|单元)|[A-Z]座)*)"
)
_WORD = r"[^\s,，。;；\[\]]"
_NAMED_ADDRESS = re.compile(rf"[住地]址\s*[:：]\s*(?P<x>(?={_WORD}*[省市区县镇乡村路街号栋]){_WORD}{{4,60}})")
# The commonest family names, without those that begin words of a complaint or a request: 白(斑), 左(侧), 严(重),
# 康(复), 石, 温, 常, 安, 单, 车, 毛, 易. Of the others such words are named.
_FAMILY = (
    "王李张刘陈杨黄吴赵周徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹曾彭萧肖蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭"
    "廖范汪陆金戴贾韦夏邱方侯邹熊孟秦阎薛闫雷龙陶贺顾郝龚邵万钱覃武莫孔汤洪俞乔庞翁齐葛施裴岑聂岳殷符詹卞鲁耿焦祝柯阮纪舒祁涂甘"
)
_NAME = (
    rf"(?!高[血热烧龄脂度压]|黄疸|任何|何[人时]|方便|于是|[一-龥]某)(?:欧阳|司马|上官|诸葛|司徒|东方|尉迟|皇甫|[{_FAMILY}])"
    "[一-龥]{1,2}(?<!医生|大夫|主任|教授|护士|老师|先生|女士|阿姨)(?<![总哥姐妈爸爷奶叔婶嫂姨伯婆医])"
)
_STOP = r"[\s,，。.、；;:：！!？?（(）)\[\]】」\"”]|今年|来自|\Z"
_CALLED = re.compile(rf"(?:我(?:的名字)?(?:名?叫做?|是叫)|名字[叫是])\s?(?P<x>{_NAME})(?={_STOP})")
_NAME_FIELD = re.compile(
    r"(?<!医生|医师|大夫|药品|商品)姓\s?名\s?[:：]\s?(?!不详|未知|未提供|未填|保密|匿名|无|略|空|[一-龥]某)"
    rf"(?P<x>[一-龥]{{2,4}}?(?:·[一-龥]+)*|[A-Za-z.'-]+(?: [A-Za-z.'-]+){{0,3}})(?=性别|年龄|电话|住院|[男女]|{_STOP})"
)
_PATIENT = re.compile(rf"患者(?:姓名)?[:：]?\s?(?P<x>{_NAME})(?=[\s,，、]\s?[男女](?:性|[\s,，。、；;\d]))")
Sure = Callable[[re.Match[str]], bool]


def redact(conversation: Conversation, counts: Counter[str]) -> Conversation:
    """The conversation with personal data replaced by `TAGS`, the same object when it holds none.

    `counts` gets the number of pieces by kind. `asked`, which repeats what the turns hold, is redacted but not counted.
    """
    for text in (*(text for _, text in conversation.turns), conversation.system, *conversation.others):
        if _SUSPECT.search(text):
            break
    else:
        return conversation
    system, asked = _redacted(conversation.system, counts), _redacted(conversation.asked, Counter())
    turns = tuple(Turn(role, _redacted(text, counts)) for role, text in conversation.turns)
    others = tuple(_redacted(text, counts) for text in conversation.others)
    redacted = conversation._replace(turns=turns, system=system, asked=asked, others=others)
    return redacted if redacted != conversation else conversation


def _redacted(text: str, counts: Counter[str]) -> str:
    """`text` after all rules, as often as they find something: a tag may end a number that a rule shied away from."""
    before = "" if _SUSPECT.search(text) else text
    while text != before:
        before = text
        for kind, needed, pattern, sure in _RULES:
            if not needed or any(sign in text for sign in needed):
                text = _replaced(kind, pattern, sure, text, counts)
    return text


def _replaced(kind: str, pattern: re.Pattern[str], sure: Sure | None, text: str, counts: Counter[str]) -> str:
    def put(match: re.Match[str]) -> str:
        if sure and not sure(match):
            return match.group()
        counts[kind] += 1
        begin, end = match.span("x")
        return text[match.start() : begin] + TAGS[kind] + text[end : match.end()]

    return pattern.sub(put, text)


def _is_id_card(match: re.Match[str]) -> bool:
    """18 digits with a date and the check digit of GB 11643-1999 (ISO 7064 MOD 11-2)."""
    digits = normalize("NFKC", match["x"]).replace(" ", "").upper()
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(digits[:17]))
    return _is_date(digits[6:14]) and "10X98765432"[total % 11] == digits[17]


def _is_old_id_card(match: re.Match[str]) -> bool:
    """15 digits: a province (GB/T 2260: 11-15 … 81, 82), a date without its century."""
    digits = normalize("NFKC", match["x"])
    known = re.match("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12]", digits) and _is_date(f"19{digits[6:12]}")
    return bool(known) and _is_no_lab_number(match)


def _is_date(digits: str) -> bool:
    try:
        return 1850 < date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year < 2100
    except ValueError:
        return False


def _is_bank_card(match: re.Match[str]) -> bool:
    """16 to 19 digits whose Luhn sum (ISO/IEC 7812-1) is right."""
    digits = [int(digit) for digit in reversed(match["x"]) if digit not in " -"]
    total = sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return total % 10 == 0 and _is_no_lab_number(match)


def _is_no_lab_number(match: re.Match[str]) -> bool:
    return not _LAB_NUMBER.search(match.string, max(0, match.start() - 12), match.start())


def _is_wechat(match: re.Match[str]) -> bool:
    """A word behind 微信 is an id when something says so, or when it holds a digit: 微信 WeChat is none."""
    return bool(match["sure"] or match["is"]) or any(sign.isdigit() for sign in match["x"])


# In this order, for a keyword decides what a number is. Second come characters of which a text must have one.
_RULES: tuple[tuple[str, str, re.Pattern[str], Sure | None], ...] = (
    ("email", "@＠", _EMAIL, None),
    ("url", ".:", _URL, None),
    ("id_card", "证", _NAMED_ID_CARD, None),
    ("id_card", "", _ID_CARD, _is_id_card),
    ("record_number", "号卡D", _RECORD_NUMBER, None),
    ("wechat", "信xX加tn", _WECHAT, _is_wechat),
    ("qq", "Qq扣鹅", _QQ, None),
    ("bank_card", "", _BANK_CARD, _is_bank_card),
    ("id_card", "", _OLD_ID_CARD, _is_old_id_card),
    ("phone", "", _NAMED_PHONE, None),
    ("phone", "", _PHONE, _is_no_lab_number),
    ("address", "号弄", _ADDRESS, None),
    ("address", "址", _NAMED_ADDRESS, None),
    ("name", "叫是", _CALLED, None),
    ("name", "姓", _NAME_FIELD, None),
    ("name", "患", _PATIENT, None),
)
