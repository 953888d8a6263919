"""/filter/: the quick filters of every list, composed by the administrator for all and by everybody for himself (manual 4.9.5)."""
from flask import abort, flash, jsonify, redirect, render_template, request
from flask_appbuilder import expose
from sqlalchemy import select

from app.core import actor, changes, filters
from app.core.panel import PanelItem
from app.core.rules import RuleError
from app.core.words import _, _l
from app.security.people import actor_for
from app.views import acting, conditions, forms, listing
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.listing import Listing, capped
from app.views.page import Page, back_to
from app.views.panel import Panel

from . import compose, editor, rules


class FilterPage(Page):
    """The panel of one list: named filters and single conditions, in order, on or off, for whom."""

    entity, route_base, home = "filter", "/filter", "/filter/"
    default_view, menu_verb = "index", "edit"
    menu = MenuItem("system", _l("Quick filters"), icon="filter", position=62)

    def _asked(self):
        """(panel, kind) of the request; the single conditions are the administrator's."""
        kind = "condition" if request.values.get("tab") == "condition" else "filter"
        if kind == "condition" and not self.who.may("filter", "edit"):
            abort(403)
        return editor.panel_of(request.values.get("list") or "customer"), kind

    def _row(self, panel, kind, key, change=True):
        """The item of a key, made when a declared thing has none yet; 404 when there is no such thing, 403 when it is not his."""
        number = key[1:] if key.startswith("f") and key[1:].isdecimal() else ""
        if number:
            item = self.session.get(PanelItem, int(number)) if len(number) < 16 else None
            if item is None or item.entity != panel.view.entity or item.kind != kind or key not in panel.filters:
                abort(404)
        else:
            known = panel.filters if kind == "filter" else dict(compose.fields_of(panel))
            if key not in known or key.startswith("@"):
                abort(404)
            item = rules.of_key(self.session, panel.view.entity, kind, key) or editor.fresh(panel, kind, key)
        if change and not rules.may_manage(item, self.who):
            abort(403)
        if change and item.id is None:
            item.position = panel.places().get(key, 10_000) if kind == "condition" else list(known).index(key) * rules.STEP
            self.session.add(item)
        return item

    @expose("/")
    @granted("")
    def index(self):
        """The things of a list's panel beside the editor of one."""
        panel, kind = self._asked()
        new, key = request.args.get("new"), request.args.get("item", "")
        if not new and not key:
            found = editor.entries(panel, kind)
            key = next((e["key"] for e in found if e["default"]), found[0]["key"] if found else "")
        own = new == "own" or not self.who.may("filter", "edit")
        item = editor.fresh(panel, kind, own=own) if new or not key else self._row(panel, kind, key, change=False)
        rule = compose.of_listing(Listing(panel.view)) if new and len(request.args) > 2 and kind == "filter" else None
        return render_template("tailoring/filters.html", **editor.context(panel, kind, item, rule))

    @expose("/row")
    @granted("")
    def row(self):
        """One condition of the composer as HTML, after another field or operator was chosen."""
        panel, n = editor.panel_of(request.args.get("list", "")), request.args.get("n", "")
        if not n.isdecimal() or len(n) > 3:
            abort(400)
        asked = {name: request.args.get(name, "") for name in ("field", "op", "group")}
        return render_template("tailoring/row.html", r={**compose.row(panel, asked), "n": int(n)}, fields=compose.fields_of(panel))

    @expose("/preview", methods=["POST"])
    @granted("")
    def preview(self):
        """How many rows the composed filter has and the first of them; the administrator may look as somebody else."""
        panel, number = editor.panel_of(request.form.get("list", "")), request.form.get("as", "")
        try:
            rule = compose.checked(panel, compose.typed(request.form))
        except RuleError as no:
            return render_template("tailoring/preview.html", problem=str(no))
        other = number.isdecimal() and len(number) < 16 and self.who.may("filter", "edit")
        who = (actor_for(self.session, int(number)) or abort(404)) if other else self.who
        with actor.acting_as(who):
            clause = filters.clause(panel.view.model, rule, who, Panel(panel.view).refer)
            page = Listing(panel.view, also=[clause], args={}, prefs={"size": 5}).context()
            notes = filters.faults(self.session, panel.view.model, rule, who)
        return render_template("tailoring/preview.html", view=panel.view, page=page, who=who, notes=notes, actions=[])

    @expose("/counts")
    @granted("")
    def counts(self):
        """How many rows each view of the person's left menu has: {"<entity>.<key>": n}; with ?list= each filter of a list: {key: n};
        capped."""
        if "list" in request.args:
            return jsonify(listing.counts(editor.panel_of(request.args["list"]).view, every=self.who.may("filter", "edit")))
        panels, found = {v.entity: Panel(v) for v in editor.listed_views()}, {}
        for entity, key in rules.pins(self.session, self.who):
            if entity in panels and (one := panels[entity].filters.get(key)):
                model = panels[entity].view.model
                found[f"{entity}.{key}"] = self.session.scalar(capped(select(model.id).where(one.rule(self.who)), model))
        return jsonify(found)

    # ---- changes -----------------------------------------------------------------------------------------------
    @expose("/save", methods=["POST"])
    @granted("")
    def save(self):
        """Save the editor; what makes no sense comes back with its sentence."""
        panel, kind = self._asked()
        key, own = request.form.get("key", ""), request.form.get("own") == "1" or not self.who.may("filter", "edit")
        item = self._row(panel, kind, key) if key else editor.fresh(panel, kind, own=own)
        made = kind == "filter" and not item.key
        typed = compose.typed(request.form) if made else None
        try:
            with changes.operation(self.session, "filter", "panel_item", str(panel.view.title)):
                self._fill(panel, item, compose.checked(panel, typed) if made else None)
                rules.check_item(self.session, item)
                self.session.add(item)
        except RuleError as no:
            self.session.rollback()
            flash(str(no), "danger")
            item = self._row(panel, kind, key, change=False) if key else editor.fresh(panel, kind, own=own)
            return render_template("tailoring/filters.html", **editor.context(panel, kind, item, typed, request.form))
        self.session.commit()
        acting.say_done(_("Saved."))
        return redirect(f"/filter/?list={panel.view.entity}&tab={kind}&item={item.key or f'f{item.id}'}")

    def _fill(self, panel, item, rule):
        """Move what was posted into an item."""
        form = request.form
        item.name, item.is_on, item.is_default = (forms.clean(form.get("name")) or "")[:40], "is_on" in form, "is_default" in form
        item.audience = {name: sorted({int(v) for v in form.getlist(name) if v.isdecimal() and len(v) < 16})
                         for name in ("roles", "people") if form.getlist(name)}
        if item.kind == "condition":
            item.look = form.get("look") if form.get("look") in conditions.LOOKS.get(panel.view.fields[item.key].kind, ()) else "auto"
            value = conditions.canonical(form).get("v", "").strip(" ~")
            item.rule = {"folded": "folded" in form, **({"value": value} if value else {})}
            return
        item.sort = form.get("sort") if form.get("sort") in dict(compose.sorts_of(panel.view)) else ""
        if rule is not None:
            item.rule = rule

    @expose("/keep", methods=["POST"])
    @granted("")
    def keep(self):
        """Keep what a list asks for just now as one's own filter (存为我的过滤); perhaps in the left menu."""
        panel = editor.panel_of(request.args.get("list", ""))
        item = editor.fresh(panel, "filter", own=True)
        try:
            with changes.operation(self.session, "filter", "panel_item", str(panel.view.title)):
                shown = Listing(panel.view)
                item.name, item.rule = (forms.clean(request.form.get("name")) or "")[:40], compose.of_listing(shown)
                item.sort = f"{shown.order[0].name}.{shown.order[1]}" if f"_oc_{shown.name}" in request.args else ""
                rules.check_item(self.session, item)
                self.session.add(item)
                self.session.flush()
                if "pin" in request.form:
                    rules.pin(self.session, self.who, panel.view.entity, f"f{item.id}", True)
        except RuleError as no:
            self.session.rollback()
            flash(str(no), "danger")
            return back_to(panel.view.home)
        self.session.commit()
        acting.say_done(_("Saved."))
        return redirect(f"{panel.view.home}?quick=f{item.id}")

    def _change(self, label, act):
        """Do something to the named things in one operation, then back."""
        panel, kind = self._asked()
        try:
            with changes.operation(self.session, "filter", "panel_item", str(panel.view.title)):
                act(panel, kind, [self._row(panel, kind, key) for key in request.form.getlist("key")])
        except RuleError as no:
            self.session.rollback()
            flash(str(no), "danger")
            return back_to(f"/filter/?list={panel.view.entity}&tab={kind}")
        self.session.commit()
        acting.say_done(label)
        return back_to(f"/filter/?list={panel.view.entity}&tab={kind}")

    @expose("/order", methods=["POST"])
    @granted("")
    def order(self):
        """The things in the order in which they were dragged."""
        return self._change(_("Saved."), lambda _panel, _kind, rows: rules.arrange(rows))

    @expose("/switch", methods=["POST"])
    @granted("")
    def switch(self):
        """Show a thing in the panel, or hide it."""
        def act(_panel, _kind, rows):
            for row in rows:
                row.is_on = not row.is_on
        return self._change(_("Saved."), act)

    @expose("/delete", methods=["POST"])
    @granted("")
    def delete(self):
        """Delete made filters; what the program brings can only be hidden."""
        def act(_panel, _kind, rows):
            for row in rows:
                rules.check_delete(row)
                self.session.delete(row)
        return self._change(_("Moved to the trash."), act)

    @expose("/pin", methods=["POST"])
    @granted("")
    def pin(self):
        """Put a filter into one's left menu, or take it out."""
        panel, kind = self._asked()
        key = request.form.get("key", "")
        try:
            rules.pin(self.session, self.who, panel.view.entity, key if key in panel.filters else abort(404), request.form.get("on") == "1")
        except RuleError as no:
            flash(str(no), "danger")
        self.session.commit()
        return back_to(f"/filter/?list={panel.view.entity}&tab={kind}&item={key}")
