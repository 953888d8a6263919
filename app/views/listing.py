"""One list page: what was asked (search, quick filter, conditions, sort, page) becomes two statements and a context.

Addresses: `?q=`, `?quick=<key>`, `?whose=mine|team|department|all` (or a department's key, a person's id), `?<field>=<value>` for the
panel's conditions, FAB's `_flt_`, `_oc_/_od_`, `page_`, `psize_`.
"""
import re
import time
from functools import cached_property
from types import SimpleNamespace as Bag
from urllib.parse import quote_plus, urlencode

from flask import abort, request
from markupsafe import Markup, escape
from sqlalchemy import func, literal, literal_column, select
from sqlalchemy.orm import joinedload

from app.core import actor, filters, money, preferences, scope
from app.core.words import _, _l
from app.extensions import db

from . import cells, conditions, sorting
from .panel import Panel

SIZES = (25, 50, 100, 200)
CAP, SEARCH_CAP = 10_001, 1_001  # totals beyond are shown as 10,000+ and 1,000+
MINUTE = 60  # seconds
_MANY: dict[tuple, float] = {}  # lists beyond the cap: until when they need no counting
WHOSE = {"mine": _l("My own"), "team": _l("My team"), "department": _l("My department"), "all": _l("Whole company")}


def chosen_circles(who) -> list[tuple]:
    """自定义: (label, [(key, name)]) of the departments and the colleagues whose rows a person may ask for."""
    others = sorted((name, key) for key, name in cells.people().items() if key != who.id and (who.reach is None or key in who.reach))
    found = [(_("Department"), [(key, name) for key, (name, _people) in who.departments.items()]),
             (_("Person"), [(str(key), name) for name, key in others[:300]])]
    return [(label, some) for label, some in found if some]


def whose_told(who, key: str) -> str:
    """What a circle, a department or a person of `whose` is called."""
    return str(WHOSE.get(key) or who.departments.get(key, ("",))[0] or cells.people().get(int(key), ""))


def capped(wanted, model, cap: int | None = CAP):
    """SELECT of how many rows a statement finds, `cap` at most (None: all); an index alone can answer."""
    return select(func.count()).select_from(wanted.with_only_columns(literal_column("1")).select_from(model).limit(cap).subquery())


def _align(one) -> str:
    """Figures stand to the right."""
    return "r" if one.kind in ("money", "whole", "percent", "quantity") else ""


