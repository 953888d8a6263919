"""REST /api/v1/<entity>/ in Flask-AppBuilder's ModelRestApi conventions, for every declared entity by its declaration alone."""
from flask import abort, render_template, request
from flask_appbuilder import expose
from sqlalchemy import select

from app.core import actor, search
from app.core.describe import target_model
from app.extensions import db
from app.views import acting, forms
from app.views.guard import granted
from app.views.page import Page

from . import asking, bulk, door, info, openapi, reference, values, writing
from .views import entity_views


def _view(entity: str, verb: str = "read"):
    """The entity's screen: 404 when there is none, 405 for what it does not know, 403 without the right."""
    view = next((v for v in entity_views() if v.entity == entity), None) or abort(404)
    if verb not in view.verbs():
        abort(405)
    return view if actor.current().may(view.entity, verb) else abort(403)


def _version(asked=None):
    """The version that the caller knows: in the body, or as `If-Match`."""
    return (asked or {}).get("version") or request.headers.get("If-Match", "").strip('W/" ') or None


class EntityApi(Page):
    """Lists, records, bulk."""

    route_base = "/api/v1"
    default_view = "get_list"

    @expose("/<entity>/", methods=["GET"])
    @door.served
    def get_list(self, entity):
        """{count, ids, result, list_columns, label_columns, order_columns} of what `?q=` asks for."""
        view, said = _view(entity), asking.asked()
        fields, (rows, total) = asking.columns(view, said), asking.listing(view, said).rows()
        read = values.recorder(fields)
        told = {"count": total, "ids": [row.id for row in rows], "result": [read(row) for row in rows]}
        return 200, told if "none" in said.get("keys", ()) else told | info.heads(view, fields, "list")

    @expose("/<entity>/<int:pk>", methods=["GET"])
    @door.served
    def get(self, entity, pk):
        """{id, result} of one record, with the lists inside it."""
        view, said = _view(entity), asking.asked()
        row, fields = view.fetch(pk), asking.columns(view, said)
        told = values.recorder(fields)(row) if said.get("columns") else values.whole(view, row)
        return 200, {"id": pk, "result": told, "show_title": str(row)} | info.heads(view, fields, "show")

    @expose("/<entity>/_info", methods=["GET"])
    @door.served
    def get_info(self, entity):
        """What may be asked, written and done: permissions, columns, filters, actions."""
        return 200, info.info(_view(entity))

    @expose("/<entity>/related/<name>", methods=["GET"])
    @door.served
    def related(self, entity, name):
        """{count, result: [{value, text}]}: records that a reference may point to; `?q=(search:…)`."""
        view, said = _view(entity), asking.asked()
        one = view.fields.get(name)
        if one is None or one.kind != "ref":
            abort(404)
        there = next((v for v in entity_views() if v.model is target_model(one)), None) or abort(404)
        if not forms.may_choose(there.model):
            abort(403)
        wanted, newest = select(there.model), there.model.id
        if said.get("search"):
            wanted, newest = there.narrow(wanted, said["search"][:100])
        rows = db.session.scalars(there.choosable(wanted).order_by(newest.desc()).limit(20)).all()
        return 200, {"count": len(rows), "result": [{"value": row.id, "text": str(row)} for row in rows]}

    # ---- writing -----------------------------------------------------------------------------------------------
    @expose("/<entity>/", methods=["POST"])
    @door.served
    def post(self, entity):
        """Make a record."""
        view = _view(entity, "add")
        return 201, told(view, writing.put(view, None, door.body()))

    @expose("/<entity>/<int:pk>", methods=["PUT"])
    @door.served
    def put(self, entity, pk):
        """Change the sent fields of a record."""
        view, asked = _view(entity, "edit"), door.body()
        row = view.fetch_for_edit(pk, lock=True)
        return 200, told(view, writing.put(view, row, {**asked, "version": _version(asked)}))

    @expose("/<entity>/<int:pk>", methods=["DELETE"])
    @door.served
    def delete(self, entity, pk):
        """Move a record to the trash."""
        view = _view(entity, "delete")
        row = view.fetch_for_edit(pk, lock=True)
        writing.check_version(row, _version())
        return 200, {"message": acting.run(view, acting.DELETE, [row], {})}

    @expose("/<entity>/", methods=["DELETE"])
    @door.served
    def bulk_delete(self, entity):
        """Move the records of `?q=!(1,2,3)` to the trash, all or none."""
        view, ids = _view(entity, "delete"), asking.parsed([])
        rows = acting.rows_of(view, [str(i) for i in ids] if isinstance(ids, list) else [], True)
        return 200, {"message": acting.run(view, acting.DELETE, rows, {})}

    @expose("/<entity>/bulk", methods=["POST"])
    @door.served
    def post_bulk(self, entity):
        """Make and change many records: {rows: [{…}, {id, version, …}], partial: false}."""
        return bulk.write(_view(entity), door.body())

    @expose("/<entity>/<int:pk>/<action>", methods=["POST"])
    @door.served
    def act(self, entity, pk, action):
        """Do a declared action with one record."""
        return self._act(_view(entity), action, [str(pk)], door.body())

    @expose("/<entity>/<action>", methods=["POST"])
    @door.served
    def act_on_many(self, entity, action):
        """Do a declared action with the records of `ids`."""
        asked = door.body()
        ids = asked.pop("ids", None)
        return self._act(_view(entity), action, [str(i) for i in ids] if isinstance(ids, list) else [], asked)

    @staticmethod
    def _act(view, key, ids, asked):
        action = acting.action_of(view, key)
        if action.leads:  # a page of its own asks the rest
            abort(404)
        rows = acting.rows_of(view, ids, action.edits)
        said, made = writing.act(view, key, rows, asked)
        other = next((v for v in entity_views() if made is not None and v.model is type(made)), None)
        result = {"entity": other.entity} | told(other, made) if other else {} if len(rows) > 1 else told(view, rows[0])
        return 200, {"message": str(said)} | result


