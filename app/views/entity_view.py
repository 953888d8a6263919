"""EntityView: how an entity reaches the screen. The only place that wrestles FAB's ModelView."""
from __future__ import annotations

from contextlib import suppress

from flask import abort, flash, jsonify, redirect, render_template, request
from flask import session as cookie
from flask_appbuilder import ModelView, expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import false, or_, select

from app.core import actor, choices, scope, search
from app.core.describe import describe, label_of
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db

from . import acting, cells, conditions, exporting, forms, quick, record, saving
from .declare import own_fields, with_own
from .guard import granted
from .hooks import Hooks
from .listing import Listing, counts
from .look import new_token

ROUTES = {"list", "show", "add", "edit", "delete", "action_post", "action_form", "choose", "list_counts", "list_columns_form",
          "remember", "export", "quick"}


class Described:
    """The fields of a view's model as they are just now."""

    def __get__(self, _view, kind):
        return describe(kind.model) if kind.model else {}


class EntityView(Hooks, ModelView):
    """A list, a page and forms of one model, by declaration (see README: how to add an entity)."""

    model: type = None
    fields = Described()
    menu = mass_fields = None  # mass_fields: names of those that 批量修改 offers, when not all of the form
    menu_verb = "read"
    title = add_label = ""
    list_columns: str | list = ""
    quick_filters: list = []
    conditions = ""  # of the panel; those after a "|" fold away until they are set
    asked: dict = {}  # name in the address -> Asked
    sections: list = []
    actions_declared: list = []
    save_and: tuple = ()
    default_sort = "created_at.desc"
    quick_fields = ""  # of the small form by which other forms make such a record
    form_columns: str | None = None  # when the form shows less than the sections
    facts = head = ""  # key figures ("amount/tax": with a small line; *: those of later modules), and what stands beside the title
    bar = ""  # keys of the buttons on the page in order, the first one filled: edit, a next document, an action; the rest is under 更多
    overview = False  # the page begins with what `body` shows; the sections stand in a narrow column without the fields it shows
    in_body: tuple = ()
    beside_timeline = ""  # fields that stand beside the timeline
    initials = False  # a person or a company: the first letter stands for it, else the menu's icon
    sums: dict = {}  # list column -> SQL aggregate over the filtered rows, shown in the foot
    parents: dict = {}  # earlier views on whose pages this list is a tab -> the field that leads there
    nexts: tuple = ()  # (entity, label, icon): documents that can be started from this one
    next_as = ""  # the field of the next document that leads here, when it is not this entity's name
    extra_bar = ""  # a template with more buttons for the page's bar
    tab_label = None
    asks_twins = ""  # fields of the form that are compared with all customers while they are typed
    looks: tuple = ()  # other looks at the same rows: (address, label, icon); the list's state goes along
    importable = exportable = in_api = True
    in_book = False  # a setting that goes into the book of all data though its list is not exported
    quiet = only = staticmethod(lambda: [])  # declared list columns that have nothing to say in this office; clauses that always hold
    include_route_methods = ROUTES
    check_save = check_delete = staticmethod(lambda session, row: None)
    check_change = staticmethod(lambda session, row: None)  # refuses a row that must not be edited or deleted any more

    def __init_subclass__(cls, **kw):
        super().__init_subclass__(**kw)
        if cls.model is None:
            return
        cls.datamodel = SQLAInterface(cls.model)
        cls.entity = cls.__dict__.get("entity") or cls.model.__tablename__.replace("_", "")
        cls.class_permission_name = cls.entity
        cls.route_base = f"/{cls.entity}"
        cls.home = f"{cls.route_base}/list/"
        cls.condition_names = cls.conditions.replace("|", " ").split()
        cls.folded = cls.conditions.partition("|")[2].split()
        cls.list_columns = cls.list_columns.split()
        page = f"{cls.facts} {cls.head}".replace("/", " ").replace("*", " ").split()
        said = [*cls.list_columns, *cls.condition_names, *page, *(cls.form_columns or "").split(),
                *(n for s in cls.sections for n in s.fields)]
        if unknown := sorted({n for n in said if n not in cls.fields}):
            raise TypeError(f"{cls.__name__} speaks of unknown fields: {unknown}")
        cls.search_columns = [n for n, one in cls.fields.items() if one.column is not None]
        cls.list_title = cls.show_title = cls.add_title = cls.edit_title = cls.title  # else FAB says "List Customer"
        cls.search_form = cls.add_form = cls.edit_form = DynamicForm
        cls.add_columns = cls.edit_columns = cls.show_columns = []
        cls.label_columns = {n: one.label for n, one in cls.fields.items()}
        if cls.quick_fields:
            quick.OFFERED.add(cls.entity)
        cls.base_permissions = [f"can_{verb}" for verb in cls.verbs()]

    @classmethod
    def verbs(cls) -> list[str]:
        """The rights that a role may grant on this entity."""
        own = {"read", "add", "edit", "delete", *(a.verb for a in cls.actions_declared)}
        return sorted(own | ({"import"} if cls.importable else set()) | ({"export"} if cls.exportable else set()))

    # ---- what a subclass may say -------------------------------------------------------------------------------
    row_lead = row_tail = None  # functions row -> HTML before the first cell and after the last one of the list page
    groupings: tuple = ()  # what the rows of the list page can be grouped by; the first one until somebody chooses

    def list_links(self) -> list:
        """More buttons above the list: (address, label, icon)."""
        return []

    def row_flags(self, row) -> str:
        """Extra classes of a table row."""
        return ""

    def narrow(self, wanted, q: str):
        """(the SELECT narrowed by `?q=`, the column that sorts the newest first): by the search index, else by the text fields."""
        if hasattr(self.model, "search_names"):
            return search.narrow(wanted, self.model, q)
        texts = [one.attribute for one in self.fields.values() if one.kind in ("text", "number") and one.attribute is not None]
        return wanted.where(or_(false(), *(a.contains(q, autoescape=True) for a in texts))), self.model.id

    def preset(self, form) -> None:
        """Fill a new form from the address (a tab's 新建 hands over the parent)."""
        if (copied := request.args.get("copy", "")).isdecimal():
            self.copy_into(form, self.fetch(int(copied)))
        for one in self.form_fields():
            if value := request.args.get(one.name):
                with suppress(ValueError):  # what does not fit the field is left out
                    form[one.name].process_formdata([value])

    def copy_into(self, form, row) -> None:
        """复制: a new form with what another record holds, but for its number, unique values and days that begin as today."""
        for one in self.form_fields():
            if one.kind != "number" and not one.info.get("unique") and not cells.is_masked(one) and not one.begins_now:
                form[one.name].data = getattr(row, one.key)

    def after_save(self, row, fresh: bool) -> None:
        """Hook inside the transaction, after the row has an id."""

    def form_fields(self, row=None) -> list:
        """The fields of the form: the sections' writable ones; masked ones are not sent to who may not see them."""
        names = [*(self.form_columns or " ".join(s.names for s in self.sections)).split(), *own_fields(self)]
        found = [self.fields[n] for n in dict.fromkeys(names)]
        hidden = {f.name for f in found if row is not None and cells.is_masked(f)}
        return [f for f in found if not f.readonly and not f.system and f.stored and f.name not in hidden]

    def groups(self) -> list:
        """The sections with the own fields that the administrator made: each stands in its section, the others before the last one."""
        return with_own(self)

    # ---- list --------------------------------------------------------------------------------------------------
    @expose("/list/")
    @granted("read")
    def list(self):
        """The list page: buttons, quick-filter panel, table (manual 3.2)."""
        listing = Listing(self)
        actions = acting.offered(self, many=True)
        page = listing.context(ticks=bool(actions))
        if cookie.get(place := f"at.{self.entity}") != (state := listing.query_string()[:300]):
            cookie[place] = state
        return render_template(
            "entity/list.html", view=self, page=page, listing=listing, quick=listing.quick_context(),
            conditions=listing.condition_html(), actions=actions, may=self.may)

    @expose("/counts")
    @granted("read")
    def list_counts(self):
        """{key: n} of the named filters and {"sum": {column: text}} of the asked rows, fetched after the page."""
        sums = Listing(self).sums() if self.sums else {}
        return jsonify({**counts(self), **({"sum": sums} if sums else {})})

    @expose("/columns")
    @granted("read")
    def list_columns_form(self):
        """The dialog of the list's columns."""
        return render_template("entity/columns.html", view=self, all_columns=record.column_choice(self, Listing(self, args={})))

    @expose("/choose")
    @granted("")
    def choose(self):
        """Options of a drop-down: ?q= text, ?<field>= narrows; at most 20."""
        if not forms.may_choose(self.model):
            abort(403)
        wanted, newest = select(self.model), self.model.id
        if q := request.args.get("q", "").strip()[:100]:
            wanted, newest = self.narrow(wanted, q)
        for name, one in self.fields.items():
            if one.kind == "ref" and (value := request.args.get(name, "")).isdecimal():
                wanted = wanted.where(conditions.clause(one, value))
        few = min(int(n) if (n := request.args.get("limit", "")[:3]).isdecimal() else 20, 60)
        rows = db.session.scalars(self.choosable(wanted).order_by(newest.desc()).limit(few)).all()
        return jsonify(results=[{"id": row.id, "text": str(row), "hint": self.hint(row), **more}
                                for row, more in zip(rows, self.options(rows), strict=True)])

    def choosable(self, wanted):
        """Narrow the rows that may be chosen in a form."""
        return wanted

    def options(self, rows) -> list[dict]:
        """More that options carry for the form's script, row by row: `brings` {field: text or {id, text}} fills what is empty."""
        return [{} for _row in rows]

    def hint(self, row) -> str:
        """The second line of an option."""
        return ""

    @expose("/quick", methods=["GET", "POST"])
    @granted("add")
    def quick(self):
        """The small form in a dialog, by which other forms make a record of this kind."""
        return quick.answer(self) if self.quick_fields else abort(404)

    @expose("/export", methods=["POST"])
    @granted("export")
    def export(self):
        """The filter's or the selection's rows as a spreadsheet."""
        return exporting.export(self)

    @expose("/remember", methods=["POST"])
    @granted("read")
    def remember(self):
        """Keep this person's columns, sort or page size of this list."""
        record.remember(self)
        return redirect(f"{self.home}?{cookie.get(f'at.{self.entity}', '')}")

    # ---- record ------------------------------------------------------------------------------------------------
    def more_links(self, row) -> list[tuple]:
        """More buttons of the page that lead somewhere: (key, address, label, icon)."""
        return []

    def fetch(self, pk):
        """The visible row, or 404."""
        return db.session.get(self.model, pk) or abort(404)

    def fetch_for_edit(self, pk, lock=False):
        """The row for changing it: 404 when invisible, 403 when only shared for reading."""
        wanted = select(self.model).where(self.model.id == pk)
        row = db.session.scalar(wanted.with_for_update(of=self.model) if lock else wanted) or abort(404)
        return row if scope.may_edit(db.session, row, actor.current()) else abort(403)

    def refused_change(self, row):
        """The way back with the sentence when the row must not be changed any more, else None."""
        try:
            type(self).check_change(db.session, row)
        except RuleError as no:
            flash(str(no), "danger")
            return redirect(f"{self.route_base}/show/{row.id}")
        return None

    def may(self, verb: str) -> bool:
        """Whether the acting person holds a right on this entity."""
        return actor.current().may(self.entity, verb)

    @expose("/show/<int:pk>")
    @granted("read")
    def show(self, pk):
        """The page of a record: head, facts, tabs (product.md 4.3 Detail page)."""
        row = self.fetch(pk)
        record.recent(self, row)
        return render_template("entity/show.html", view=self, item=row, may=self.may, **record.context(self, row))

    @expose("/add", methods=["GET", "POST"])
    @granted("add")
    def add(self):
        """The form of a new record."""
        return self._form(None)

    @expose("/edit/<int:pk>", methods=["GET", "POST"])
    @granted("edit")
    def edit(self, pk):
        """The form of an existing record."""
        row = self.fetch_for_edit(pk, lock=request.method == "POST")
        return self.refused_change(row) or self._form(row)

    def form_class(self, fields, row):
        """The form of these fields."""
        return forms.make_form(f"{type(self).__name__}Form", fields)

    def form_sections(self, names) -> list[dict]:
        """The typed groups of the form with the fields that it has."""
        found = [{"label": str(s.label), "fields": [n for n in s.fields if n in names]} for s in self.groups()]
        return [s for s in found if s["fields"]]

    def more_clashes(self, form, row) -> list:
        """Hook of the optimistic lock: what else both changed, as {name, label, mine, theirs}."""
        return []

    def before_save(self, row, form) -> None:
        """Hook before the rules: what the form holds beyond the row's fields."""

    def after_fill(self, row, form) -> None:
        """Hook inside the transaction, after the row has an id: rows that belong to it."""

    def _form(self, row):
        fields = self.form_fields(row)
        kind = self.form_class(fields, row)
        form = kind(request.form if request.method == "POST" else None, data=self._data(row, fields))
        if request.method == "POST":
            answer = self._save(form, row, fields)
            if not isinstance(answer, dict):
                return answer
            return self._render_form(form, row, fields, **answer), 200
        form.token.data, form.version.data = new_token(), str(row.version) if row else ""
        if row is None:
            self.preset(form)
        return self._render_form(form, row, fields)

    @staticmethod
    def _data(row, fields):
        if row is None:
            listed = {f.name: code for f in fields if f.choices and (code := choices.default(db.session, f.choices))}
            return {**{f.name: first for f in fields if (first := f.first()) is not None}, **listed, "owner": actor.current_id()}
        return {f.name: getattr(row, f.key) for f in fields}

    def _save(self, form, row, fields):
        """Redirect when saved; otherwise what the form page must tell."""
        if row is None and (made := saving.saved_before(form)):
            return redirect(f"{self.route_base}/show/{made}")
        try:
            saved = saving.put(self, form, row, fields)
            if saved is None:
                return {}
            saving.commit()
        except saving.Clash as both:
            form.version.data, form.version.raw_data = str(row.version), None
            return {"conflict": both.fields}
        except RuleError as no:
            db.session.rollback()
            if row is None and (made := saving.saved_before(form)):  # the same form came twice at once
                return redirect(f"{self.route_base}/show/{made}")
            return {"problem": saving.put_error(form, no)}
        if more := next((m for m in self.save_and if m.key in request.form), None):
            return more.then(self, saved)
        acting.say_done(_("Saved."))
        return redirect(f"{self.route_base}/add" if saving.wants_another() else f"{self.route_base}/show/{saved.id}")

    def _render_form(self, form, row, fields, conflict=None, problem=None):
        if problem:
            flash(problem, "danger")
        sections = self.form_sections(set(form._fields))
        return render_template(
            "entity/form.html", view=self, form=form, item=row, sections=sections,
            errors_count=forms.faults(form), conflict=conflict, title=str(row) if row is not None else str(self.add_label), may=self.may,
            cancel=f"{self.route_base}/show/{row.id}" if row is not None else self.back_url(), **self.form_more(form, row))

    def form_more(self, form, row) -> dict:
        """More for the form's template."""
        return {}

    def back_url(self) -> str:
        """The list as this person left it."""
        state = cookie.get(f"at.{self.entity}", "")
        return self.home + (f"?{state}" if state else "")

    @expose("/delete/<int:pk>", methods=["POST"])
    @granted("delete")
    def delete(self, pk):
        """Move one record to the trash."""
        return acting.delete(self, [self.fetch_for_edit(pk)])

    # ---- actions -----------------------------------------------------------------------------------------------
    @expose("/action_form/<key>")
    @granted("read")
    def action_form(self, key):
        """The dialog of an action that asks something first."""
        return acting.dialog(self, key)

    @expose("/action_post", methods=["POST"])
    @granted("read")
    def action_post(self):
        """Do an action on the chosen rows, all visible to the person."""
        return acting.perform(self)

    def sorts(self, name: str) -> bool:
        """Whether the list can be sorted by a field."""
        one = self.fields.get(name)
        return one is not None and one.attribute is not None and one.kind not in ("note", "html", "several")

    def label(self, name: str) -> str:
        """The label of a field."""
        return label_of(self.model, name)


class LogView(EntityView):
    """What the program itself writes down: read and exported; nobody adds, changes or deletes a line."""

    importable = False
    include_route_methods = ROUTES - {"add", "edit", "delete", "quick", "action_post", "action_form"}

    @classmethod
    def verbs(cls):
        """Read and export only."""
        return ["export", "read"]