class Listing:
    """What one request asks of one entity's list; narrowed by `also` for a related tab."""

    def __init__(self, view, also=(), args=None, prefs=None):
        self.view, self.also, self.fields = view, tuple(also), view.fields
        self.args = conditions.canonical(request.args if args is None else args)
        self.prefs = preferences.read(db.session, f"list.{view.entity}") if prefs is None else prefs
        self.personal = prefs is None  # a person's own list, not a program's
        self.name = type(view).__name__
        self._said: dict | None = None
        self.size = self._number(f"psize_{self.name}", self.prefs.get("size", SIZES[0]), 1, 200)
        self.page = self._number(f"page_{self.name}", 0, 0, 10**7)
        self.q, self.whose = self.args.get("q", "").strip()[:200], self.args.get("whose", "")
        self.quick = self._quick()
        self.order = self._order()
        self.newest = bool(self.q) and f"_oc_{self.name}" not in self.args and not self.prefs.get("sort")  # hits: no other sort asked
        self.cap = SEARCH_CAP if self.q else CAP

    def _number(self, key, otherwise, low, high) -> int:
        text = self.args.get(key, "")
        if text and not (text.isascii() and text.isdecimal() and low <= int(text[:9]) <= high):
            abort(400)
        return int(text or otherwise)

    @cached_property
    def grouping(self):
        """What a person's rows are grouped by; hits of a search are not, nor is a related tab."""
        offered = {} if self.also or self.newest or not self.personal else {one.key: one for one in self.view.groupings}
        return offered.get(self.prefs.get("group", ""), next(iter(offered.values()), None))

    def _rank(self) -> tuple:
        """The order of the groups."""
        return (self.grouping.rank(),) if self.grouping and self.grouping.rank else ()

    @cached_property
    def panel(self) -> Panel:
        """The quick-filter panel as the acting person sees it."""
        return Panel(self.view)

    def _order(self):
        name, way = self.args.get(f"_oc_{self.name}"), self.args.get(f"_od_{self.name}", "asc")
        if name is None:
            kept, own = self.prefs.get("sort"), self.quick and self.quick.sort
            first = (own, kept) if self.quick and self.quick.item else (kept, own)  # a filter's sort that somebody chose for it leads
            name, way = (first[0] or first[1] or self.view.default_sort).split(".")
        one = self.fields.get(name)
        if way not in ("asc", "desc") or not self.view.sorts(name) or self._secret(one):
            if f"_oc_{self.name}" in self.args:
                abort(400)
            return self.fields["created_at"], "desc"
        return one, way

    @staticmethod
    def _secret(one) -> bool:
        """What is masked must not be guessed by sorting or narrowing; a phone may be looked for in the search box."""
        return cells.is_masked(one)

    def _quick(self):
        """The named filter asked for, None for all rows."""
        key, found = self.args.get("quick"), self.panel.filters.get(self.args.get("quick", ""))
        if key and found is None and not re.fullmatch(r"f\d+", key):
            abort(400)
        if key is None and self._plain():
            found = self.panel.default
        return None if found is None or found.key == "all" else found

    def _plain(self) -> bool:
        """Whether the list opens without any question."""
        return not self.also and not self.q and "quick" not in self.args and not self.whose and not any(
            k in self.fields or k in self.view.asked or k.startswith("_flt_") for k in self.args)

    @cached_property
    def given(self) -> dict[str, str]:
        """The conditions by field, as they stand in the address or as the panel opens with them; masked figures are not asked for."""
        if self._plain():
            return {c.field.name: c.value for c in self.panel.conditions if c.value}
        who, fields, links = actor.current(), self.fields, self.view.asked
        return {k: v.strip()[:200] for k, v in self.args.items()
                if k in fields and k not in links and v.strip().strip("~").strip() and filters.ops(fields[k], who)}

    @property
    def notes(self) -> list[str]:
        """What must be said about the chosen filter: fields and values that are gone."""
        gone = self.args.get("quick") and self.args["quick"] not in self.panel.filters
        return [_("This filter was deleted; all rows are shown.")] if gone else self.panel.told(self.quick)

    def clauses(self) -> list:
        """The WHERE of this list, without scope (the session adds it)."""
        found = [*self.also, *self.view.only()]
        if self.quick:
            found.append(self.quick.rule(actor.current()))
        if self.whose:
            found += self._circle()
        found += [conditions.clause(self.fields[name], value) for name, value in self.given.items()]
        return found + [self._asked_clause(one, self.args[name]) for name, one in self.view.asked.items() if self.args.get(name)]

    @staticmethod
    def _asked_clause(one, value):
        try:
            return one.rule(value)
        except (ValueError, KeyError):
            abort(400)

    def _circle(self) -> list:
        try:
            people = actor.current().circle(self.whose)
        except KeyError:
            abort(400)
        if not hasattr(self.view.model, "owner_id"):
            abort(400)
        return [] if people is None else [self.view.model.owner_id.in_(sorted(people))]

    def statement(self):
        """SELECT of the ids that match, unordered."""
        return self._found[0]

    @cached_property
    def _found(self):
        """The same, and the column by which the newest come first."""
        wanted, newest = select(self.view.model.id).where(*self.clauses()), self.view.model.id
        if self.q:
            wanted, newest = self.view.narrow(wanted, self.q)
        for key in self.args:
            if found := re.fullmatch(r"_flt_(\d)_(\w+)", key):
                wanted = self._narrowed(wanted, int(found[1]), found[2], self.args.getlist(key))
        return wanted, newest

    def _narrowed(self, wanted, number, name, values):
        """FAB's `_flt_<number of the filter>_<field>`: the filters that FAB offers for the field, in its order."""
        offered = self.view._filters.get_search_filters().get(name, ())
        one = self.fields.get(name)
        if one is None or number >= len(offered) or self._secret(one):
            abort(400)
        if one.kind == "ref" and not all(v.isascii() and v.isdecimal() and len(v) < 10 for v in values):
            abort(400)  # PostgreSQL would break off the transaction
        if one.kind == "flag":
            values = [v == "y" for v in values]  # FAB hands anything but "y" to the database as it is
        try:
            for value in values:
                wanted = offered[number].apply(wanted, value)
        except (ValueError, TypeError, AttributeError, ArithmeticError):
            abort(400)
        return wanted

    def ordered(self):
        """SELECT of ids in the asked order."""
        wanted, newest = self._found
        return wanted.order_by(*((newest.desc(),) if self.newest else self._sort()))

    def _sort(self) -> tuple:
        """What to sort by; the id breaks ties."""
        if self.newest:
            return (self.view.model.id.desc(),)
        one, way = self.order
        return *self._rank(), *sorting.both(one.attribute, self.view.model.id, way)

    def _page(self):
        """SELECT of this page's ids in order."""
        column, way, first = self.order[0].attribute, self.order[1], self.page * self.size
        if self.newest or self._rank() or way == "asc" or not sorting.blanks_first(column):
            return self.ordered().limit(self.size).offset(first)
        return sorting.page_downwards(self.statement(), self.view.model.id, column, self.size, first)

    def _count(self):
        """SELECT of how many match; beyond the cap only "more", so that the cost does not grow with the table."""
        if self.args.get("exact"):
            return select(func.count()).select_from(self.statement().subquery())
        if not self.also and _MANY.get(self._asked(), 0) > time.monotonic():
            return select(literal(self.cap))
        return capped(self.statement(), self.view.model, self.cap)

    def _asked(self) -> tuple:
        """Whose list, and what was asked of it but for page and order."""
        return self.name, actor.current_id(), *(pair for pair in sorted(self.args.items())
                                                if not pair[0].startswith(("page_", "psize_", "_o")))

    def _remember(self, total: int) -> int:
        """A list that goes beyond the cap is not counted again for a minute: so soon it does not fall below."""
        if total == self.cap and not self.also and _MANY.get(asked := self._asked(), 0) < time.monotonic():
            if len(_MANY) > 1000:
                _MANY.clear()
            _MANY[asked] = time.monotonic() + MINUTE
        return total

    def sums(self) -> dict[str, str]:
        """column -> the sum over all matching rows as people read it; masked ones are left out."""
        wanted = {name: sql for name, sql in self.view.sums.items() if not cells.is_masked(self.fields[name])}
        model = self.view.model
        row = db.session.execute(select(*(sql.label(name) for name, sql in wanted.items())).select_from(model).where(
            model.id.in_(self.statement()))).one()._mapping
        return {name: money.shown(int(row[name] or 0)) for name in wanted}

    def ids(self) -> list[int]:
        """The ids of this page in order."""
        return list(db.session.scalars(self._page()))

    def rows(self) -> tuple[list, int]:
        """This page's rows with the relations its columns show, and how many match in all: one statement, one more beyond the end.
        Only ids are sorted and skipped; the rest is joined to this page's."""
        if scope.is_wide(self.view.model, actor.current()) and not self.q:
            return self._rows_at_once()
        model, page = self.view.model, self._page().subquery("page")
        wanted = select(model, self._count().scalar_subquery()).join(page, page.c.id == model.id).order_by(*self._sort())
        found = db.session.execute(wanted.options(*self.loads())).unique().all()
        return [row for row, _n in found], self._remember(found[0][1]) if found else db.session.scalar(self._count()) if self.page else 0

    def _rows_at_once(self) -> tuple[list, int]:
        """The same where whoever asks sees rows by two ways, his own and those of his customers: looked for once, not once for the page,
        once for the total and once more for the rows."""
        (one, way), model = self.order, self.view.model
        ranks = [rank.label("rank") for rank in self._rank()]
        hits = self.statement().add_columns(one.attribute.label("by"), *ranks).cte("hits")
        total = capped(select(hits.c.id), hits, None if self.args.get("exact") else self.cap).scalar_subquery()
        order = *(hits.c.rank for _rank in ranks), *sorting.both(hits.c.by, hits.c.id, way)
        found = db.session.execute(select(hits.c.id, total).order_by(*order).limit(self.size).offset(self.page * self.size)).all()
        if not found:
            return [], db.session.scalar(select(total)) if self.page else 0
        wanted = select(model).where(model.id.in_([key for key, _n in found])).options(*self.loads()).execution_options(everyone=True)
        rows = {row.id: row for row in db.session.scalars(wanted).unique()}
        return [rows[key] for key, _n in found if key in rows], found[0][1]  # one may have been deleted meanwhile

    def loads(self):
        """Eager loads of the shown columns."""
        grouped = self.grouping.loads if self.grouping else ""
        return self.loads_of([*self.columns(), *([Bag(loads=(grouped,))] if grouped else ())])

    def loads_of(self, columns):
        """Eager loads of some columns."""
        return [self._load(name) for name in sorted({name for one in columns for name in one.loads})]

    def _load(self, path):
        """The eager load of "owner" or of a path as "helpers.employee"."""
        model, load = self.view.model, None
        for name in path.split("."):
            step = getattr(model, name)
            load = joinedload(step) if load is None else load.joinedload(step)
            model = step.property.mapper.class_
        return load

    def columns(self) -> list:
        """The fields shown: the person's own choice, else the declared ones."""
        own = [n for n, one in self.fields.items() if one.info.get("in_list")]
        quiet = self.view.quiet()
        names = [n for n in self.prefs.get("columns", ()) if n in self.fields] or [
            n for n in (*self.view.list_columns, *own) if n not in quiet]
        return [self.fields[n] for n in names]

    def url(self, **over) -> str:
        """This list's address with some arguments changed (None removes)."""
        if self._said is None:
            self._said = {k: urlencode({k: v}) for k, v in self.args.items() if v != ""}
        parts = [said for k, said in self._said.items() if k not in over]
        parts += [f"{k}={quote_plus(str(v))}" for k, v in over.items() if v is not None]
        return f"{self.view.route_base}/list/" + (f"?{'&'.join(parts)}" if parts else "")

    # ---- context of the template -------------------------------------------------------------------------------
    def context(self, ticks=False) -> Bag:
        """The `page` object of templates/entity/list.html."""
        rows, total = self.rows()
        shown, pages = self.columns(), max(1, -(-total // self.size))
        return Bag(
            rows=rows, rows_html=Markup("".join(self._lines(rows, shown, ticks))), columns=[self._head(one) for one in shown], total=total,
            total_text=f"{self.cap - 1:,}+" if total == self.cap else f"{total:,}",
            number=self.page, pages=pages, size=self.size, links=self._links(pages),
            sizes=[Bag(n=n, url=self.url(**{f"psize_{self.name}": n, f"page_{self.name}": None}), active=n == self.size) for n in SIZES])

    def _lines(self, rows, shown, ticks):
        """Each row as HTML, joined here: this is the hottest loop of the program. A page with `ticks` has check boxes."""
        opened = [f'</td><td class="{_align(one)}" data-label="{escape(one.label)}">' for one in shown[1:]]
        place = '<td class="main">', f'<a href="{escape(self.view.route_base)}/show/'
        first, *makers = (cells.maker(one, linked=n > 0) for n, one in enumerate(shown))
        pairs = list(zip(opened, makers, strict=True))
        box = ('<td class="ck"><input class="form-check-input" type="checkbox" name="rowid" value="%d" autocomplete="off" '
                f'form="af-{escape(self.view.entity)}" data-k-row aria-label="{escape(_("Select"))}"></td>') if ticks else ""
        pictures = self.view.row_pictures(rows)
        lead, tail, group, last = self.view.row_lead, self.view.row_tail, self.grouping and self.grouping.heading, None
        for row in rows:
            rest = "".join([start + make(row) for start, make in pairs])
            flags = self.view.row_flags(row)
            look = f' class="{escape(flags)}"' if flags else ""
            if group and (head := group(row)) != last:
                last = head
                yield f'<tr class="grp"><td colspan="{len(shown) + bool(ticks) + bool(tail)}">{escape(head or "—")}</td></tr>\n'
            before = pictures.get(row.id, "") + (lead(row) if lead and ticks else "")
            after = f'</td><td class="r act">{tail(row)}' if tail and ticks else ""
            yield (f'<tr data-id="{row.id}"{look}>{box and box % row.id}'
                   f'{place[0]}{before}{place[1]}{row.id}">{first(row)}</a>{rest}{after}</td></tr>\n')

    def _head(self, one):
        sortable, (by, way) = self.view.sorts(one.name), self.order
        order = way if by.name == one.name and not self.newest else None
        flip = "desc" if order == "asc" else "asc"
        return Bag(name=one.name, label=str(one.label), align=_align(one), sortable=sortable, order=order,
                   url=self.url(**{f"_oc_{self.name}": one.name, f"_od_{self.name}": flip, f"page_{self.name}": None}))

    def _links(self, pages):
        def to(n):
            return self.url(**{f"page_{self.name}": n or None})
        low = max(0, min(self.page - 3, pages - 7))
        marks = [("‹", max(0, self.page - 1), self.page == 0), *((str(n + 1), n, False) for n in range(low, min(pages, low + 7))),
                 ("›", min(pages - 1, self.page + 1), self.page + 1 >= pages)]
        return [Bag(text=text, url=to(n), active=text == str(self.page + 1), disabled=off) for text, n, off in marks]

    def quick_context(self) -> list:
        """The named filters of the panel, 全部 first."""
        keep, here = {k: None for k in self.args if k.startswith("page_") or k in ("q", "quick")}, self.quick.key if self.quick else "all"
        return [Bag(key=f.key, label=str(f.label), url=self.url(**{**keep, "quick": f.key}), active=f.key == here,
                    own=f.item is not None and f.item.person_id is not None)
                for f in self.panel.filters.values() if f in self.panel.shown or f.key == here]

    def condition_html(self, only=None) -> Markup:
        """The conditions of the panel with their present values; with `only`, these names and what has a value. The rare ones fold
        away; what is asked for beside them stands behind; so does what links asked for, each with its way out."""
        stand = {c.field.name: c for c in self.panel.conditions}
        names = [n for n, c in stand.items() if n in self.given or (n in only if only else not c.folded)]
        rare = [] if only else [n for n in stand if n not in names]
        more = [n for n in self.given if n not in stand]
        asked = [conditions.chip(name, self.args[name], one, self.url(**{name: None}))
                 for name, one in self.view.asked.items() if self.args.get(name)]
        return Markup("").join([self._drawn(names), self._drawn(more), conditions.fold(self._drawn(rare)) if rare else "", *asked])

    def _drawn(self, names) -> Markup:
        looks = {c.field.name: c.look for c in self.panel.conditions}
        return conditions.panel([(self.fields[n], self.given.get(n, ""), looks.get(n, "auto")) for n in names])

    def whose_context(self) -> list:
        """Whose rows were asked for, with the way out; empty when the address does not say."""
        return [{"key": self.whose, "label": whose_told(actor.current(), self.whose), "url": self.url(whose=None)}] if self.whose else []

    def question(self) -> str:
        """What was asked of this list but for page and size, whole: the same rows again ("": the list as it opens)."""
        return urlencode([(k, v) for k, v in self.args.items(multi=True) if not k.startswith(("page_", "psize_"))])

    def query_string(self) -> str:
        """This list's state without page and session noise, as saved by "save as my filter"."""
        return urlencode(sorted((k, v) for k, v in self.args.items() if v and not k.startswith("page_")))


def counts(view, every=False) -> dict:
    """How many rows each named filter of the panel has (`every`: also those that are not counted there or hidden), capped, in one
    statement."""
    who, model, panel = actor.current(), view.model, Panel(view)
    rules = {f.key: f.rule(who) for f in (panel.filters.values() if every else panel.shown) if every or f.count}
    wanted = [capped(select(model.id).where(rule, *view.only()), model).scalar_subquery().label(key) for key, rule in rules.items()]
    row = db.session.execute(select(*wanted)).one()
    return {key: min(n, CAP - 1) for key, n in row._mapping.items()}
