"""A made-up company for `make demo`: real company names of the public register, invented people, phones and words."""
import csv
import gzip
from pathlib import Path


def register() -> str:
    """The companies listed in Shanghai, Shenzhen and Beijing as CSV text: 客户名称, 客户简称, 拼音首字母, 地区, 所属行业, …"""
    return gzip.decompress((Path(__file__).parent / "companies.csv.gz").read_bytes()).decode("utf-8")


def companies(many: int | None = None) -> list[dict]:
    """The first rows of the register."""
    return list(csv.DictReader(register().splitlines()))[:many]
