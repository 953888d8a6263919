"""Sending the outbox: signed after the Standard Webhooks specification, to the outside only, each hook as its owner sees the record."""
import base64
import datetime as dt
import json
import socket
import time
from functools import partial
from types import SimpleNamespace as Namespace
from urllib.parse import urlsplit

import requests
from flask import current_app
from requests.adapters import HTTPAdapter
from sqlalchemy import select
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from app.api import values
from app.core import actor, choices, clock, outbox, schedule
from app.core.database import reading
from app.core.describe import describe
from app.core.entity import by_name
from app.core.words import _
from app.security.people import actor_for
from app.views import cells
from app.views.record import changed

from . import robots, rules
from .models import Delivery

LONGEST = 20  # seconds of one run, so that a slow address does not keep other work waiting
TIMEOUT = (5, 10)
MOST = 8  # lines of a robot's text


class Inside(Exception):
    """The name leads into the own network."""


class _Checked:
    """A connection to the very address that was looked at: a name cannot lead elsewhere a moment later."""

    def _new_conn(self):
        name = self._dns_host
        found = [told[4][0] for told in socket.getaddrinfo(name, self.port, type=socket.SOCK_STREAM)]
        if any(map(rules.is_inside, found)):
            raise Inside(name)
        self._dns_host = found[0]
        try:
            return super()._new_conn()
        finally:
            self._dns_host = name


class _Http(_Checked, HTTPConnection):
    pass


