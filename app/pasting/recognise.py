"""粘贴识别: a message, a signature or the text of a card becomes the fields of a customer, a contact and a follow-up. By rules alone,
offline: what carries a label (手机：…) is taken by it, the rest by its form; nothing is guessed that has no form of its own.
"""
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from app.customers.names import PROVINCE, TRADES

LABELS = {  # field: what people write in front of it
    "company": "公司名称|单位名称|企业名称|客户名称|开票抬头|发票抬头|公司|单位|企业|客户|抬头|Company|Corp",
    "person": "联系人姓名|联系人|姓名|名字|收件人|收货人|联络人|经办人|对接人|称呼|Name|Contact|Attn",
    "title": "职务|职位|岗位|头衔|Title|Position",
    "department": "所在部门|部门|Dept|Department",
    "mobile": "手机号码|手机号|移动电话|联系手机|手机|移动|Mobile|Mob|Cell|MP|M",
    "phone": "办公电话|公司电话|固定电话|联系电话|联系方式|座机|固话|总机|电话|直线|Telephone|Phone|Tel|T|P|O",
    "fax": "传真号码|传真|Fax|F",
    "email": "电子邮箱|电子邮件|公司邮箱|邮箱|邮件|E-?mail|Mail|E",
    "website": "公司网址|公司网站|网址|网站|官网|主页|Website|Web|Url|W",
    "address": "公司地址|办公地址|收货地址|收件地址|联系地址|详细地址|注册地址|地址|地点|所在地|Address|Addr|Add|A",
    "wechat": "微信号|微信|薇信|威信|WeChat|Weixin|VX|WX|V信",
    "qq": "QQ号码|QQ号|QQ",
    "tax_number": "纳税人识别号|统一社会信用代码|社会信用代码|信用代码|纳税号|税号",
    "postcode": "邮政编码|邮编|P\\.?C|Zip",
}
_LABEL = re.compile("(?:^|(?<=[\\s|,，;；、/(]))(?:" + "|".join(f"(?P<{n}>{words})" for n, words in LABELS.items()) +
                    r")\s*[.]?\s*[:：]\s*", re.I)
_BLANK_LABEL = re.compile("^(?:" + "|".join(
    f"(?P<{n}>{words})" for n, words in LABELS.items() if n not in ("company", "person", "title")) + r")\s+(?=[\w+(])", re.I)
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.A)
WEB = re.compile(r"(?:https?://|www\.)[\w./?=&%#:-]+|(?<![@\w.-])[\w-]+(?:\.[\w-]+)*\.(?:com|cn|net|org|top|io|co|shop|tech|vip|cc)"
                 r"(?:\.cn)?(?![\w@])(?:/\S*)?", re.A | re.I)
MOBILE = re.compile(r"(?<!\d)(?:\+?\(?(?:00)?86\)?[- ]?)?(1[3-9]\d)[- .]?(\d{4})[- .]?(\d{4})(?!\d)")
LANDLINE = re.compile(r"(?<![\d-])(?:\+?\(?86\)?[- ]?)?(\(?0?\d{2,3}\)?)[- ]?(\d{7,8}|\d{3,4}[- ]\d{4})"
                      r"(?:\s*(?:转|-|ext\.?|x|分机)\s*(\d{1,5}))?(?![\d-])", re.I)
SERVICE = re.compile(r"(?<!\d)([48]00)[- ]?(\d{3,4})[- ]?(\d{3,4})(?!\d)")
TAX = re.compile(r"(?<![0-9A-Z])(?:[159]\d[0-9A-HJ-NPQRTUWXY]{16}|\d{15})(?![0-9A-Z])")
_WORDS = {kind: words.split() for kind, words in (
    line.split(" ", 1) for line in Path(__file__).with_name("words.txt").read_text(encoding="utf-8").splitlines() if line)}
_KINDS, _TITLES = "|".join(_WORDS["company"]), "|".join(sorted(_WORDS["title"], key=len, reverse=True))
COMPANY = re.compile(rf"[\u4e00-\u9fffA-Za-z0-9()&·]{{2,40}}(?:{_KINDS})"
                     r"(?:\(?[\u4e00-\u9fff]{2,6}(?:分公司|办事处|分厂|门店)\)?)?")
LATIN_COMPANY = re.compile(r"[A-Z][\w&.,'() -]{1,50}?(?:Co\.?,? ?Ltd\.?|Inc\.?|LLC|GmbH|Corporation|Limited|Group)(?!\w)", re.A)
_SURNAME = "|".join(sorted(_WORDS["surname"], key=len, reverse=True))
PERSON = re.compile(rf"(?:{_SURNAME})[\u4e00-\u9fff·]{{1,2}}")
CALLED = re.compile(rf"({_SURNAME})(总|工|董|老师|经理|主任|先生|女士|小姐|部长|厂长|总监|主管|律师|医生|会计|师傅|教授|院长|校长|所长|"
                    r"科长|处长|局长)")
