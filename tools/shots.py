"""Pictures of every screen into shots/: 1440x900 and 390x844, light and dark; counts what axe-core finds serious."""
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGES = {"desk": "/", "customers": "/customer/list/?quick=all", "customer-form": "/customer/add", "customer-detail": "/customer/show/1",
         "customer-basics": "/customer/show/1?tab=basics", "customer-contacts": "/customer/show/1?tab=contact", "contacts": "/contact/list/?quick=all",
         "followups": "/followup/list/?quick=all", "import": "/import/", "users": "/user/list/", "user-form": "/user/add", "departments": "/department/list/",
         "roles": "/role/list/", "role": "/role/show/2", "choices": "/choice/list/", "loginlog": "/loginlog/list/", "undo": "/undo/", "help": "/help/",
         "search": "/search?q=科技", "password": "/login/password", "not-found": "/nowhere"}
SIZES = {"": (1440, 900), "m-": (390, 844)}


def _faults(page) -> list[str]:
    """Ids of the serious and critical faults that axe-core finds."""
    page.add_script_tag(url="/static/vendor/axe/axe.min.js")
    found = page.evaluate("axe.run().then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact)).map("
                          "v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target.join(' ')).join(', ')))")
    return list(found)


def take(url: str, user: str, password: str, out: Path) -> dict:
    """Take all pictures of a running server; returns {picture: faults}."""
    out.mkdir(exist_ok=True)
    faults: dict = {}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        for mode in ("light", "dark"):
            for prefix, (width, height) in SIZES.items():
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=mode, base_url=url, locale="zh-CN",
                                              bypass_csp=True)
                page = context.new_page()
                start = f"{'dark-' if mode == 'dark' else ''}{prefix}"
                page.goto("/login/")
                faults[f"{start}login"] = _faults(page)
                page.screenshot(path=out / f"{start}login.png")
                page.fill("#username", user)
                page.fill("#password", password)
                page.click("form button[type=submit]")
                page.wait_for_load_state()
                for name, address in PAGES.items():
                    page.goto(address)
                    page.wait_for_timeout(250)
                    page.screenshot(path=out / f"{start}{name}.png")
                    faults[f"{start}{name}"] = _faults(page)
                context.close()
        browser.close()
    return faults


def main() -> None:
    """A server on demo data of its own, pictures, the list of faults."""
    from tests.browser.conftest import Server
    folder = Path(tempfile.mkdtemp(prefix="crm-shots-"))
    server = Server(folder, "plum-Blossom-7301")
    try:
        print(server.command("demo"))
        faults = take(server.url, "admin", "plum-Blossom-7301", ROOT / "shots")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    for name, found in faults.items():
        for one in found:
            print(f"{name}: {one}")
    print(f"pictures {len(faults)}\nserious_faults {sum(map(len, faults.values()))}")


if __name__ == "__main__":
    main()
