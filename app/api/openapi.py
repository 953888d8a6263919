"""/api/v1/_openapi: the OpenAPI 3.1 description, made from the declarations for the acting person's rights; complete enough that a
typed client is generated from it (openapi-python-client)."""
from wtforms import BooleanField, DateField, FieldList, SelectMultipleField

from app.core import actor
from app.core.describe import describe
from app.core.words import _
from app.views import acting, forms

from . import values
from .views import entity_views

KINDS: dict = {"money": {"type": "number", "description": "yuan"}, "percent": {"type": "number", "description": "percent"},
         "quantity": {"type": "number"}, "whole": {"type": "integer"}, "flag": {"type": "boolean"},
         "date": {"type": "string", "format": "date"}, "moment": {"type": "string", "format": "date-time"},
         "several": {"type": "array", "items": {"type": "string"}}, "ref": {"$ref": "#/components/schemas/Reference"}}
FIELDS = ((FieldList, None), (forms.RefsField, {"type": "array", "items": {"type": "integer"}}), (forms.RefField, {"type": "integer"}),
          (forms.SeveralField, KINDS["several"]), (SelectMultipleField, {"type": "array", "items": {"type": "integer"}}),
          (BooleanField, KINDS["flag"]), (forms.MoneyField, KINDS["money"]), (forms.WholeField, KINDS["whole"]),
          (forms.ScaledField, {"type": "number"}), (DateField, KINDS["date"]), (forms.MomentField, KINDS["moment"]))
REFUSALS = {400: "Error", 401: "Error", 403: "Error", 404: "Error", 409: "Conflict", 422: "Refusal", 429: "Error"}
TEXT, WORDS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
ID = [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}]
Q = [{"name": "q", "in": "query", "required": False, "schema": TEXT, "description": "rison or JSON: columns, filters [{col, opr, value}], "
      "order_column, order_direction, page, page_size, search, quick"}]
ONCE = [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": TEXT}]
IF = [{"name": "If-Match", "in": "header", "required": False, "schema": TEXT, "description": "the version that the caller knows"}]


def _object(properties: dict, required=()) -> dict:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, "additionalProperties": False, **needed}


def _or_null(schema: dict) -> dict:
    return {"anyOf": [schema, {"type": "null"}]} if "$ref" in schema or "anyOf" in schema else {**schema, "type": [schema["type"], "null"]}


def _ref(name: str) -> dict:
    return {"$ref": f"#/components/schemas/{name}"}


SHARED = {
    "Reference": _object({"id": {"type": "integer"}, "name": TEXT}, ("id", "name")),
    "Error": _object({"message": TEXT, "id": TEXT}, ("message",)),
    "Done": _object({"message": TEXT}, ("message",)),
    "Refusal": _object({"message": TEXT, "errors": {"type": "object", "additionalProperties": TEXT}}, ("message",)),
    "Conflict": _object({"message": TEXT, "conflict": {"type": "array", "items": _ref("Clash")}}, ("message",)),
    "Clash": _object({"name": TEXT, "label": TEXT, "mine": {}, "theirs": {}}, ("name", "label")),
    "Hits": _object({"count": {"type": "integer"}, "result": {"type": "array", "items": _ref("Hit")}}, ("count", "result")),
    "Hit": _object({"entity": TEXT, "id": {"type": "integer"}, "name": TEXT}, ("entity", "id", "name")),
    "Options": _object({"count": {"type": "integer"}, "result": {"type": "array", "items": _ref("Option")}}, ("count", "result")),
    "Option": _object({"value": {"type": "integer"}, "text": TEXT}, ("value", "text")),
    "Bulk": _object({"count": {"type": "integer"}, "result": {"type": "array", "items": _ref("BulkRow")}}, ("count", "result")),
    "BulkRow": _object({"status": {"type": "integer"}, "id": {"type": "integer"}, "version": {"type": "integer"}, "message": TEXT,
                        "errors": {"type": "object", "additionalProperties": TEXT}, "conflict": {"type": "array", "items": _ref("Clash")},
                        "row": {"type": "integer", "description": "of the rows that were sent, from 0"}}, ("status",)),
    "BulkRefusal": _object({"message": TEXT, "errors": {"type": "object", "additionalProperties": TEXT}, "count": {"type": "integer"},
                            "result": {"type": "array", "items": _ref("BulkRow")}}, ("message",)),
}


# ---- schemas --------------------------------------------------------------------------------------------------
def _read(fields, more=None) -> dict:
    told = {one.name: _or_null({**KINDS.get(one.kind, TEXT), "title": str(one.label)} if one.kind != "ref" else KINDS["ref"])
            for one in fields.values()}
    return _object({"id": {"type": "integer"}, "version": {"type": "integer"}, **told, **(more or {})}, ("id",))


def _field(field, name, schemas) -> dict:
    if isinstance(field, FieldList):
        form = field.append_entry().form
        schemas[f"{name}Line"] = _written(form, f"{name}Line", schemas, {"id": {"type": ["integer", "null"]}})
        return {"type": "array", "items": _ref(f"{name}Line")}
    schema = next((made for kind, made in FIELDS if isinstance(field, kind)), TEXT)
    return {**_or_null(schema), "title": str(field.label.text)}


def _written(form, name, schemas, more=None) -> dict:
    """What a form takes; nothing is required here, because defaults and what the screen would fill in count too."""
    told = {f.short_name: _field(f, name, schemas) for f in form if f.short_name not in ("token", "version", "csrf_token")}
    return _object({**told, **(more or {})})


