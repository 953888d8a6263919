"""The own fields of the main entities, made without a restart (自定义字段, product.md 6 no. 20)."""
from flask import current_app, request
from wtforms import SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from app.core.custom import CustomField
from app.core.words import _, _l
from app.extensions import db
from app.security.views import RolesField
from app.views import forms
from app.views.declare import MenuItem, Section
from app.views.entity_view import EntityView

from . import own


class CustomFieldView(EntityView):
    """Own fields by record: name, kind, options, section, who sees stars."""

    model = CustomField
    menu = MenuItem("system", _l("Own fields"), icon="forms", position=61)
    title, add_label = _l("Own fields"), _l("New field")
    list_columns = "name entity kind required position in_list is_sorted is_searched is_ready"
    conditions = "entity kind"
    default_sort = "position.asc"
    importable = exportable = False
    in_book = True
    head = "entity kind"
    sections = [Section(_l("Field"), "entity name name_en kind first help"),
                Section(_l("Use"), "position required in_list is_sorted is_searched is_ready")]
    form_columns = "entity name name_en kind first help section position required in_list is_sorted is_searched"
    check_save = staticmethod(own.check_field)

    def form_fields(self, row=None):
        """A field stays with its record and its kind."""
        return [f for f in super().form_fields(row) if row is None or f.name not in ("entity", "kind")]

    def form_class(self, fields, row):
        """The described fields, the section out of the record's own, the values that can be chosen, the roles that see stars."""
        entity = row.entity if row is not None else request.values.get("entity") or "customer"
        more = {"section": SelectField(_l("Section"), choices=self._sections(entity)),
                "masked": RolesField(_l("Stars for roles"), default=own.masked_for(db.session, row) if row is not None else [])}
        if row is None:
            more["entity"] = SelectField(_l("Record"), choices=self._entities(), default=entity,
                                         render_kw={"data-k-go": "/customfield/add?entity="})
        if row is None or row.kind in own.LISTS:
            more["options"] = TextAreaField(
                _l("Values that can be chosen"), default="\n".join(own.options_of(db.session, row)) if row is not None else "",
                description=_l("One a line; only for choices. Colours and English names are given under choice lists."))
        return type("CustomFieldForm", (forms.make_form("CustomFields", fields),), more)

    @staticmethod
    def _entities():
        return [SelectChoice(code, label) for code, label in forms.choices.options(db.session, "custom_entity")]

    @staticmethod
    def _sections(entity):
        view = next((v for v in current_app.appbuilder.baseviews if getattr(v, "model", None) is not None
                     and v.model.__tablename__ == entity and hasattr(v, "groups")), None)
        found = [SelectChoice(s.fields[0], str(s.label)) for s in view.sections] if view else []
        return [SelectChoice("", _("More data")), *found]

    def form_sections(self, names):
        """Options stand with the kind, roles with the use."""
        found = super().form_sections(names)
        found[0]["fields"] += ["options"] if "options" in names else []
        found[-1]["fields"] = ["section", *found[-1]["fields"], "masked"]
        return found

    def preset(self, form):
        """A new field comes last."""
        super().preset(form)
        form.position.data = form.position.data or 10

    def after_fill(self, row, form):
        """Options and masks."""
        if "options" in form:
            own.set_options(db.session, row, (form.options.data or "").splitlines())
        own.set_masked(db.session, row, form.masked.data or [])
