"""Money: integer fen in the database, Decimal yuan in Python. One rounding rule: half up, to the fen."""
import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

LIMIT = 10**15  # fen; what a report can still add up


def to_fen(yuan: Decimal | str | int) -> int:
    """Decimal yuan to integer fen; raises ValueError when it is no number or beyond ten trillion yuan."""
    try:
        fen = int((Decimal(yuan) * 100).quantize(Decimal(1), ROUND_HALF_UP))
    except (InvalidOperation, TypeError, OverflowError) as bad:
        raise ValueError("not an amount") from bad
    if abs(fen) >= LIMIT:
        raise ValueError("amount too large")
    return fen


def read(text: str) -> int:
    """Yuan as people write them (1,234.50, ¥1,234.5, 12.5万) as fen; raises ValueError."""
    plain = re.sub(r"[,¥元\s]", "", unicodedata.normalize("NFKC", text))
    factor = {"万": 10_000, "亿": 100_000_000}.get(plain[-1:], 1)
    try:
        return to_fen(Decimal(plain[:-1] if factor > 1 else plain) * factor)
    except InvalidOperation as bad:
        raise ValueError("not an amount") from bad


def to_yuan(fen: int) -> Decimal:
    """Integer fen to Decimal yuan with two places."""
    return (Decimal(fen) / 100).quantize(Decimal("0.01"))


def shown(fen: int) -> str:
    """Fen as people read it: 1,234.50 (yuan)."""
    return f"{to_yuan(fen):,.2f}"


def half_up(over: int, under: int) -> int:
    """over / under, rounded half away from zero to a whole number; `under` is positive."""
    return -((-over * 2 + under) // (under * 2)) if over < 0 else (over * 2 + under) // (under * 2)


DIGITS, UNITS, GROUPS = "零壹贰叁肆伍陆柒捌玖", ("", "拾", "佰", "仟"), ("", "万", "亿", "万亿")


def _group(four: int) -> str:
    """Up to four digits in capitals, inner zeros once, no zero at the ends."""
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = four // 10 ** place % 10
        if digit:
            text += ("零" if gap and text else "") + DIGITS[digit] + UNITS[place]
            gap = False
        else:
            gap = True
    return text


def capitals(fen: int) -> str:
    """An amount in Chinese capitals (大写金额), by the rules for filling in bills (支付结算办法, 附一): 壹佰元整, 伍角零叁分."""
    yuan, jiao, cent = abs(fen) // 100, abs(fen) // 10 % 10, abs(fen) % 10
    text, zero = "", False
    for place in (3, 2, 1, 0):
        four = yuan // 10_000 ** place % 10_000
        if four:
            text += ("零" if text and (zero or four < 1000) else "") + _group(four) + GROUPS[place]
            zero = False
        elif text:
            zero = True
    if text:
        text += "元"
    if jiao:
        text += ("零" if text and yuan % 10 == 0 else "") + DIGITS[jiao] + "角"
    if cent:
        text += ("零" if text and not jiao else "") + DIGITS[cent] + "分"
    return ("负" if fen < 0 else "") + ((text or "零元") + ("" if cent else "整"))
