"""Money: integer fen in the database, Decimal yuan in Python. One rounding rule: half up, to the fen."""
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


def to_yuan(fen: int) -> Decimal:
    """Integer fen to Decimal yuan with two places."""
    return (Decimal(fen) / 100).quantize(Decimal("0.01"))


def shown(fen: int) -> str:
    """Fen as people read it: 1,234.50 (yuan)."""
    return f"{to_yuan(fen):,.2f}"
