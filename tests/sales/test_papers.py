"""What goes to paper says what the document says: PDF read again, its font whole, spreadsheet and Word opened by LibreOffice."""
import io
import re
import shutil
import subprocess

import openpyxl
import pytest
from fontTools.ttLib import TTFont
from pypdf import PdfReader

from app.contracts import rules as contracts
from app.contracts.models import Contract, ContractLine
from app.core import clock, money
from app.printing import pdf
from app.quotes import rules as quotes
from app.quotes.models import Quote, QuoteLine
from tests.story import line, save

pytestmark = pytest.mark.once

RARE = "镕喆堃犇淼垚囧赟翀昇嫄鑫焱森㎡①Ⅲ￥℃±×≤“”——、。《》（）【】"  # names and signs that Chinese quotes hold
KINDS = ("pdf", "xlsx", "docx")


@pytest.fixture
def quote(session, make):
    """A quote with discount, fees, three lines and rare characters everywhere."""
    customer = make.customer(name=f"苏州{RARE[:12]}精密机械有限公司")
    return save(session, quotes.check_quote, Quote(
        name="产线改造", customer_id=customer.id, owner_id=customer.owner_id, discount=9_750, fees=88_88, quoted_on=clock.today(),
        valid_until=clock.today() + clock.dt.timedelta(30), payment_terms="预付30%，发货前60%，质保金10%",
        delivery="合同生效后 4 周", terms=f"整机质保 12 个月。\n{RARE}", lines=[
            line(QuoteLine, 1199_99, 3000, name=f"伺服驱动器{RARE[:4]}", spec="1.5kW / 220V", unit="u8"),
            line(QuoteLine, 5000_01, 2500, name="运动控制器", spec="MC-002", unit="u8", position=1, note="含现场调试"),
            line(QuoteLine, 12_345_678_90, 1000, name="视觉工位", spec="标准型", unit="u13", position=2, is_taxed=False)]))


@pytest.fixture(params=["quote", "contract"])
def document(request, session, quote):
    """The quote, and a contract of the same lines."""
    if request.param == "quote":
        return quote
    same = ("name", "spec", "unit", "price", "quantity", "tax_rate", "is_taxed", "position", "note")
    return save(session, contracts.check_contract, Contract(
        name="产线改造", customer_id=quote.customer_id, owner_id=quote.owner_id, signed_on=clock.today(), discount=9_750, fees=88_88,
        payment_terms=quote.payment_terms, delivery="苏州工业园区胜浦路 168 号", note=f"整机质保 12 个月。\n{RARE}", state="signed",
        lines=[ContractLine(**{key: getattr(one, key) for key in same}) for one in quote.living]))


def paper(client, row, kind, **ask) -> bytes:
    """The file of a document."""
    with client.get(f"/{row.__tablename__}/paper/{row.id}.{kind}", query_string=ask) as answer:
        assert answer.status_code == 200, answer.status_code
        return answer.data


