"""What a browser says of itself, in words: 'Chrome 126 · Windows'."""
import re

BROWSERS = (  # in this order: many call themselves Chrome or Safari as well
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"), ("Opera", r"OPR/(\d+)"), ("WeChat", r"MicroMessenger/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"), ("Chrome", r"(?:Chrome|CriOS)/(\d+)"), ("Safari", r"Version/(\d+)"))
SYSTEMS = (("HarmonyOS", "HarmonyOS|OpenHarmony"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
           ("macOS", "Macintosh"), ("Linux", "Linux|X11"))


def told(agent: str | None) -> str:
    """Browser and system of a user agent; of a program, which has neither, what it calls itself."""
    text = agent or ""
    browser = next((f"{name} {found[1]}" for name, says in BROWSERS if (found := re.search(says, text))), "")
    system = next((name for name, says in SYSTEMS if re.search(says, text)), "")
    return " · ".join(filter(None, (browser, system))) if browser else text.partition(" ")[0]