LATIN = re.compile(r"[A-Z][a-z]+(?: [A-Z][a-z]*\.?)? [A-Z][a-z]+(?:\([\u4e00-\u9fff]{2,4}\))?|[A-Z][a-z]{2,11}")
TITLE = re.compile(rf"(?:[\u4e00-\u9fffA-Za-z&/]{{0,8}}?)(?:{_TITLES})(?:(?:兼|/|、|\s*&\s*)[\u4e00-\u9fff]{{0,6}}(?:{_TITLES}))?", re.I)
DEPARTMENT = re.compile(r"[\u4e00-\u9fff]{1,8}(?:事业部|部门|部|处|科|办公室|中心|组|课|车间)")
_REGION = "|".join(sorted(PROVINCE, key=len, reverse=True))
_SIGN = r"[\u4e00-\u9fffA-Za-z0-9()\-·#]"
ADDRESS = re.compile(
    rf"(?:(?:中国)?(?:{_REGION})(?:省|市|自治区|县)?)?{_SIGN}{{0,40}}?[\u4e00-\u9fff]"
    rf"(?:路|街|道|巷|弄|里|园|园区|开发区|工业区|大厦|广场|中心|镇|村|城){_SIGN}{{0,40}}?\d{{1,6}}[\u4e00-\u9fffA-Za-z0-9()\-·#,]{{0,40}}"
    rf"(?:号|弄|室|楼|层|栋|幢|座|单元|厂房|区|期){_SIGN}*|"
    rf"(?:{_REGION})(?:省|市|自治区)?[\u4e00-\u9fff]{{2,12}}"
    rf"(?:路|街|大道|园区|开发区|工业园|科技园|产业园|镇|大厦|广场){_SIGN}*")
HELLO = re.compile(r"^(?:您好|你好|大家好|哈喽|hi|hello)?[,，。!！~ ]*"
                   r"(?:我们这边是|这里是|这边是|我们公司是|我们是|我这边是|我是|我司是|我司|本公司|来自|代表|关于)?", re.I)
LATIN_TITLE = re.compile(r"(?:[A-Z][A-Za-z]+ ){0,3}"
                         r"(?:Manager|Director|Engineer|President|Purchaser|Buyer|Officer|Assistant|Supervisor|CEO|CTO)")
LATIN_POLITE = re.compile(r"(?:Dear|Best|Kind|Warm|Regards|Thanks|Hi|Hello|Sincerely|Yours|From|To|Sent|Subject)\b", re.I)
INTRODUCED = re.compile(r"(?:this is|I am|I'm|my name is) ([A-Z][a-z]+ [A-Z][a-z]+)", re.I)
TRADE = re.compile(rf"(?:{_REGION})[\u4e00-\u9fff]{{0,8}}?(?:[\u4e00-\u9fff]业|{'|'.join(TRADES)})")
ADDRESSED = re.compile(rf"^\s*{CALLED.pattern}[,，:：!！ ]+(?=[您你我])")
CALLS_ITSELF = re.compile(r"^.*?(?:名叫|叫做|叫|来自|是)(?=[\u4e00-\u9fff]{4})")
POLITE = re.compile("|".join(_WORDS["polite"]))
LONGEST, LONG = 4000, 160  # characters of a text, and of a piece between two marks: longer ones are no card, and slow to look at
CUT = re.compile(r"[|｜\n\t;；]+|\s{2,}|[,，。!！]")


@dataclass
class Card:
    """What was recognised; '' where nothing was."""

    company: str = ""
    person: str = ""
    title: str = ""
    department: str = ""
    mobile: str = ""
    phone: str = ""
    fax: str = ""
    email: str = ""
    website: str = ""
    address: str = ""
    wechat: str = ""
    qq: str = ""
    tax_number: str = ""
    postcode: str = ""
    region: str = ""
    latin: str = ""  # a company's name in Latin letters, when there is none in Chinese
    more: list = field(default_factory=list)  # further mobiles

    def take(self, name: str, value: str) -> None:
        """Keep the first value of a field; a second mobile is kept aside."""
        value = value.strip(" ,，。.;；:：、-|/")
        if name == "mobile" and self.mobile and value and value != self.mobile:
            self.more.append(value)
        if value and not getattr(self, name):
            setattr(self, name, value)