def read(data: bytes) -> str:
    """The text of a PDF without blanks."""
    return re.sub(r"\s", "", "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages))


def texts(row) -> list[str]:
    """What must stand on the paper of a quote or a contract, in words and to the fen."""
    lines = [t for x in row.living for t in (x.name, x.spec, f"{x.price / 100:,.2f}", f"{x.amount / 100:,.2f}", x.note) if t]
    sums = [f"{x / 100:,.2f}" for x in (row.lines_amount, row.tax, row.fees, row.amount)]
    own = [row.terms, str(row.quoted_on), str(row.valid_until), "报价单"] if isinstance(row, Quote) else [row.note, str(row.signed_on), "合同"]
    said = [row.number, row.customer.name, row.payment_terms, row.delivery, *own[0].split("\n"), *own[1:], "97.5%", money.capitals(row.amount)]
    return [re.sub(r"\s", "", text) for text in (*lines, *sums, *said)]


def test_the_text_of_the_pdf_equals_the_document(login, document):
    told = read(paper(login("li"), document, "pdf"))
    assert [text for text in texts(document) if text not in told] == []
    bare = read(paper(login("li"), document, "pdf", prices="0"))
    amounts = {f"{x / 100:,.2f}" for x in (document.amount, document.lines_amount, *(x.price for x in document.living), *(x.amount for x in document.living))}
    assert not [a for a in amounts if a in bare] and document.lines[0].name in bare and money.capitals(document.amount) not in bare


def test_no_glyph_is_missing_in_the_embedded_font(login, quote):
    """Each character of the PDF is drawn: its glyph is in the embedded subset and has an outline."""
    page = PdfReader(io.BytesIO(paper(login("li"), quote, "pdf"))).pages[0]
    fonts = [f.get_object() for f in page["/Resources"]["/Font"].values()]
    files = [f["/DescendantFonts"][0].get_object()["/FontDescriptor"]["/FontFile2"].get_data() for f in fonts]
    assert files, "the font is embedded"
    wide = TTFont(pdf.FONT).getBestCmap()
    assert [c for c in page.extract_text() if ord(c) not in wide and not c.isspace()] == []
    for data, font in zip(files, fonts, strict=True):
        subset, mapped = TTFont(io.BytesIO(data)), font["/ToUnicode"].get_object().get_data().decode()
        ids = re.findall(r"^<([0-9A-Fa-f]{4})> (?:<[0-9A-Fa-f]{4}> )?<([0-9A-Fa-f]{4,8})>", mapped, flags=re.M)
        names, outlines = subset.getGlyphOrder(), subset["glyf"]
        places = font["/DescendantFonts"][0].get_object()["/CIDToGIDMap"].get_object().get_data()
        empty = [chr(int(char[-4:], 16)) for glyph, char in ids if int(char, 16) > 0x20 and int(char, 16) != 0xA0
                 and outlines[names[int.from_bytes(places[2 * int(glyph, 16):2 * int(glyph, 16) + 2], "big")]].numberOfContours == 0]
        assert len(ids) > 60 and empty == []


def test_the_font_has_every_character_of_the_national_standard():
    """GB 2312 and GBK: what an input method in an office writes."""
    known, lacking = TTFont(pdf.FONT).getBestCmap(), []
    for first in range(0x81, 0xFF):
        for second in range(0x40, 0xFF):
            try:
                char = bytes((first, second)).decode("gbk")
            except UnicodeDecodeError:
                continue
            lacking += [char] if ord(char) not in known else []
    assert lacking == ["≒"], "one sign of geometry"


def test_amounts_of_the_spreadsheet_are_numbers(login, quote):
    sheet = openpyxl.load_workbook(io.BytesIO(paper(login("li"), quote, "xlsx"))).active
    numbers = [cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, int | float)]
    for fen in (quote.amount, quote.lines_amount, quote.tax, *(x.amount for x in quote.living)):
        assert fen / 100 in numbers, fen
    assert 2.5 in numbers, "quantities too"


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
@pytest.mark.parametrize("kind", ["xlsx", "docx"])
def test_libreoffice_opens_it_and_reads_the_same(login, document, tmp_path, kind):
    """Opened by LibreOffice, printed to PDF, read again: nothing is cut, no amount turned into ####."""
    place = tmp_path / f"paper.{kind}"
    place.write_bytes(paper(login("li"), document, kind))
    done = subprocess.run(["soffice", f"-env:UserInstallation=file://{tmp_path}/home", "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path),
                           str(place)], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    told = read((tmp_path / "paper.pdf").read_bytes())
    assert set(RARE) <= set(told) and "###" not in told
    assert [text for text in texts(document) if text not in told and text != RARE] == [], "signs drawn with another font may be read in another order"


def test_every_paper_is_for_who_may_read_the_quote(login, quote):
    for name, status in (("li", 200), ("chen", 200), ("wang", 404), ("zhao", 404)):
        client = login(name)
        for url in (f"/quote/print/{quote.id}", *(f"/quote/paper/{quote.id}.{kind}" for kind in KINDS)):
            with client.get(url) as answer:
                assert answer.status_code == status, (name, url)
    assert login("li").get(f"/quote/paper/{quote.id}.exe").status_code == 404
