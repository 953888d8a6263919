"""A Chinese spreadsheet is taken as it is: encodings, titles, merged cells, synonyms."""
import io

import openpyxl
import pytest
import xlwt

from app.core.rules import RuleError
from app.imports import headings, reading

pytestmark = pytest.mark.sqlite  # the same whatever the database: once

TABLE = [["客户名称", "手机", "联系人"], ["苏州恒远", "13812345678", "顾明辉"], ["无锡创捷", "13900001111", "钱志伟"]]


def _csv(encoding, mark=","):
    return "\r\n".join(mark.join(row) for row in TABLE).encode(encoding)


def _xlsx(title=False):
    book = openpyxl.Workbook()
    sheet = book.active
    if title:
        sheet.append(["2026 年客户台账", None, None])
        sheet.merge_cells("A1:C1")
        sheet.append([None, None, None])
    for row in TABLE:
        sheet.append(row)
    if title:
        sheet.append(["苏州恒远", "13700002222", "蒋卫东"])
        sheet["A5"].value, sheet["A6"].value = "无锡创捷", None
        sheet.merge_cells("A5:A6")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _xls():
    book = xlwt.Workbook()
    sheet = book.add_sheet("客户")
    for r, row in enumerate(TABLE):
        for c, cell in enumerate(row):
            sheet.write(r, c, cell)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("data", [_csv("utf-8"), _csv("utf-8-sig"), _csv("gbk"), _csv("gb18030", "\t"), _csv("utf-8", ";"), _csv("utf-16"),
                                  _xlsx(), _xls()], ids=["utf8", "bom", "gbk", "gb18030-tab", "semicolon", "utf16", "xlsx", "xls"])
def test_every_form_gives_the_same_table(app, data):
    sheet = reading.read(data, headings.known("customer"))
    assert sheet.headings == TABLE[0] and sheet.heading_row == 1
    assert [[str(c) for c in cells] for _n, cells in sheet.rows] == TABLE[1:] and [n for n, _c in sheet.rows] == [2, 3]


def test_title_rows_are_skipped_and_merged_cells_filled(app):
    sheet = reading.read(_xlsx(title=True), headings.known("customer"))
    assert (sheet.headings, sheet.heading_row) == (TABLE[0], 3)
    assert [cells[0] for _n, cells in sheet.rows] == ["苏州恒远", "无锡创捷", "无锡创捷"] and sheet.rows[-1][0] == 6


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0jpeg\x00\x00\x81", b"PK\x03\x04broken", b"\xd0\xcf\x11\xe0broken", b"\x00\x01\x02\x03" * 9])
def test_what_is_no_spreadsheet_is_refused_in_a_sentence(app, data):
    with app.test_request_context(), pytest.raises(RuleError):
        reading.read(data, headings.known("customer"))


def test_headings_match_through_synonyms_and_phones_go_to_the_contact(app):
    with app.test_request_context():
        assert headings.match(["公司名称 *", "手机号", "联系人姓名", "职务", "所属行业", "奇怪的列", "负责人"], "customer") == [
            "customer.name", "contact.mobile", "contact.name", "contact.title", "customer.industry", "", "customer.owner"]
        assert headings.match(["单位名称", "手机"], "customer") == ["customer.name", "customer.mobile"]