def read(text: str) -> Card:
    """The fields of a pasted text."""
    card, plain = Card(), unicodedata.normalize("NFKC", text[:LONGEST])[:LONGEST].replace("\r", "\n").replace("\u200b", "")
    for mark in ("【", "】", "『", "』", "★", "●", "◆", "■", "☎", "📱", "📞", "✉", "📧", "🏠", "📍", "🌐", "*"):
        plain = plain.replace(mark, " ")
    plain = re.sub(r"(?<=[职单手电传邮网地微税姓部]) {1,4}(?=[务位机话真箱址信号名门编]\s*[:：])", "", plain)  # 姓  名：
    plain = re.sub(r"(?<=[\u4e00-\u9fff]) (?=[:：])", "", plain)
    plain = re.sub(r"(?m)^\s*([\u4e00-\u9fff]) {1,3}([\u4e00-\u9fff])\s*$", r"\1\2", ADDRESSED.sub("", plain))  # 李 娜
    rest = _by_form(card, _by_label(card, plain))
    for segment in CUT.split(rest):
        if segment.strip():
            _by_words(card, segment.strip()[:LONG])
    _finish(card)
    return card


# ---- by label -------------------------------------------------------------------------------------------------
def _by_label(card, text: str) -> str:
    """Take what has a label; returns what is left, line by line."""
    left = []
    for line in text.split("\n"):
        line = line.strip()
        found = list(_LABEL.finditer(line)) or ([m] if (m := _BLANK_LABEL.match(line)) else [])
        left.append(line[:found[0].start()] if found else line)
        for n, label in enumerate(found):
            value = line[label.end():found[n + 1].start() if n + 1 < len(found) else len(line)]
            left.append(_labelled(card, label.lastgroup, value.strip()))
    return "\n".join(left)


def _labelled(card, name: str, value: str) -> str:
    """Put a labelled value where it belongs; returns what must be looked at again."""
    if name in ("mobile", "phone", "fax", "email", "website", "tax_number"):
        if name == "fax":
            if found := LANDLINE.search(value):
                card.take("fax", _landline(found))
                return value[:found.start()] + " " + value[found.end():]
            return ""
        return value  # its form says it better: a mobile stands behind 电话 as well
    if name in ("wechat", "qq", "postcode"):
        found = re.match(r"[\w-]{5,30}" if name != "postcode" else r"\d{6}", value, re.A)
        if found:
            card.take(name, found[0])
            again = name == "wechat" and MOBILE.fullmatch(found[0]) and not card.mobile
            return value[found.end():] + (f"\n{found[0]}" if again else "")
        if "同手机" in value or "同号" in value:
            card.wechat = "="
        return "" if card.wechat == "=" else value
    if name == "address":
        found = re.split(r"(?:邮编|[;；|])|\s{2,}|[,，]\s*(?=1[3-9]\d{9})", value, maxsplit=1)
        card.take("address", found[0])
        return value[len(found[0]):]
    if name == "company" and COMPANY.search(value):
        return value
    if name == "person":
        return _person(card, value)
    first, gap, more = re.split(r"([\s,，;；|])", value, maxsplit=1) if re.search(r"[\s,，;；|]", value) else (value, "", "")
    card.take(name, first if name != "company" else value)
    return more if name != "company" else ""


def _person(card, value: str) -> str:
    found = CALLED.match(value) or PERSON.match(value) or LATIN.match(value) or re.match(r"[\u4e00-\u9fff]{2,4}", value)
    if not found:
        return value
    card.take("person", found[0])
    return value[found.end():]


# ---- by form --------------------------------------------------------------------------------------------------
def _landline(found) -> str:
    area, number, extension = found[1].strip("()"), found[2].replace(" ", "").replace("-", ""), found[3]
    area = area if area.startswith("0") else "0" + area
    return f"{area}-{number}" + (f"转{extension}" if extension else "")


def _by_form(card, text: str) -> str:
    """Take what its form tells apart: addresses of mail and web, numbers; returns the text without them."""
    def take(name, pattern, made, text):
        def put(found):
            card.take(name, made(found))
            return " | "
        return pattern.sub(put, text)
    text = take("email", EMAIL, lambda f: f[0], text)
    if found := INTRODUCED.search(text):
        card.take("person", found[1])
        text = text[:found.start()] + "|" + re.sub(r"^\s*(?:from|of|at)\s", "", text[found.end():])
    text = take("latin", LATIN_COMPANY, lambda f: f[0], text)
    text = take("website", WEB, lambda f: f[0].rstrip("/."), text)
    text = take("tax_number", TAX, lambda f: f[0], text)
    text = take("mobile", MOBILE, lambda f: "".join(f.groups()), text)
    text = take("phone", SERVICE, lambda f: "-".join(f.groups()), text)
    text = take("phone", LANDLINE, _landline, text)
    text = take("qq", re.compile(r"QQ\s*(\d{5,12})", re.I), lambda f: f[1], text)
    return take("wechat", re.compile(
        r"(?:微信|薇信|(?<![A-Za-z])(?:VX|WX)(?![a-z]))号?[是: ]*([A-Za-z][\w-]{5,19})", re.I | re.A), lambda f: f[1], text)


