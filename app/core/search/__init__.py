"""Fragment and pinyin search over all entities (speed.md): two-character grams, pinyin, codes, scoped by owner."""
from . import index
from .index import find, matching_ids, missing, narrow, rebuild

__all__ = ["find", "index", "matching_ids", "missing", "narrow", "rebuild"]
