"""Copies the front-end files in use from node_modules to app/static/vendor/ and cuts the icon font to the icons in use.

Run by `make run` and `make test` after `npm ci`; writes vendor/checksums.txt (sha256). No network.
"""
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FROM, TO = ROOT / "node_modules", ROOT / "app" / "static" / "vendor"
FILES = {
    "bootstrap/bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
    "bootstrap/bootstrap.bundle.min.js": "bootstrap/dist/js/bootstrap.bundle.min.js",
    "tom-select/tom-select.complete.min.js": "tom-select/dist/js/tom-select.complete.min.js",
    "tom-select/tom-select.bootstrap5.min.css": "tom-select/dist/css/tom-select.bootstrap5.min.css",
    "flatpickr/flatpickr.min.js": "flatpickr/dist/flatpickr.min.js",
    "flatpickr/flatpickr.min.css": "flatpickr/dist/flatpickr.min.css",
    "flatpickr/zh.js": "flatpickr/dist/l10n/zh.js",
    "sortable/Sortable.min.js": "sortablejs/Sortable.min.js",
    "echarts/echarts.min.js": "echarts/dist/echarts.min.js",
    "fullcalendar/index.global.min.js": "fullcalendar/index.global.min.js",
    "fullcalendar/zh-cn.js": "@fullcalendar/core/locales/zh-cn.global.min.js",
    "fonts/NotoSansSC.ttf": "@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf",
    "axe/axe.min.js": "axe-core/axe.min.js",
}
WEBFONT = FROM / "@tabler" / "icons-webfont" / "dist"
NAMES = re.compile(r"\bti-([a-z0-9-]+)|icon=\"([a-z0-9-]+)\"|\"icon\": \"([a-z0-9-]+)\"|icon\('([a-z0-9-]+)'\)")


CHOSEN_BY_DATA = """arrow-up arrow-down selector phone walk brand-wechat mail message message-dots photo file-text plus trash
arrow-back-up edit lock alert-circle circle-check alert-triangle info-circle sun x search
circle progress player-skip-forward clipboard-text calendar shield-lock building hash server database users-group copy-check bell
checklist user-shield""".split()  # noqa: SIM905


def icons_in_use() -> set[str]:
    """Every icon name that the sources speak of, and those that templates choose by data."""
    found = set(CHOSEN_BY_DATA)
    for path in (ROOT / "app").rglob("*"):
        if path.suffix in (".py", ".html", ".js") and "vendor" not in path.parts:
            found |= {next(filter(None, m)) for m in NAMES.findall(path.read_text(encoding="utf-8"))}
    return found


def cut_icons() -> None:
    """A font and a style sheet with the icons in use only."""
    sheet = (WEBFONT / "tabler-icons-300.css" if (WEBFONT / "tabler-icons-300.css").exists() else WEBFONT / "tabler-icons.css")
    font = WEBFONT / "fonts" / (sheet.stem + ".woff2")
    codes = dict(re.findall(r"\.ti-([a-z0-9-]+):before\s*\{\s*content:\s*\"\\([0-9a-f]+)\"", sheet.read_text(encoding="utf-8")))
    used = {name: codes[name] for name in sorted(icons_in_use()) if name in codes}
    (TO / "icons").mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "fontTools.subset", str(font), "--flavor=woff2",
                    "--unicodes=" + ",".join(used.values()), f"--output-file={TO / 'icons' / 'icons.woff2'}"], check=True)
    rules = "".join(f'.ti-{name}:before{{content:"\\{code}"}}' for name, code in used.items())
    (TO / "icons" / "icons.css").write_text(
        '@font-face{font-family:"ti";font-display:block;src:url("icons.woff2") format("woff2")}'
        '.ti{font-family:"ti"!important;font-style:normal;font-weight:400;font-variant:normal;text-transform:none;line-height:1;'
        "-webkit-font-smoothing:antialiased}" + rules, encoding="utf-8")


def cut_calendar() -> None:
    """FullCalendar carries a font for five buttons that our pages do not have; the pages' policy lets no data: font in."""
    place = TO / "fullcalendar" / "index.global.min.js"
    place.write_text(re.sub(r"@font-face\s*\{[^}]*\}", "", place.read_text(encoding="utf-8"), count=1), encoding="utf-8")


def main() -> None:
    """Copy, cut, note the checksums."""
    for target, source in FILES.items():
        (TO / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FROM / source, TO / target)
    cut_icons()
    cut_calendar()
    sums = sorted(f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(TO).as_posix()}"
                  for p in TO.rglob("*") if p.is_file() and p.name != "checksums.txt")
    (TO / "checksums.txt").write_text("\n".join(sums) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
