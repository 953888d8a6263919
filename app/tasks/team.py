"""Who is to do a task: its executors, and how they share it with whoever handed it out. No Flask, no commit."""
from sqlalchemy import select

from app.core import actor
from app.core.scope import Collaborator


def team_ids(task) -> list[int]:
    """Ids of the executors, the first one first."""
    return [person.id for person in task.team if person]


def set_executors(task, ids: list[int]) -> None:
    """Who is to do it (at least one): whoever wrote it down comes first when he is among them, else the first named. For a new
    row call it before the flush and `share` after."""
    maker = task.created_by_id or actor.current_id()
    first = maker if maker in ids else ids[0]
    if task.owner_id != first:
        task.owner_id = first


def share(session, task, ids: list[int]) -> None:
    """Let the other executors and whoever handed the task out see and change it."""
    wanted = {*ids, task.created_by_id} - {task.owner_id, None}
    there = {c.employee_id: c for c in session.scalars(select(Collaborator).where(
        Collaborator.entity == "task", Collaborator.row_id == task.id))}
    for employee in wanted - there.keys():
        session.add(Collaborator(entity="task", row_id=task.id, employee_id=employee, may_write=True))
    for employee in there.keys() - wanted:
        session.delete(there[employee])
    session.flush()
    session.expire(task, ["helpers", "owner"])
