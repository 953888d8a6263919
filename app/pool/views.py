"""The pools and their rules, kept by the administrator; what the customer's list and page say of the pool."""
from flask_appbuilder.forms import DynamicForm
from markupsafe import Markup
from sqlalchemy import select

from app.core import parameters
from app.core.today import Source, keep
from app.core.words import _, _l
from app.customers.models import Customer
from app.customers.views import CustomerView
from app.extensions import db
from app.views import cells, forms
from app.views.declare import Action, MenuItem, QuickFilter, Section
from app.views.entity_view import EntityView

from . import reckoning, rules
from .models import Pool, PoolRule


class PoolView(EntityView):
    """The pools: for whom, how many a day, how long the former owner waits."""

    model = Pool
    menu, menu_verb = MenuItem("system", _l("Pools"), icon="pool", position=63), "edit"
    title, add_label = _l("Pools"), _l("New pool")
    list_columns = "name department daily_limit wait_days is_stopped"
    default_sort = "created_at.asc"
    importable = exportable = False
    in_book = True
    head = "department is_stopped"
    facts = "daily_limit wait_days"
    sections = [Section(_l("Pool"), "name department daily_limit wait_days is_stopped note"),
                Section(_l("System data"), "created_by created_at changed_at")]
    check_save = staticmethod(rules.check_pool)

    @classmethod
    def verbs(cls):
        """Looking, claiming for oneself and assigning to others are rights of their own."""
        return sorted({*super().verbs(), "claim", "assign"})


class PoolRuleView(EntityView):
    """When customers fall into a pool."""

    model = PoolRule
    title, add_label, tab_label = _l("Pool rules"), _l("New rule"), _l("Rules")
    parents = {PoolView: "pool"}
    list_columns = "cause days levels pool spares_won spares_open starts_on"
    default_sort = "created_at.asc"
    conditions = "pool cause"
    importable = exportable = False
    in_book = True
    sections = [Section(_l("Rule"), "pool cause days levels spares_won spares_open starts_on"),
                Section(_l("System data"), "created_by created_at changed_at")]
    check_save = staticmethod(rules.check_rule)


# ---- the customer ---------------------------------------------------------------------------------------------
def release_form():
    """The pool to put customers into; the only one in use is chosen already."""
    in_use = db.session.scalars(select(Pool.id).where(Pool.is_stopped.is_not(True)).limit(2)).all()

    class ReleaseForm(DynamicForm):
        pool = forms.RefField(_l("Pool"), [forms.Required()], target=Pool, default=in_use[0] if len(in_use) == 1 else None)
    return ReleaseForm


def _falling(_who):
    return rules.falling(parameters.get(db.session, "pool.warn_days"))


CustomerView.quiet = staticmethod(lambda: [] if reckoning.in_force(db.session) else ["pool_at"])
CustomerView.quick_filters.append(QuickFilter("falling", _l("Soon in the pool"), _falling, sort="pool_at.asc"))
CustomerView.actions_declared.append(Action(
    "release", _l("Put into the pool"), rules.release, form=release_form, icon="pool", verb="transfer",
    shown=lambda row: row.owner_id is not None))
keep(Source(65, "falling", _l("Soon in the pool"), Customer, ("falling", "falling"),
            lambda session, who, mine: rules.falling(parameters.get(session, "pool.warn_days")), Customer.pool_at, Customer.name,
            "/customer/show/{}", lambda name: _("Falls into the pool: %(name)s", name=name), Customer.last_follow_text, Customer.id,
            does="follow", tone="r"))


def _hands(_view, row):
    """负责人记录 of a customer."""
    names, lines = cells.people(), []
    for move in rules.history(db.session, row.id):
        lines.append(Markup("<tr><td class='num'>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>").format(
            cells.moment(move.at), forms.choices.label(db.session, "move_kind", move.kind, english=cells.english()),
            names.get(move.from_id, _("Pool")), names.get(move.to_id, _("Pool")), names.get(move.by_id, _("The system"))))
    head = Markup("").join(Markup("<th>{}</th>").format(w) for w in (_("When"), _("What"), _("The former owner"), _("New owner"), _("By")))
    if not lines:
        return Markup('<div class="k-empty">{}</div>').format(_("This customer has been in the same hands from the start."))
    return Markup('<table class="k-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>').format(head, Markup("").join(lines))


CustomerView.more_tabs.append(("owners", _l("Owners"), _hands))

