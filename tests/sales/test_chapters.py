"""The rules of the chapters 4.4 to 4.9.3, each with the test that shows it refused and done."""
import ast
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.sqlite  # the same whatever the database: once
TESTS = Path(__file__).resolve().parent.parent
RULES = {
    "4.4 a chosen stage fills the win rate": "opportunities/test_rules.py::test_the_stage_gives_the_win_rate_unless_it_is_typed",
    "4.4 the win rate is at most 100": "opportunities/test_rules.py::test_the_stage_gives_the_win_rate_unless_it_is_typed",
    "4.4 every stage change is stored with time and person":
        "opportunities/test_rules.py::test_every_move_leaves_one_row_of_history_with_who_when_and_how_long",
    "4.4 a lost deal says why": "opportunities/test_rules.py::test_a_lost_deal_needs_its_reason_out_of_the_list",
    "4.4 a closed opportunity is moved only after reopening with a reason":
        "opportunities/test_rules.py::test_a_closed_deal_stays_as_it_is_until_it_is_reopened_with_a_reason",
    "4.4 a transfer keeps stage, text and follow-ups": "opportunities/test_rules.py::test_a_transfer_keeps_stage_history_and_follow_ups",
    "4.4 no deletion with a contract attached": "opportunities/test_views.py::test_deletion_is_refused_with_a_sentence_that_names_what_hangs",
    "4.4 the funnel's figures open their rows": "sales/test_figures.py::test_every_figure_of_funnel_and_board_opens_its_rows",
    "4.5 at least one line, dates in order": "quotes/test_rules.py::test_a_quote_has_lines_dates_in_order_and_people_of_its_customer",
    "4.5 approved ones cannot be edited": "quotes/test_views.py::test_an_approved_quote_is_closed_to_every_post",
    "4.5 a used quotation is neither deleted nor voided": "quotes/test_rules.py::test_a_quote_that_became_a_contract_is_neither_voided_nor_deleted",
    "4.5 past its validity it is expired": "quotes/test_rules.py::test_the_validity_is_read_not_stored",
    "4.5 its end and its expiry are told":
        "notices/test_notices.py::test_a_quote_is_told_a_week_before_its_validity_ends_and_once_more_when_it_has",
    "4.5 several products at once": "sales/test_forms.py::test_only_products_on_sale_are_chosen_several_at_once_at_the_price_of_their_day",
    "4.5 the amount has an upper limit": "quotes/test_rules.py::test_an_amount_that_is_a_typing_error_is_refused",
    "4.5 a discount below the limit needs approval":
        "approvals/test_rules.py::test_selling_below_the_lowest_price_is_seen_through_every_discount",
    "4.5 a contract takes customer, contact, lines and prices over": "quotes/test_views.py::test_a_quote_becomes_a_contract_with_everything_carried_over",
    "4.5 a contract is made only of a quote that holds": "quotes/test_views.py::test_a_contract_is_offered_only_of_a_quote_that_holds",
    "4.5 a changed quotation is a new version": "quotes/test_rules.py::test_a_new_version_carries_everything_and_replaces_the_former",
    "4.5 a copy is a draft of today": "quotes/test_views.py::test_a_copy_is_a_new_draft_of_today_at_todays_prices",
    "4.5 a firm's own template is taken only when it is whole":
        "sales/test_templates.py::test_a_template_is_tried_then_taken_and_what_is_wrong_never_is",
    "4.6 the number is there once": "contracts/test_rules.py::test_number_dates_and_amount_make_sense",
    "4.6 the end is after the beginning": "contracts/test_rules.py::test_number_dates_and_amount_make_sense",
    "4.6 a zero or negative amount is refused": "contracts/test_rules.py::test_number_dates_and_amount_make_sense",
    "4.6 the amount is the sum of the lines and may be overwritten":
        "contracts/test_rules.py::test_the_amount_is_the_sum_of_the_lines_and_may_be_overwritten",
    "4.6 a signed contract wins its customer":
        "contracts/test_rules.py::test_a_signed_contract_wins_its_customer_and_a_void_or_deleted_one_gives_him_back",
    "4.6 approved ones cannot be edited": "approvals/test_views.py::test_what_waits_is_closed_to_every_post",
    "4.6 a void one stays void, with its reason, and is not transferred":
        "contracts/test_rules.py::test_a_void_contract_is_closed_with_everything_on_it",
    "4.6 no deletion with payments or invoices": "contracts/test_views.py::test_deletion_names_everything_that_hangs",
    "4.6 archived: no edit, deletion, voiding": "contracts/test_views.py::test_a_closed_contract_is_closed_to_every_post",
    "4.6 what ends soon is found": "contracts/test_rules.py::test_contracts_that_end_soon_are_found_as_the_parameter_says",
    "4.6 reminder so many days before the end":
        "notices/test_notices.py::test_the_end_of_a_contract_is_told_so_many_days_before_as_the_parameter_says",
    "4.7 terms are not above the contract": "payments/test_rules.py::test_all_terms_together_are_not_above_the_contract",
    "4.7 payments are not above the contract; the sentence names the rest":
        "payments/test_rules.py::test_a_payment_above_the_rest_is_refused_and_the_sentence_names_the_rest",
    "4.7 not even two at the same time": "payments/test_views.py::test_two_payments_at_the_same_time_cannot_exceed_the_contract",
    "4.7 overdue is computed when read": "payments/test_rules.py::test_the_state_of_a_term_is_read_not_stored",
    "4.7 payments only on valid contracts": "payments/test_rules.py::test_no_payment_on_a_void_or_unapproved_contract",
    "4.7 a confirmed payment is locked": "payments/test_views.py::test_only_finance_confirms_and_a_confirmed_payment_is_closed_to_every_post",
    "4.7 a term with payments is neither edited nor deleted": "payments/test_rules.py::test_a_term_with_payments_is_neither_edited_nor_deleted",
    "4.7 a deleted payment opens its term again": "payments/test_views.py::test_a_payment_that_is_deleted_opens_its_term_again",
    "4.7 reminder before a term's day, and overdue to the superior too":
        "notices/test_notices.py::test_a_term_is_told_as_many_days_before_as_it_says_and_each_week_it_is_late_to_the_superior_too",
    "4.7 a refund is at most what came in": "payments/test_rules.py::test_a_refund_is_at_most_what_came_in",
    "4.8 above zero, of one customer": "expenses/test_rules.py::test_an_expense_is_above_zero_not_in_the_future_and_of_one_customer",
    "4.8 a claim takes one's own, not yet claimed expenses": "expenses/test_rules.py::test_a_claim_gathers_ones_own_open_expenses",
    "4.8 what is claimed is closed": "expenses/test_views.py::test_an_expense_is_saved_claimed_and_closed_to_every_post",
    "4.8 profit is received less spent": "expenses/test_rules.py::test_expenses_and_profit_of_a_contract",
    "4.8 取消审核": "expenses/test_rules.py::test_an_approved_expense_is_changed_again_after_its_approval_was_taken_back",
    "4.8 the share of expenses in contracts": "expenses/test_rules.py::test_the_share_of_expenses_in_contracts",
    "4.9.2 a category with products or branches is not deleted":
        "products/test_rules.py::test_a_category_with_products_or_branches_is_not_deleted",
    "4.9.2 at most 20 levels, no circle": "products/test_rules.py::test_the_category_tree_has_no_circle_no_twins_and_at_most_20_levels",
    "4.9.3 the code is there once": "products/test_rules.py::test_a_product_has_its_own_code_and_sensible_prices",
    "4.9.3 a used product goes off sale, old documents keep their price":
        "products/test_rules.py::test_a_used_product_is_taken_off_sale_not_deleted_and_old_documents_keep_their_price",
    "4.9.3 only products on sale are chosen":
        "sales/test_forms.py::test_only_products_on_sale_are_chosen_several_at_once_at_the_price_of_their_day",
    "4.9.3 several pictures": "products/test_pictures.py::test_pictures_stand_in_the_list_and_on_the_page",
    "5.2 sums equal the lines": "sales/test_money.py::test_ten_thousand_random_documents_add_up_with_their_terms_and_payments",
    "5.4 numbers are unique and without holes": "sales/test_numbers.py::test_fifty_parallel_forms_give_fifty_numbers_in_a_row",
    "5.6 cost and margin are told to nobody without the right": "sales/test_costs.py::test_the_planted_cost_is_told_to_nobody_without_the_right",
    "5.6 every role does exactly what it was granted": "test_census.py::test_each_default_role_does_exactly_what_it_was_granted",
    "4.4-4.9.3 import and export": "imports/test_documents.py::test_what_goes_out_comes_back_unchanged"}


@cache
def found_in(file: str) -> dict:
    """name -> how often a test of a file asserts or expects a refusal."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {node.name: sum(isinstance(n, ast.Assert) or (isinstance(n, ast.Call) and getattr(n.func, "id", "") == "refused") for n in ast.walk(node))
            for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_the_test_that_shows_it(rule):
    file, _colons, name = RULES[rule].partition("::")
    assert found_in(file).get(name, 0), rule
