"""System parameters: each with its meaning and default; changes are logged and work at once (manual 4.9.6)."""
from flask import flash, redirect, render_template, request
from flask_appbuilder import expose

from app.core import changes, money, parameters
from app.core.words import _, _l
from app.views import acting, forms
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.page import Page


class ParameterPage(Page):
    """/parameter/: all parameters by group."""

    entity, route_base, home = "parameter", "/parameter", "/parameter/"
    default_view = "index"
    menu = MenuItem("system", _l("System parameters"), icon="adjustments", position=66)

    @expose("/")
    @granted("read")
    def index(self):
        """The form of all parameters."""
        return self._page({}, {})

    def _page(self, typed, errors):
        groups: dict = {}
        for known in parameters.KNOWN.values():
            value = typed.get(known.key, parameters.get(self.session, known.key))
            groups.setdefault(str(known.group), []).append({
                "known": known, "error": errors.get(known.key),
                "value": money.to_yuan(value) if known.kind == "money" and isinstance(value, int) else value,
                "default": money.shown(known.default) if known.kind == "money" else known.default})
        return render_template("settings/parameters.html", groups=groups, may=self.who.may("parameter", "edit"))

    @expose("/edit", methods=["POST"])
    @granted("edit")
    def edit(self):
        """Save all or nothing; a wrong value comes back with its sentence."""
        typed, errors, values = {}, {}, {}
        for known in parameters.KNOWN.values():
            text = forms.clean(request.form.get(known.key, "")) or ""
            typed[known.key] = text if known.kind != "flag" else text == "1"
            try:
                values[known.key] = self._value(known, text)
            except ValueError as bad:
                errors[known.key] = str(bad)
        if errors:
            flash(_("Nothing was saved: look at the marked parameters."), "danger")
            return self._page(typed, errors)
        with changes.operation(self.session, "edit", "parameter", _("System parameters")):
            for key, value in values.items():
                if value != parameters.get(self.session, key):
                    parameters.put(self.session, key, value)
        self.session.commit()
        acting.say_done(_("Saved."))
        return redirect("/parameter/")

    @staticmethod
    def _value(known, text):
        if known.kind == "flag":
            return text == "1"
        if known.kind in ("text", "note"):
            if len(text) > 200:
                raise ValueError(_("At most %(max)d characters.") % {"max": 200})
            return text
        try:
            number = money.to_fen(text.replace(",", "")) if known.kind == "money" else int(text)
        except ValueError:
            raise ValueError(_("This is not a number.")) from None
        if known.kind == "whole" and not known.low <= number <= known.high:
            raise ValueError(_("Between %(low)d and %(high)d.", low=known.low, high=known.high))
        return number
