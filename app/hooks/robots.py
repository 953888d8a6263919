"""What the robots of a group in 企业微信, 钉钉 and 飞书 take, in their documented forms; and the proof that messages are signed with."""
import base64
import hashlib
import hmac
import json
from urllib.parse import quote

NAMES = {"wecom": "企业微信", "dingtalk": "钉钉", "feishu": "飞书"}


def proof(key: bytes, text: str) -> str:
    """HMAC-SHA256 of a text in base64."""
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()


def form(kind: str, address: str, secret: str, text: str, now: float) -> tuple[str, dict]:
    """(address, JSON) of a robot's message at `now` (seconds since 1970); signed when there is a secret.
    钉钉 signs milliseconds in the address, 飞书 seconds in the body with the text as key, 企业微信 has the key in its address."""
    if kind == "feishu":
        second = str(int(now))
        signed = {"timestamp": second, "sign": proof(f"{second}\n{secret}".encode(), "")} if secret else {}
        return address, {**signed, "msg_type": "text", "content": {"text": text}}
    if kind == "dingtalk" and secret:
        milli = str(int(now * 1000))
        mark = proof(secret.encode(), f"{milli}\n{secret}")
        address += f"&timestamp={milli}&sign={quote(mark, safe='')}"
    return address, {"msgtype": "text", "text": {"content": text}}


def took(status: int, answer: str) -> bool:
    """Whether a robot took a message: it says no in an answer of 200 as well."""
    try:
        told = json.loads(answer)
        return status == 200 and not told.get("errcode", told.get("code", 0))
    except (ValueError, AttributeError):
        return False
