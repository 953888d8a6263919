"""Pictures of products: several, small in the list, on the page, on a quote when asked for (manual 4.9.3)."""
import io

import pytest
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import select

from app.core.attachments import Attachment
from app.quotes import rules as quotes
from app.quotes.models import Quote, QuoteLine
from tests.story import line, save

pytestmark = pytest.mark.once


def picture(kind="PNG", size=(900, 600), mode="RGB") -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else (255, 0, 0, 0)).save(out, kind)
    return out.getvalue()


def upload(client, product, *files):
    """Post files to a product; the answer."""
    return client.post(f"/file/product/{product.id}", data={"files": [(io.BytesIO(data), name) for name, data in files]},
                       content_type="multipart/form-data")


@pytest.fixture
def shown(session, login, make):
    """A product with two pictures and a data sheet, another without any."""
    product, bare = make.product(name="驱动器"), make.product(name="电缆")
    upload(login("admin"), product, ("正面.png", picture()), ("侧面.jpg", picture("JPEG", (400, 1200))), ("说明.txt", "说明".encode()))
    session.expire_all()
    return product, bare, list(session.scalars(select(Attachment).where(Attachment.mime.startswith("image/")).order_by(Attachment.id)))


def test_pictures_stand_in_the_list_and_on_the_page(login, shown):
    product, bare, (front, side) = shown
    client = login("li")
    page, listed = client.get(f"/product/show/{product.id}").text, client.get("/product/list/?quick=all").text
    assert f'data-picture="{front.id}"' in page and f'data-picture="{side.id}"' in page and page.count("data-picture=") == 2
    assert f'src="/file/{front.id}/small"' in listed and f"/file/{side.id}/" not in listed, "the first one stands for the product"
    assert f'action="/file/product/{product.id}"' not in page, "who may not edit is offered no upload"
    assert f'action="/file/product/{product.id}"' in login("admin").get(f"/product/show/{product.id}").text
    assert "data-picture=" not in client.get(f"/product/show/{bare.id}").text


def test_the_list_asks_for_its_pictures_at_once(login, make, shown, statements):
    client = login("admin")
    client.get("/product/list/?quick=all")
    with statements() as few:
        client.get("/product/list/?quick=all")
    for _n in range(15):
        upload(client, make.product(), ("a.png", picture(size=(20, 20))))
    with statements() as many:
        client.get("/product/list/?quick=all")
    assert len(many) <= len(few) + 1


@pytest.mark.parametrize("data", [picture(), picture("JPEG"), picture("GIF"), picture("WEBP"), picture(mode="RGBA"), picture(size=(3, 3000))])
def test_a_small_picture_is_small_whatever_it_was(login, make, data):
    product, client = make.product(), login("admin")
    upload(client, product, ("图.webp" if data[:4] == b"RIFF" else "图", data))
    file = client.application  # the client's application holds the session of the test
    assert file is not None
    from app.extensions import db
    key = db.session.scalar(select(Attachment.id).order_by(Attachment.id.desc()))
    with client.get(f"/file/{key}/small") as answer:
        made = Image.open(io.BytesIO(answer.data))
        assert answer.mimetype == "image/jpeg" and max(made.size) <= 96 and "private" in answer.headers["Cache-Control"]
    with client.get(f"/file/{key}/small?edge=240") as answer:
        assert max(Image.open(io.BytesIO(answer.data)).size) <= 240


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n" + b"x" * 50, picture()[:60], b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01\x86\xa0\x00\x01\x86\xa0\x08\x02\x00\x00\x00"])
def test_a_broken_or_huge_picture_is_not_made_small_and_breaks_nothing(login, make, data):
    product, client = make.product(), login("admin")
    upload(client, product, ("坏.png", data))
    from app.extensions import db
    key = db.session.scalar(select(Attachment.id).order_by(Attachment.id.desc()))
    assert client.get(f"/file/{key}/small").status_code == 404
    assert client.get(f"/product/show/{product.id}").status_code == 200 == client.get("/product/list/?quick=all").status_code


def test_pictures_are_for_who_may_read_products_and_of_records_he_sees(login, make, shown, as_role, session):
    _product, _bare, (front, _side) = shown
    assert login("").get(f"/file/{front.id}/small").status_code in (302, 401)
    assert login("li").get(f"/file/{front.id}/small").status_code == 200
    assert upload(login("li"), _product, ("a.png", picture())).status_code == 403
    customer = make.customer(owner="li")
    upload(login("li"), _product, ("a.png", picture()))
    login("li").post(f"/file/customer/{customer.id}", data={"files": [(io.BytesIO(picture()), "名片.png")]}, content_type="multipart/form-data")
    card = session.scalar(select(Attachment.id).where(Attachment.entity == "customer"))
    assert login("li").get(f"/file/{card}/small").status_code == 200 and login("zhao").get(f"/file/{card}/small").status_code == 404


def test_a_quote_shows_the_products_only_when_asked(login, session, make, people, shown):
    product, bare, (front, _side) = shown
    lines = [line(QuoteLine, product_id=product.id, name="驱动器"), line(QuoteLine, product_id=bare.id, name="电缆", position=1), line(QuoteLine, name="安装", position=2)]
    quote = save(session, quotes.check_quote, Quote(name="报价", customer_id=make.customer().id, owner_id=people["li"], quoted_on=product.created_at.date(),
                                                    valid_until=product.created_at.date(), discount=10_000, lines=lines))
    client = login("li")
    assert "<img" not in client.get(f"/quote/print/{quote.id}").text
    page = client.get(f"/quote/print/{quote.id}?pictures=1").text
    assert page.count(f'src="/file/{front.id}/small?edge=240"') == 1 == page.count('class="pic"')
    for query, n in (("", 0), ("?pictures=1", 1)):
        with client.get(f"/quote/paper/{quote.id}.pdf{query}") as answer:
            pages = PdfReader(io.BytesIO(answer.data)).pages
            text = "".join(p.extract_text() for p in pages)
            assert sum(len(p.images) for p in pages) == n and "驱动器" in text and "安装" in text