class _Https(_Checked, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Outside(HTTPAdapter):
    def init_poolmanager(self, *args, **more):
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def sign(secret: str, mark: str, moment: int, body: str) -> str:
    """The `webhook-signature` of a message (Standard Webhooks 1.0, HMAC-SHA256)."""
    return "v1," + robots.proof(base64.b64decode(secret.removeprefix("whsec_")), f"{mark}.{moment}.{body}")


def post(address: str, secret: str, mark: str, body: str, inside: frozenset[str]) -> tuple[int, str]:
    """(HTTP status, beginning of the answer) of one attempt; status 0 when there was no answer. Follows no redirect."""
    moment = int(time.time())
    head = {"Content-Type": "application/json", "User-Agent": "crm-hooks/1", "webhook-id": mark, "webhook-timestamp": str(moment),
            "webhook-signature": sign(secret, mark, moment, body)}
    return carry(address, body, head, inside)


def carry(address: str, body: str, head: dict, inside: frozenset[str]) -> tuple[int, str]:
    """Post a text to the outside, or to a host named in `inside`; (HTTP status, beginning of the answer), status 0 without an answer."""
    with requests.Session() as line:
        line.trust_env = False
        if (urlsplit(address).hostname or "").lower() not in inside:
            for scheme in ("http://", "https://"):
                line.mount(scheme, _Outside())
        try:
            with line.post(address, body.encode(), headers=head, timeout=TIMEOUT, allow_redirects=False, stream=True) as answer:
                return answer.status_code, next(answer.iter_content(500), b"").decode("utf-8", "replace").replace("\0", "")
        except Inside:
            return 0, "refused: the address lies in the own network"
        except (requests.RequestException, OSError, ValueError) as broken:
            return 0, type(broken).__name__


def tell(kind: str, address: str, secret: str, text: str, inside: frozenset[str]) -> tuple[int, str]:
    """The same for a text that a group's robot is told; status 0 also when the robot does not take it."""
    to, form = robots.form(kind, address, secret, text, time.time())
    status, answer = carry(to, json.dumps(form, ensure_ascii=False), {"Content-Type": "application/json"}, inside)
    return status if status != 200 or robots.took(status, answer) else 0, answer


def _seen(session, delivery):
    """(view, row) of the event's record when the acting person may see it."""
    model = by_name(delivery.entity)
    view = next((v for v in current_app.appbuilder.baseviews if getattr(v, "model", None) is model), None)
    if view is None or not actor.current().may(view.entity, "read"):
        return None
    row = session.scalar(select(model).where(model.id == delivery.row_id).execution_options(with_trash=True))
    return row and (view, row)


def _record(view, row, change) -> dict:
    """What the acting person sees of a record and its change."""
    told, by = values.recorder(values.shown(view).values()), change["actor_id"]
    return {"entity": view.entity, "record": told(row), "changes": _changes(view.model, change),
            "actor": by and {"id": by, "name": cells.people().get(by, "")}}


def _cut(value) -> str:
    """A value in one short line: 企业微信 takes 2,048 bytes in all."""
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else text[:39] + "…"


def _words(session, view, row, delivery, at) -> str:
    """The same as a robot tells it: what happened to what, the fields, by whom and when."""
    change = delivery.change
    said = [f"{choices.label(session, 'hook_event', delivery.event)}：{row}"]
    listed = {view.fields[name].key for name in view.list_columns}
    for one in changed(view.model, Namespace(old=change["old"], new=change["new"])):
        if one["key"] in (change["old"] or {}) and not one["masked"]:
            said.append(f"{one['label']}：{_cut(one['old'])} → {_cut(one['new'])}")
        elif one["key"] in listed and not one["masked"] and one["new"] != str(row):
            said.append(f"{one['label']}：{_cut(one['new'])}")
    by = f"{cells.people().get(change['actor_id'], '')} {clock.to_office(at):%m-%d %H:%M}".strip()
    return "\n".join(["\n".join(said[:MOST])[:600], by])


def _changes(model, change) -> dict:
    """name -> {old, new} of the logged fields as the interface tells values; masked ones are left out, as is what the program keeps."""
    told, old, new = {}, change["old"] or {}, change["new"] or {}
    for one in describe(model).values():
        if (one.key in old or one.key in new) and not one.system and not cells.is_masked(one):
            turn = values.OUT.get(one.kind, lambda value: value)
            both = [said.get(one.key) for said in (old, new)]
            told[one.name] = dict(zip(("old", "new"), [None if v is None else turn(one.typed(v)) for v in both], strict=True))
    return told


def message(session, delivery) -> str | None:
    """The body of an event as the hook's owner may know it, for a robot its text; None when there is nothing that he may."""
    who, data, robot = actor_for(session, delivery.hook.owner_id), {"test": True}, delivery.hook.format in robots.NAMES
    if who is None or not who.active:
        return None
    if robot and not delivery.change:
        return str(_("This is a test message."))
    at = dt.datetime.fromisoformat(delivery.change["at"]) if delivery.change else clock.now()
    if delivery.change:
        with actor.acting_as(who):
            seen = _seen(session, delivery)
            if seen is None:
                return None
            view, row = seen
            if robot:
                return _words(session, view, row, delivery, at)
            data = _record(view, row, delivery.change)
    told = {"type": delivery.event, "timestamp": clock.zoned(at).isoformat(), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _way(session, delivery, body):
    """The function that makes one attempt."""
    hook, inside = delivery.hook, rules.allowed(session)
    if hook.format in robots.NAMES:
        return partial(tell, hook.format, hook.address, hook.robot_key or "", body, inside)
    return partial(post, hook.address, hook.secret, delivery.mark, body, inside)


def _send(session, key: int, failing: dict) -> None:
    """One attempt, with no transaction open while the network is waited for; a hook that just failed is not asked again in this run."""
    with reading():
        delivery = session.get(Delivery, key)
        wanted = delivery.hook is not None and (delivery.hook.is_on or delivery.change is None)
        body = (delivery.body or message(session, delivery)) if wanted else None
        asked = _way(session, delivery, body) if body else None
        hook_id = delivery.hook_id
        session.rollback()
    status, answer = asked() if asked and hook_id not in failing else (0, "")
    delivery = session.get(Delivery, key)
    if asked is None:
        delivery.state = "skipped"
    elif hook_id in failing:
        delivery.due_at = failing[hook_id]
    else:
        delivery.body = body
        rules.settle(delivery, status, answer)
        if delivery.state != "sent":
            failing[hook_id] = delivery.due_at
    session.commit()


@schedule.every(rules.ENTRY, 1)
def send(session) -> None:
    """Send what is due; a change rings for it, and every minute looks for what failed before."""
    until, failing = time.monotonic() + LONGEST, {}
    while time.monotonic() < until and (keys := outbox.claim(session, Delivery, 2)):
        for key in keys:
            _send(session, key, failing)
