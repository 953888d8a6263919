"""From a cell to a field's value, by kind; every refusal is a sentence, no value changes in silence."""
import datetime as dt
import re
import unicodedata
from decimal import Decimal

from app.core import clock, money
from app.core.words import _, _l

EPOCH = dt.datetime(1899, 12, 30)  # day 0 of a spreadsheet
DATE = re.compile(r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?$")
COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
TIME = re.compile(r"^(.+?)[\sT]+(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:\.\d+)?)?[秒分]?$")
YES, NO = {"是", "有", "√", "y", "yes", "true", "1", "对"}, {"否", "无", "×", "n", "no", "false", "0", "不", "x"}
MOBILE = re.compile(r"^(?:\+?86)?(1[3-9]\d{9})$")
LANDLINE = re.compile(r"^[+\d][\d\-()转*#,]{4,30}$")
EMAIL = re.compile(r"^[^@\s,;]+@[^@\s,;]+\.[^@\s.,;]+$")
URL = re.compile(r"^(https?://)?[^\s/.]+(\.[^\s/.]+)+(/\S*)?$", re.I)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


FORMATS = {"phone": (LANDLINE, _l("not a phone number")), "email": (EMAIL, _l("not an e-mail address")),
           "url": (URL, _l("not a web address"))}


class Fault(Exception):
    """A cell that cannot be taken; the message says why."""


def as_text(raw) -> str:
    """A cell as text: one width for digits and letters of numbers is left to the kinds; whole floats lose their '.0'."""
    if raw is None:
        return ""
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 1e15:
        return str(int(raw))
    if isinstance(raw, (dt.datetime, dt.date)):
        return raw.isoformat(sep=" ") if isinstance(raw, dt.datetime) else raw.isoformat()
    return str(raw).strip().removeprefix("'")


def narrow(raw) -> str:
    """Text with half-width digits, letters and marks."""
    return unicodedata.normalize("NFKC", as_text(raw)).strip()


def text(one, raw):
    """A line of text in its format and size."""
    value = as_text(raw)
    if CONTROL.search(value):
        raise Fault(_("control characters"))
    if one.format:
        value = _formatted(one.format, raw)
    if one.size and len(value) > one.size:
        raise Fault(_("longer than %(n)d characters", n=one.size))
    return value


def _formatted(kind, raw):
    value = re.sub(r"[\s]+", "", narrow(raw))
    if kind in ("mobile", "phone") and re.fullmatch(r"\d(\.\d+)?e\+?\d+", value.lower()):
        value = _exact(value)
    if kind == "mobile":
        found = MOBILE.match(value.replace("-", ""))
        if not found:
            raise Fault(_("not a mobile number"))
        return found[1]
    pattern, message = FORMATS[kind]
    if not pattern.match(value):
        raise Fault(str(message))
    return value


def _exact(value: str) -> str:
    """1.3812345678E+10 is exact; 1.38E+10 has lost its digits."""
    number, digits = Decimal(value), value.lower().split("e")[0].replace(".", "")
    if len(digits) < int(number.adjusted()) + 1:
        raise Fault(_("the number lost its digits in the spreadsheet (1.38E+10)"))
    return str(int(number))


def day(one, raw):
    """A date: 2024/3/5, 2024年3月5日, 2024.3.5, 20240305, 45356, a spreadsheet's own date."""
    if isinstance(raw, dt.datetime):
        return raw.date()
    if isinstance(raw, dt.date):
        return raw
    value = narrow(raw)
    found = DATE.match(value) or COMPACT.match(value)
    try:
        if found:
            return dt.date(*(int(part) for part in found.groups()))
        if re.fullmatch(r"\d{5}(\.\d+)?", value):
            return (EPOCH + dt.timedelta(float(value))).date()
        if moment := TIME.match(value):
            return day(one, moment[1])
    except (ValueError, OverflowError):
        pass
    raise Fault(_("not a date"))


def moment(one, raw):
    """A moment in office time, as naive UTC; a day alone is its first minute."""
    if isinstance(raw, dt.datetime):
        return clock.to_utc(raw.replace(microsecond=0))
    value = narrow(raw)
    if re.fullmatch(r"\d{5}\.\d+", value):
        return clock.to_utc((EPOCH + dt.timedelta(float(value))).replace(microsecond=0))
    found = TIME.match(value)
    date = day(one, found[1] if found else raw)
    try:
        time = dt.time(*(int(part or 0) for part in found.groups()[1:])) if found else dt.time()
        return clock.to_utc(dt.datetime.combine(date, time))
    except (ValueError, OverflowError):
        raise Fault(_("not a time")) from None


def amount(one, raw):
    """Yuan as fen: 1,234.50, ¥1,234.5, 12.5万."""
    try:
        return money.read(as_text(raw))
    except ValueError:
        raise Fault(_("not an amount")) from None


def whole(one, raw):
    """A whole number."""
    value = narrow(raw).replace(",", "")
    if not re.fullmatch(r"-?\d{1,9}", value):
        raise Fault(_("not a whole number"))
    return int(value)


def scaled(scale: int):
    """A decimal number in whole parts of 1/scale."""
    def read(one, raw):
        value = narrow(raw).replace(",", "").rstrip("%")
        if not re.fullmatch(r"-?\d{1,9}(\.\d+)?", value) or Decimal(value) * scale % 1:
            raise Fault(_("not a number"))
        return int(Decimal(value) * scale)
    return read


def flag(one, raw):
    """是/否, √/×, Y/N, 1/0."""
    value = narrow(raw).lower()
    if value in YES or value in NO:
        return value in YES
    raise Fault(_("neither yes nor no"))


KINDS = {"text": text, "note": text, "number": text, "date": day, "moment": moment, "money": amount, "whole": whole,
         "percent": scaled(100), "quantity": scaled(1000), "flag": flag}