def told(view, row) -> dict:
    """A written record as the answer holds it."""
    db.session.flush()
    if row.deleted_at is not None if hasattr(row, "deleted_at") else False:
        return {"id": row.id}
    return {"id": row.id, "result": values.whole(view, row)}


class SearchApi(Page):
    """/api/v1/search?q=: the Ctrl+K box for programs."""

    route_base = "/api/v1/search"
    default_view = "index"

    @expose("", methods=["GET"])
    @door.served
    def index(self):
        """{count, result: [{entity, id, name}]}: the newest visible records that match, some of each kind."""
        q = request.args.get("q", "").strip()[:100]
        views = {v.model: v for v in entity_views() if hasattr(v.model, "search_names") and actor.current().may(v.entity, "read")}
        hits = [(views[model], row) for model, rows in search.find(db.session, q, list(views)) for row in rows] if q else []
        return 200, {"count": len(hits), "result": [{"entity": view.entity, "id": row.id, "name": str(row)} for view, row in hits]}


class OpenApi(Page):
    """The description of the interface, for the rights of who asks."""

    route_base = "/api/v1/_openapi"
    default_view = "index"

    @expose("", methods=["GET"])
    @door.served
    def index(self):
        """The OpenAPI document."""
        return 200, openapi.document()


class ReferencePage(Page):
    """The reference of the interface in the online help."""

    route_base = "/help/interface"
    default_view = "index"

    @expose("", methods=["GET"])
    @granted("")
    def index(self):
        """One entity's addresses and fields; ?entity= chooses."""
        views = [v for v in entity_views() if self.who.may(v.entity, "read")] or abort(403)
        view = next((v for v in views if v.entity == request.args.get("entity")), views[0])
        return render_template("api/reference.html", views=views, chosen=view, fields=reference.fields(view),
                               addresses=reference.addresses(view))
