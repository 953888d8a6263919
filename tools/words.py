"""Extracts every text a user can see, updates the catalogues, fills the English one, compiles; tells what Chinese lacks."""
import subprocess
import sys
from pathlib import Path

from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("zh", "en")


def _babel(*words) -> None:
    subprocess.run([sys.executable, "-m", "babel.messages.frontend", "-q", *words], cwd=ROOT, check=True)


def catalogue(language: str):
    """The catalogue of a language."""
    with (ROOT / "translations" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def fresh():
    """The catalogue of what stands in the sources now."""
    place = ROOT / "instance" / "messages.pot"
    place.parent.mkdir(exist_ok=True)
    _babel("extract", "-F", "babel.cfg", "-k", "_l", "-k", "_", "-k", "ngettext:1,2", "--omit-header", "--sort-output",
           "-o", str(place), "app")
    with place.open("rb") as file:
        return read_po(file)


def missing(language: str, template=None) -> list[str]:
    """Texts of the sources that a language has no words for."""
    have, template = catalogue(language), template or fresh()
    found = []
    for message in template:
        known = have.get(message.id) if message.id else None
        said = known.string if known else ""
        if message.id and (not said or (isinstance(said, tuple) and not all(said)) or (known and known.fuzzy)):
            found.append(message.id if isinstance(message.id, str) else message.id[0])
    return found


def update(language: str, template) -> None:
    """Bring a catalogue up to the sources; English says what the id says."""
    place = ROOT / "translations" / language / "LC_MESSAGES" / "messages.po"
    place.parent.mkdir(parents=True, exist_ok=True)
    have = catalogue(language) if place.exists() else read_po(iter(()), locale=language)
    have.update(template, no_fuzzy_matching=True)
    have.obsolete.clear()
    have.fuzzy, have.header_comment = False, "# 快客 CRM"
    for message in have:
        if message.id and language == "en":
            message.string = message.id
        message.locations = []
    with place.open("wb") as file:
        write_po(file, have, width=0, sort_output=True, omit_header=False)


def main() -> None:
    """All steps; exit status 1 when a Chinese word is missing."""
    template = fresh()
    for language in LANGUAGES:
        update(language, template)
    _babel("compile", "-d", "translations", "-f")
    lacking = missing("zh", template)
    if len(template) < 100:
        sys.exit("nothing was extracted")
    print("\n".join(lacking) or "zh and en are complete")
    sys.exit(bool(lacking))


if __name__ == "__main__":
    main()