def _inside(view, name, schemas) -> dict:
    """The lists inside a record."""
    found: dict = {}
    for field in values.blank_form(view, None):
        if isinstance(field, FieldList):
            schemas[f"{name}LineRead"] = _read({n: one for n, one in describe(view.line).items() if not one.system})
            found[field.short_name] = {"type": "array", "items": _ref(f"{name}LineRead")}
        elif isinstance(field, forms.RefsField):
            text = [TEXT, {"type": "null"}] if field.short_name in view.fields else []
            found[field.short_name] = {"anyOf": [{"type": "array", "items": _ref("Reference")}, *text]}
        elif isinstance(field, SelectMultipleField) and field.short_name not in view.fields:
            found[field.short_name] = {"type": "array", "items": {"type": "integer"}}
        elif field.short_name.endswith("_mark"):
            found[field.short_name] = {"type": ["string", "null"]}
    return found


def _schemas(view, name, schemas) -> None:
    schemas[name] = _read(values.shown(view), _inside(view, name, schemas))
    schemas[f"{name}Item"] = _object({"id": {"type": "integer"}, "result": _ref(name), "show_title": TEXT, "show_columns": WORDS,
                                      "label_columns": {"type": "object", "additionalProperties": TEXT}}, ("id", "result"))
    schemas[f"{name}Saved"] = _object({"id": {"type": "integer"}, "result": _ref(name)}, ("id",))
    schemas[f"{name}Done"] = _object({"message": TEXT, "entity": TEXT, "id": {"type": "integer"}, "result": {}}, ("message",))
    schemas[f"{name}List"] = _object({
        "count": {"type": "integer"}, "ids": {"type": "array", "items": {"type": "integer"}},
        "result": {"type": "array", "items": _ref(name)}, "list_columns": WORDS, "order_columns": WORDS, "list_title": TEXT,
        "label_columns": {"type": "object", "additionalProperties": TEXT}}, ("count", "result"))
    if "add" in view.verbs():
        schemas[f"{name}Add"] = _written(values.blank_form(view, None), f"{name}Add", schemas)
    if "edit" in view.verbs():
        row = view.model()
        form = view.form_class(view.form_fields(row), row)(None, meta={"csrf": False})
        schemas[f"{name}Edit"] = _written(form, f"{name}Edit", schemas, {"version": {"type": ["integer", "null"]}})


# ---- paths ----------------------------------------------------------------------------------------------------
def _body(name: str) -> dict:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _ref(name)}}}}


def _operation(view, what, done, schema, parameters=(), body=None, status=200) -> dict:
    answers = {status: schema, **{code: name for code, name in REFUSALS.items() if code != 409 or what not in ("list", "get")}}
    if what == "bulk":
        answers[422] = "BulkRefusal"
    return {"operationId": f"{what}_{view.entity}", "tags": [view.entity], "summary": str(done), "parameters": [*parameters],
            "responses": {str(code): {"description": name, "content": {"application/json": {"schema": _ref(name)}}}
                          for code, name in answers.items()}, **(_body(body) if body else {})}


def _paths(view, name, schemas) -> dict:
    may, base = (lambda verb: verb in view.verbs() and actor.current().may(view.entity, verb)), f"/api/v1/{view.entity}/"
    many = {"get": _operation(view, "list", view.title, f"{name}List", Q)}
    one = {"get": _operation(view, "get", view.title, f"{name}Item", [*ID, *Q])}
    found = {base: many, base + "{id}": one}
    if may("add"):
        many["post"] = _operation(view, "post", view.add_label or view.title, f"{name}Saved", ONCE, f"{name}Add", 201)
    if may("edit"):
        one["put"] = _operation(view, "put", _("Edit"), f"{name}Saved", [*ID, *IF], f"{name}Edit")
    if may("add") and may("edit"):
        schemas[f"{name}Rows"] = _object({"partial": {"type": "boolean"}, "rows": {"type": "array", "maxItems": 1000, "items": {
            "anyOf": [_ref(f"{name}Add"), {"type": "object", "additionalProperties": True}]}}}, ("rows",))
        found[base + "bulk"] = {"post": _operation(view, "bulk", _("Many rows"), "Bulk", ONCE, f"{name}Rows")}
    if may("delete"):
        one["delete"] = _operation(view, "delete", _("Delete"), "Done", [*ID, *IF])
        many["delete"] = _operation(view, "bulk_delete", _("Delete"), "Done", [{**Q[0], "required": True, "description": "!(1,2,3)"}])
    for action in acting.all_actions(view).values():
        if action is not acting.DELETE and not action.leads and actor.current().may(view.entity, action.verb):
            found[base + "{id}/" + action.key] = {"post": _action(view, action, name, schemas)}
    return found


def _action(view, action, name, schemas) -> dict:
    asked = f"{name}{action.key.title()}"
    schemas[asked] = _written(action.form()(None, meta={"csrf": False}), asked, schemas) if action.form else _object({})
    return _operation(view, f"{action.key}", action.label, f"{name}Done", [*ID, *ONCE], asked)


def document() -> dict:
    """The description of everything that the acting person may do."""
    schemas: dict = {**SHARED}
    hits = {"operationId": "search", "tags": ["search"], "parameters": [{"name": "q", "in": "query", "required": True, "schema": TEXT}],
            "responses": {"200": {"description": "Hits", "content": {"application/json": {"schema": _ref("Hits")}}}}}
    paths: dict = {"/api/v1/search": {"get": hits}}
    for view in entity_views():
        if actor.current().may(view.entity, "read"):
            name = view.model.__name__
            _schemas(view, name, schemas)
            paths |= _paths(view, name, schemas)
    return {"openapi": "3.1.0", "info": {"title": "快客 CRM", "version": "v1"}, "servers": [{"url": "/"}], "paths": paths,
            "security": [{"token": []}], "components": {
                "schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}}