# ---- by words -------------------------------------------------------------------------------------------------
def _by_words(card, segment: str) -> None:
    """Company, address, title and person of a piece between two marks."""
    segment = HELLO.sub("", segment, count=1).strip()
    if segment.isascii():
        _latin(card, segment)
        return
    if not card.address and (found := ADDRESS.search(segment)) and not COMPANY.fullmatch(segment):
        card.take("address", segment[found.start():])
        segment = segment[:found.start()]
    if not card.company and (found := COMPANY.search(segment)):
        card.take("company", re.sub(r"^[的在]", "", CALLS_ITSELF.sub("", found[0])))
        segment = segment[:found.start()] + " " + re.sub(r"^的", "", segment[found.end():])
    if not card.company and (found := TRADE.search(segment)) and found.end() in (len(segment), segment.find(" ", found.end() - 1)):
        card.take("company", found[0])
        segment = segment.replace(found[0], " ")
    for piece in re.split(r"[\s/·、]+|(?<=[\u4e00-\u9fff])-(?=[\u4e00-\u9fff])", segment):
        if piece:
            _who(card, piece.strip("-—:：!?~").removeprefix("("))
    if not card.person and (found := LATIN.fullmatch(segment.strip()) or re.match(LATIN.pattern + r"(?=\s*$)", segment.strip())):
        card.take("person", found[0])


def _latin(card, segment: str) -> None:
    """Person and title of a piece without a Chinese character."""
    if LATIN_POLITE.match(segment):
        return
    for piece in re.split(r"\s*[/|,]\s*", re.sub(r"^(?:Mr|Ms|Mrs|Miss|Dr)\.? ", "", segment)):
        if LATIN_TITLE.fullmatch(piece):
            card.take("title", piece)
        elif LATIN.fullmatch(piece):
            card.take("person", piece)


def _who(card, piece: str) -> None:
    """Person, department and title that stand in one piece: 顾明辉, 采购部经理, 采购经理顾明辉, 张总."""
    if POLITE.match(piece):
        return
    found = re.fullmatch(rf"({PERSON.pattern})(?:\((先生|女士|小姐)\)|先生|女士|小姐)?", piece)
    if found and not re.search(_TITLES + "|部$", piece):
        card.take("person", found[1])
        return
    if found := CALLED.fullmatch(re.sub(r"^(?:我是|我叫|叫我|联系|找|请找|是)", "", piece)):
        card.take("person", found[0])
        return
    if found := re.match(rf"(?:我叫|我是|叫我|联系人是?|联系|找|是)({PERSON.pattern})$", piece):
        card.take("person", found[1])
        return
    if found := re.fullmatch(rf"({DEPARTMENT.pattern})?({TITLE.pattern})?的?({PERSON.pattern})?", piece):
        _split(card, found, 1)
        return
    if found := re.fullmatch(rf"({PERSON.pattern})({DEPARTMENT.pattern})?({TITLE.pattern})", piece):
        card.take("person", found[1])
        card.take("department", found[2] or "")
        card.take("title", found[3])
        return
    if found := re.search(rf"(?:我叫|我是)({PERSON.pattern})", piece):
        card.take("person", found[1])


def _split(card, found, at: int) -> None:
    card.take("department", found[at] or "")
    card.take("title", found[at + 1] or "")
    card.take("person", found[at + 2] or "")


def _finish(card) -> None:
    """What follows from the rest."""
    card.company = card.company or card.latin
    if card.wechat == "=":
        card.wechat = card.mobile
    if card.address and not card.postcode and (found := re.search(r"(?<!\d)(\d{6})(?!\d)\)?$", card.address)):
        card.postcode, card.address = found[1], card.address[:found.start()].rstrip(" (,，")
    place = re.match(rf"(?:中国)?(?:({_REGION})(?:省|市|自治区)?)(?:({_REGION})市?)?", card.address or card.company)
    if place:
        card.region = " ".join(filter(None, dict.fromkeys(place.groups())))
