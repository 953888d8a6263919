"""Pictures of every screen into shots/: 1440x900 and 390x844, light and dark; counts what axe-core finds serious. `tools/shots.py manual`:
those of the manual into docs/pictures."""
import io
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tools.check import chromium_program  # noqa: E402

PAGES = {"desk": "/", "tasks": "/task/list/?quick=all", "task-form": "/task/add", "task": "/task/show/1", "customers": "/customer/list/?quick=all", "customer-form": "/customer/add", "customer-detail": "/customer/show/1",
         "customer-basics": "/customer/show/1?tab=basics", "customer-contacts": "/customer/show/1?tab=contact", "contacts": "/contact/list/?quick=all",
         "followups": "/followup/list/?quick=all", "import": "/import/", "users": "/user/list/", "user-form": "/user/add", "departments": "/department/list/",
         "roles": "/role/list/", "role": "/role/show/2", "choices": "/choice/list/", "loginlog": "/loginlog/list/", "undo": "/undo/", "trash": "/trash/", "audit": "/audit/list/?quick=all", "exportlog": "/exportlog/list/", "help": "/help/",
         "search": "/search?q=科技", "password": "/login/password", "not-found": "/nowhere",
         "opp-list": "/opportunity/list/?quick=all", "opp-board": "/opportunity/board/?quick=open", "opp-detail": "/opportunity/show/1?tab=basics",
         "opp-form": "/opportunity/add?customer=3", "funnel": "/funnel/", "quotes": "/quote/list/?quick=all", "quote": "/quote/show/1?tab=basics",
         "quote-form": "/quote/edit/2", "quote-print": "/quote/print/1", "contracts": "/contract/list/?quick=all", "contract": "/contract/show/1?tab=basics",
         "contract-plans": "/contract/show/1?tab=paymentplan", "plans": "/paymentplan/list/?quick=late", "payments": "/payment/list/?quick=all",
         "receivables": "/receivable/", "receipt": "/receipt/?customer=1", "invoices": "/invoice/list/?quick=all", "expenses": "/expense/list/?quick=all",
         "claims": "/claim/list/?quick=all", "approvals": "/approval/list/?quick=all", "approval-rules": "/approvalrule/list/", "products": "/product/list/",
         "product": "/product/show/1?tab=basics", "categories": "/productcategory/list/", "stages": "/stage/list/", "targets": "/target/", "target-matrix": "/target/people/", "credits": "/credit/list/?quick=all", "desk-all": "/?whose=all&period=year",
         "report-customers": "/report/customers?period=all", "report-contracts": "/report/contracts?period=this_year", "report-ranking": "/report/ranking?period=this_year",
         "report-products": "/report/products?period=all", "report-snapshot": "/report/snapshot", "journals": "/journal/list/?quick=all", "journal-form": "/journal/add",
         "journal-team": "/journal/team", "parameters": "/parameter/", "backups": "/backup/",
         "own-fields": "/customfield/list/", "own-field": "/customfield/add?entity=customer", "quick-filters": "/filter/?list=customer", "quick-filter": "/filter/?list=customer&new=1",
         "quick-conditions": "/filter/?list=customer&tab=condition&item=level"}
MANUAL = {"customers": ("demo05", "/customer/list/?quick=mine"), "desk": ("demo01", "/?whose=all&period=year"), "targets": ("demo05", "/target/"), "customer-detail": ("demo05", "{customer}"),
          "opp-board": ("demo02", "/opportunity/board/?quick=open"), "quote": ("demo05", "{quote}"), "contract": ("demo05", "{contract}"), "receivables": ("demo02", "/receivable/"),
          "quick-filters": ("admin", "/filter/?list=customer&new=1"), "import": ("admin", "/import/"), "calendar": ("demo05", "/calendar/"), "report": ("demo01", "/report/contracts?period=this_year")}
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
        browser = play.chromium.launch(executable_path=chromium_program(), args=["--no-sandbox", "--disable-gpu"])
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


def _keep(page, name: str) -> None:
    """A picture of 256 colours: a third of the bytes."""
    from PIL import Image
    page.wait_for_timeout(1200)  # charts are drawn in motion
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(256).save(ROOT / "docs" / "pictures" / f"{name}.png", optimize=True)


def take_manual(url: str, password: str) -> int:
    """The pictures of the manual, from a server on demo data; their number."""
    from app.demo.company import PASSWORD
    with sync_playwright() as play:
        browser, pages = play.chromium.launch(executable_path=chromium_program(), args=["--no-sandbox", "--disable-gpu"]), {}
        for name, (user, address) in {"login": ("", "/login/"), **MANUAL}.items():
            if user not in pages:
                page = pages[user] = browser.new_context(viewport={"width": 1280, "height": 800}, base_url=url, locale="zh-CN").new_page()
                page.set_default_timeout(120_000)
                page.goto("/login/")
                if user:
                    page.fill("#username", user)
                    page.fill("#password", password if user == "admin" else PASSWORD)
                    page.click("form button[type=submit]")
                    page.wait_for_url(url + "/")
            page = pages[user]
            if address.startswith("{"):
                page.goto(f"/{address[1:-1]}/list/?quick=mine")
                address = page.locator("td.main a").first.get_attribute("href")
            page.goto(address)
            _keep(page, name)
        browser.close()
    return len(MANUAL) + 1


def main() -> None:
    """A server on demo data of its own, pictures, the list of faults."""
    from tests.browser.conftest import Server
    folder = Path(tempfile.mkdtemp(prefix="crm-shots-"))
    server = Server(folder, "plum-Blossom-7301")
    try:
        print(server.command("demo"))
        if "manual" in sys.argv:
            print(f"pictures {take_manual(server.url, 'plum-Blossom-7301')}")
            return
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
