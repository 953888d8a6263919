"""Which backups there are, which stay, and how far they can be trusted (product.md 4.9; promise 29)."""
import datetime as dt
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from app.core import backup, clock, parameters, schedule
from app.core.rules import RuleError
from app.core.words import _, _l

GROUP = _l("Backup")
parameters.declare("backup.daily", GROUP, _l("Daily backup"), "flag", True,
                   _l("Every night one file with everything is written and tried."))
parameters.declare("backup.at", GROUP, _l("Time of the daily backup"), "time", "02:30", _l("When few people work."),
                   after=lambda session: schedule.put_off(session, "backup"))
parameters.declare("backup.files", GROUP, _l("Attachments in the daily backup"), "flag", True,
                   _l("Without them the file is small; then keep the upload folder in another way."))
parameters.declare("backup.days", GROUP, _l("Daily backups kept"), "whole", 7,
                   _l("The last one of each of so many days stays."), low=1, high=366)
parameters.declare("backup.weeks", GROUP, _l("Weekly backups kept"), "whole", 4,
                   _l("The last one of each of so many weeks stays."), low=0, high=520)
parameters.declare("backup.months", GROUP, _l("Monthly backups kept"), "whole", 6,
                   _l("The last one of each of so many months stays."), low=0, high=240)

NAME = re.compile(r"(daily|hand|before)-(\d{8}-\d{6})\.zip")
FORMAT = "%Y%m%d-%H%M%S"
STALE = dt.timedelta(hours=49)  # a daily one was missed


@dataclass
class Known:
    """A backup in the folder. `tried`: whether it was restored into a temporary place and was the same; `said`: what was wrong."""

    name: str
    size: int
    made_at: dt.datetime  # naive UTC
    rows: int = 0
    files: int = 0
    tried: bool | None = None
    said: str = ""

    @property
    def kind(self) -> str:
        """daily, hand, or before (a restore)."""
        return self.name.partition("-")[0]

    @property
    def is_good(self) -> bool:
        """Whether it was tried and found the same."""
        return bool(self.tried)


def new_name(kind: str) -> str:
    """The name of a backup made now, by the office's clock."""
    return f"{kind}-{clock.to_office(clock.now()):{FORMAT}}.zip"


def place_of(folder: Path, name: str) -> Path:
    """The path of a backup of this name; raises RuleError when there is none."""
    if not NAME.fullmatch(name) or not (folder / name).is_file():
        raise RuleError(_("There is no backup of this name."))
    return folder / name


def listed(folder: Path) -> list[Known]:
    """All backups of the folder, newest first; what is known of each stands beside it."""
    found = [_known(path) for path in folder.iterdir() if NAME.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(found, key=lambda one: one.made_at, reverse=True)


def _known(path: Path) -> Known:
    made = clock.to_utc(dt.datetime.strptime(NAME.fullmatch(path.name)[2], FORMAT))
    try:
        told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return Known(path.name, path.stat().st_size, made, told["rows"], told["files"], told["tried"], told["said"])
    except (OSError, ValueError, KeyError):
        return Known(path.name, path.stat().st_size, made)


def remember(path: Path, *, rows=0, files=0, tried=None, said="") -> Known:
    """Write down beside a backup what was found of it."""
    known = _known(path)
    known.rows, known.files, known.tried, known.said = rows or known.rows, files or known.files, tried, said
    told = {key: value for key, value in asdict(known).items() if key in ("rows", "files", "tried", "said")}
    path.with_suffix(".json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    return known


def last_good(folder: Path) -> Known | None:
    """The newest backup that was tried and found the same."""
    return next((one for one in listed(folder) if one.is_good), None)


def kept(moments: list[dt.datetime], days: int, weeks: int, months: int) -> set[dt.datetime]:
    """Which of these moments stay: the last of each of the newest so many days, weeks and months that have one."""
    stay: set = set()
    for count, of in ((days, lambda m: m.date()), (weeks, lambda m: m.isocalendar()[:2]), (months, lambda m: (m.year, m.month))):
        last: dict = {}
        for moment in sorted(moments):
            last[of(moment)] = moment
        stay |= set(list(last.values())[-count:] if count else [])
    return stay


def rotate(session, folder: Path) -> list[str]:
    """Remove the automatic backups whose time is over; the newest good one stays whatever the numbers say. Returns their names."""
    mine, good = [one for one in listed(folder) if one.kind != "hand"], last_good(folder)
    stay = kept([clock.to_office(one.made_at) for one in mine],
                *(parameters.get(session, f"backup.{key}") for key in ("days", "weeks", "months")))
    gone = [one.name for one in mine if clock.to_office(one.made_at) not in stay and (good is None or one.name != good.name)]
    for name in gone:
        remove(folder, name)
    return gone


def remove(folder: Path, name: str) -> None:
    """Remove a backup and what stands beside it."""
    path = place_of(folder, name)
    path.with_suffix(".json").unlink(missing_ok=True)
    path.unlink()


def tried(engine, path: Path) -> Known:
    """Rehearse a backup and write down how it went; raises RuleError when it is not good."""
    try:
        told = backup.rehearse(path, engine)
    except RuleError as no:
        remember(path, tried=False, said=str(no))
        raise
    return remember(path, rows=sum(rows for rows, _sum in told["tables"].values()), files=len(told["parts"]) - 1, tried=True)
