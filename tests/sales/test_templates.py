"""The firm's own Word templates: tried with a real document, refused with a sentence that says what and where, then taken into use."""
import html
import io
import re

import pytest
from docx import Document

from app.core import parameters
from app.printing import word
from tests.story import line, said


def made(*texts, header="") -> bytes:
    """A Word file with these paragraphs."""
    document, out = Document(), io.BytesIO()
    for text in texts:
        document.add_paragraph(text)
    document.sections[0].header.paragraphs[0].text = header
    document.save(out)
    return out.getvalue()


@pytest.fixture
def paper(make):
    """A document of 李: `paper("quote")`."""
    kinds = {"quote": "QuoteLine", "contract": "ContractLine"}

    def one(entity):
        from app.contracts import models as contracts
        from app.quotes import models as quotes
        kind = getattr({"quote": quotes, "contract": contracts}[entity], kinds[entity])
        return make.row(entity, "li", name="产线改造", lines=[line(kind, 1199_99, amount=1199_99)], amount=1199_99)
    return one


def upload(client, entity, data, name="公司版式.docx", **more):
    """The page after a file was given to it."""
    return client.post(f"/template/try/{entity}", data={"file": (io.BytesIO(data), name), **more})


@pytest.mark.parametrize("entity", ["quote", "contract"])
def test_a_template_is_tried_then_taken_and_what_is_wrong_never_is(login, session, paper, entity):
    admin, li, row, key = login("admin"), login("li"), paper(entity), f"print.{entity}"
    names = re.findall(r'data-name="(\w+)"', admin.get("/template/").text)
    assert names == list(word.WORDS) and "客户" in admin.get("/template/").text
    with admin.get("/template/sample.docx") as out:
        assert upload(admin, entity, out.data).text.count("data-preview") == 1, "what the house gives to begin with is whole"
    whole = made("恒远版式 {{ number }}", "{%p for line in lines %}", "{{ line.name }}：{{ line.amount }}", "{%p endfor %}", '{{ by_label["传真"] }}完',
                 header="{{ company.name }}")
    page = upload(admin, entity, whole).text
    assert f"恒远版式 {row.number}" in page and "驱动器：1,199.99" in page and parameters.get(session, key) == "", "seen, not yet used"
    kept = html.unescape(re.search(r'name="kept" value="([^"]+)"', page)[1])
    with admin.get(f"/template/filled/{entity}.docx", query_string={"kept": kept}) as out:
        assert Document(io.BytesIO(out.data)).paragraphs[0].text == f"恒远版式 {row.number}"
    assert admin.post(f"/template/use/{entity}", data={"kept": kept}).status_code == 302
    for data, name, words in (
            (made("{{ title }}", "客户：{{ customer_nmae }}"), "错.docx", ("customer_nmae", "客户：")),
            (made("{%p for line in lines %}", "价 {{ line.prise }}", "{%p endfor %}"), "错.docx", ("prise", "价")),
            (made("电话 {{ company.fone }}"), "错.docx", ("fone", "电话")),
            (made("合计 {{ capitals ", "尾"), "坏.docx", ("合计", "括号")),
            (made("{%p for line in lines %}", "{{ line.name }}"), "坏.docx", ("没有结束",)),
            (made("{% wenn title %}"), "坏.docx", ("wenn", "没有这个命令")),
            (b"PK\x03\x04 no document", "假.docx", ("不是 Word 文档",)),
            (b"not even a zip", "假.docx", ("假.docx",)), (whole, "版式.doc", ("docx",)), (b"", "空.docx", ("docx",))):
        page = upload(admin, entity, data, name)
        told = html.unescape(said(page))
        assert all(word in told for word in words) and "使用中的模板" in told and "data-preview" not in page.text, (name, words, told)
    session.expire_all()
    assert parameters.get(session, key) == kept, "the one in use stays"
    with li.get(f"/{entity}/paper/{row.id}.docx") as out:
        assert [p.text for p in Document(io.BytesIO(out.data)).paragraphs] == [f"恒远版式 {row.number}", "驱动器：1,199.99", "完"]
    assert "BJ-0" in said(upload(admin, entity, whole, number="BJ-0")), "a number that there is not"
    admin.post(f"/template/use/{entity}", data={"none": "1"})
    session.expire_all()
    assert parameters.get(session, key) == ""


def test_templates_are_the_administrators(login, session, paper):
    paper("quote")
    li, admin, kept = login("li"), login("admin"), f"{'0' * 64}:x.docx"
    assert [li.get("/template/").status_code, upload(li, "quote", made("{{ number }}")).status_code,
            li.post("/template/use/quote", data={"none": "1"}).status_code] == [403] * 3
    for url, data in (("/template/use/quote", {"kept": kept}), ("/template/use/quote", {"kept": "../../etc/passwd:x.docx"}),
                      ("/template/use/payment", {"none": "1"}), ("/template/try/payment", {})):
        assert admin.post(url, data=data).status_code == 404, url
