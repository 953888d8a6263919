"""The pictures of products: their attachments that are pictures, the first one uploaded is the one shown small."""
from sqlalchemy import select

from app.core.attachments import Attachment


def _pictures():
    return select(Attachment).where(Attachment.entity == "product", Attachment.mime.startswith("image/")).order_by(Attachment.id)


def of(session, product_id: int) -> list[Attachment]:
    """All pictures of a product, in the order of their upload."""
    return list(session.scalars(_pictures().where(Attachment.row_id == product_id)))


def first(session, product_ids) -> dict[int, Attachment]:
    """The first picture of each of some products, by product id."""
    ids = {i for i in product_ids if i}
    found: dict = {}
    for picture in session.scalars(_pictures().where(Attachment.row_id.in_(ids))) if ids else ():
        found.setdefault(picture.row_id, picture)
    return found
