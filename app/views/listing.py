"""One list page: what was asked (search, quick filter, conditions, sort, page) becomes two statements and a context.

Addresses: `?q=`, `?quick=<key>`, `?<field>=<value>` for the panel's conditions, FAB's `_flt_`, `_oc_/_od_`, `page_`, `psize_`.
"""
import copy
from types import SimpleNamespace
from urllib.parse import urlencode

from flask import abort, request
from flask_appbuilder.urltools import get_filter_args
from markupsafe import Markup, escape
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.core import actor, money, preferences
from app.core.words import _
from app.extensions import db

from . import cells, conditions

SIZES = (25, 50, 100, 200)
CAP = 10_001  # totals beyond are shown as 10,000+


def counted(model):
    """The column to count rows by: one that every index of sorted lists holds, so that the index alone can answer."""
    return model.owner_id if hasattr(model, "owner_id") else model.id


def _align(one) -> str:
    """Figures stand to the right."""
    return "r" if one.kind in ("money", "whole", "percent", "quantity") else ""


class Listing:
    """What one request asks of one entity's list; narrowed by `also` for a related tab."""

    def __init__(self, view, also=(), args=None, prefs=None):
        self.view, self.also = view, tuple(also)
        self.args = request.args if args is None else args
        self.prefs = preferences.read(db.session, f"list.{view.entity}") if prefs is None else prefs
        self.name = type(view).__name__
        self.size = self._number(f"psize_{self.name}", self.prefs.get("size", SIZES[0]), 1, 200)
        self.page = self._number(f"page_{self.name}", 0, 0, 10**7)
        self.order = self._order()
        self.quick = self._quick()
        self.q = self.args.get("q", "").strip()[:200]

    def _number(self, key, otherwise, low, high) -> int:
        text = self.args.get(key, "")
        if text and not (text.isascii() and text.isdecimal() and low <= int(text[:9]) <= high):
            abort(400)
        return int(text or otherwise)

    def _order(self):
        name, way = self.args.get(f"_oc_{self.name}"), self.args.get(f"_od_{self.name}", "asc")
        if name is None:
            name, way = (self.prefs.get("sort") or self.view.default_sort).split(".")
        one = self.view.fields.get(name)
        if way not in ("asc", "desc") or one is None or one.attribute is None or name not in self.view.sortable or self._secret(one):
            if f"_oc_{self.name}" in self.args:
                abort(400)
            return self.view.fields["created_at"], "desc"
        return one, way

    @staticmethod
    def _secret(one) -> bool:
        """A masked figure must not be guessed by sorting or narrowing; a masked phone may be looked for."""
        return one.kind != "text" and cells.is_masked(one)

    def _quick(self):
        key = self.args.get("quick")
        filters = {f.key: f for f in self.view.quick_filters}
        if key and key not in filters and key != "all":
            abort(400)
        plain = not any(k in self.args for k in ("q", "quick")) and not self._asked()
        if key is None and plain and not self.also:
            return next((f for f in self.view.quick_filters if f.default), None)
        return filters.get(key)

    def _asked(self):
        return [k for k in self.args if k in self.view.condition_names or k.startswith("_flt_")]

    def clauses(self) -> list:
        """The WHERE of this list, without scope (the session adds it)."""
        found = list(self.also)
        if self.quick:
            found.append(self.quick.rule(actor.current()))
        if self.q:
            found.append(self.view.search_clause(self.q))
        for name in self.view.condition_names:
            if (value := self.args.get(name, "").strip()) and not self._secret(self.view.fields[name]):
                found.append(conditions.clause(self.view.fields[name], value))
        return found

    def statement(self):
        """SELECT of the ids that match, unordered."""
        wanted = select(self.view.model.id).where(*self.clauses())
        if any(k.startswith("_flt_") for k in self.args):
            asked = copy.copy(self.view._filters)
            asked.filters, asked.values = [], []
            get_filter_args(asked, disallow_if_not_in_search=True)
            for one, value in zip(asked.filters, asked.values, strict=False):
                if self._secret(self.view.fields[one.column_name]):
                    abort(400)
                wanted = one.apply(wanted, value)
        return wanted

    def ordered(self):
        """SELECT of ids in the asked order; the id breaks ties."""
        one, way = self.order
        column, last = one.attribute, self.view.model.id
        return self.statement().order_by(*((column, last) if way == "asc" else (column.desc(), last.desc())))

    def total(self) -> int:
        """How many match; beyond CAP only "more", so that the cost does not grow with the table."""
        wanted = self.statement().with_only_columns(counted(self.view.model))
        if self.args.get("exact"):
            return db.session.scalar(select(func.count()).select_from(wanted.subquery()))
        return db.session.scalar(select(func.count()).select_from(wanted.limit(CAP).subquery()))

    def sums(self) -> dict[str, str]:
        """column -> the sum over all matching rows as people read it; masked ones are left out."""
        wanted = {name: sql for name, sql in self.view.sums.items() if not cells.is_masked(self.view.fields[name])}
        model = self.view.model
        row = db.session.execute(select(*(sql.label(name) for name, sql in wanted.items())).select_from(model).where(
            model.id.in_(self.statement()))).one()._mapping
        return {name: money.shown(int(row[name] or 0)) for name in wanted}

    def ids(self) -> list[int]:
        """The ids of this page in order."""
        return list(db.session.scalars(self.ordered().limit(self.size).offset(self.page * self.size)))

    def rows(self, ids=None) -> list:
        """This page's rows with the relations its columns show."""
        ids = self.ids() if ids is None else ids
        wanted = select(self.view.model).where(self.view.model.id.in_(ids)).options(*self.loads())
        # the ids were narrowed above
        found = {row.id: row for row in db.session.scalars(wanted.execution_options(everyone=True))} if ids else {}
        return [found[i] for i in ids if i in found]

    def loads(self):
        """Eager loads of the shown columns."""
        return self.loads_of(self.columns())

    def loads_of(self, columns):
        """Eager loads of some columns."""
        wanted = {name for one in columns for name in one.loads}
        return [joinedload(getattr(self.view.model, name)) for name in sorted(wanted)]

    def columns(self) -> list:
        """The fields shown: the person's own choice, else the declared ones."""
        names = [n for n in self.prefs.get("columns", ()) if n in self.view.fields] or self.view.list_columns
        return [self.view.fields[n] for n in names]

    def url(self, **over) -> str:
        """This list's address with some arguments changed (None removes)."""
        args = {k: v for k, v in self.args.items() if v != ""}
        args.update(over)
        text = urlencode({k: v for k, v in args.items() if v is not None})
        return f"{self.view.route_base}/list/" + (f"?{text}" if text else "")

    # ---- context of the template -------------------------------------------------------------------------------
    def context(self, ticks=False) -> SimpleNamespace:
        """The `page` object of templates/entity/list.html."""
        rows, total = self.rows(), self.total()
        shown, pages = self.columns(), max(1, -(-total // self.size))
        return SimpleNamespace(
            rows=rows, rows_html=Markup("").join(self._lines(rows, shown, ticks)), columns=[self._head(one) for one in shown], total=total,
            total_text=f"{CAP - 1:,}+" if total == CAP else f"{total:,}",
            number=self.page, pages=pages, size=self.size, links=self._links(pages),
            sizes=[{"n": n, "url": self.url(**{f"psize_{self.name}": n, f"page_{self.name}": None}), "active": n == self.size}
                   for n in SIZES])

    def _lines(self, rows, shown, ticks):
        """Each row as HTML, joined here: this is the hottest loop of the program. A page with `ticks` has check boxes."""
        opened = [f'</td><td class="{_align(one)}" data-label="{escape(one.label)}">' for one in shown[1:]]
        place = f'<td class="main"><a href="{escape(self.view.route_base)}/show/'
        first, *makers = (cells.maker(one) for one in shown)
        pairs = list(zip(opened, makers, strict=True))
        tick = ('<td class="ck"><input class="form-check-input" type="checkbox" name="rowid" value="%d" '
                f'form="af-{escape(self.view.entity)}" data-k-row aria-label="{escape(_("Select"))}"></td>') if ticks else ""
        for row in rows:
            rest = "".join([start + make(row) for start, make in pairs])
            flags = self.view.row_flags(row)
            look = f' class="{escape(flags)}"' if flags else ""
            yield Markup(f'<tr data-id="{row.id}"{look}>{tick and tick % row.id}'
                         f'{place}{row.id}">{first(row)}</a>{rest}</td></tr>\n')

    def _head(self, one):
        sortable, (by, way) = one.name in self.view.sortable, self.order
        order = way if by is one or by.name == one.name else None
        flip = "desc" if order == "asc" else "asc"
        return {"name": one.name, "label": str(one.label), "align": _align(one),
                "sortable": sortable, "order": order,
                "url": self.url(**{f"_oc_{self.name}": one.name, f"_od_{self.name}": flip, f"page_{self.name}": None})}

    def _links(self, pages):
        def to(n):
            return self.url(**{f"page_{self.name}": n or None})
        low = max(0, min(self.page - 3, pages - 7))
        marks = [("‹", max(0, self.page - 1), self.page == 0), *((str(n + 1), n, False) for n in range(low, min(pages, low + 7))),
                 ("›", min(pages - 1, self.page + 1), self.page + 1 >= pages)]
        return [{"text": text, "url": to(n), "active": text == str(self.page + 1), "disabled": off} for text, n, off in marks]

    def quick_context(self) -> list:
        """The named filters of the panel, 全部 first."""
        keep = {k: None for k in (*self.args, f"page_{self.name}") if k.startswith("page_") or k in ("q", "quick")}
        chips = [{"key": "all", "label": _("All"), "url": self.url(**{**keep, "quick": "all"}), "active": self.quick is None}]
        chips += [{"key": f.key, "label": str(f.label), "url": self.url(**{**keep, "quick": f.key}),
                   "active": self.quick is f} for f in self.view.quick_filters]
        return chips

    def condition_context(self) -> list:
        """The conditions of the panel with their options and present values."""
        return [conditions.control(self.view.fields[name], self.args.get(name, ""), self.view.entity)
                for name in self.view.condition_names]

    def saved_context(self) -> list:
        """The person's own quick filters."""
        here = self.query_string()
        return [{**one, "url": f"{self.view.route_base}/list/?{one['query']}", "active": one["query"] == here}
                for one in self.prefs.get("saved", ())]

    def query_string(self) -> str:
        """This list's state without page and session noise, as saved by "save as my filter"."""
        return urlencode(sorted((k, v) for k, v in self.args.items() if v and not k.startswith("page_")))


def counts(view) -> dict:
    """How many rows each named filter has, capped, in one statement."""
    wanted = [select(func.count()).select_from(
        select(counted(view.model)).where(f.rule(actor.current())).limit(CAP).subquery()).scalar_subquery().label(f.key)
        for f in view.quick_filters if f.count]
    wanted.append(select(func.count()).select_from(select(counted(view.model)).limit(CAP).subquery()).scalar_subquery().label("all"))
    row = db.session.execute(select(*wanted)).one()
    return {key: min(n, CAP - 1) for key, n in row._mapping.items()}


