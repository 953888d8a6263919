"""Small versions of uploaded pictures, for lists and papers; made when first asked for, kept beside the uploads' temporary files."""
import io
import tempfile
import warnings
from pathlib import Path

from PIL import Image, ImageOps

PIXELS = 60_000_000  # of a picture that is opened; larger ones are not shown small
KEPT = Path(tempfile.gettempdir()) / "crm-thumbs"


def small(path: Path, edge: int) -> bytes | None:
    """A JPEG of a picture, at most `edge` pixels wide and high, upright; None when it cannot be read."""
    there = KEPT / f"{path.name}-{edge}.jpg"
    if there.exists():
        return there.read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=("PNG", "JPEG", "GIF", "WEBP")) as opened:
                if opened.width * opened.height > PIXELS:
                    return None
                opened.draft("RGB", (edge, edge))
                made = _flat(ImageOps.exif_transpose(opened))
        made.thumbnail((edge, edge))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    out = io.BytesIO()
    made.save(out, "JPEG", quality=82)
    KEPT.mkdir(mode=0o700, exist_ok=True)
    half = there.with_suffix(".part")
    half.write_bytes(out.getvalue())
    half.replace(there)
    return out.getvalue()


def _flat(picture):
    """On white where it is transparent."""
    if picture.mode in ("RGBA", "LA", "P", "PA"):
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        ground.alpha_composite(picture)
        picture = ground
    return picture.convert("RGB")
