"""Known weaknesses in what the program is made of: pip-audit over the pinned Python packages, npm audit over the pinned front-end
ones. A finding fails; a registry that cannot be reached is told in one line and does not (promise 19)."""
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ACCEPTED: dict[str, str] = {}  # id of a finding -> why it does not concern us


def _run(*command) -> subprocess.CompletedProcess:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, env={**os.environ, "PATH": path})


def python_packages() -> list[tuple[str, str]] | None:
    """(package, id) of the findings; None when the register of weaknesses does not answer."""
    done = _run(sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "-r", "constraints.txt", "-f", "json",
                "--progress-spinner", "off")
    try:
        told = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    if all("skip_reason" in one for one in told):
        return None
    return [(one["name"], weak["id"]) for one in told for weak in one.get("vulns", ())]


def front_end() -> list[tuple[str, str]] | None:
    """The same for the packages of package-lock.json."""
    done = _run("npm", "audit", "--json", "--package-lock-only")
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return None
    if "vulnerabilities" not in told:
        return None
    return [(name, str(via.get("source", via.get("url")))) for name, one in told["vulnerabilities"].items()
            for via in one["via"] if isinstance(via, dict)]


def main() -> None:
    """Both; exit status 1 when something is found that is not accepted with its reason."""
    bad = []
    for name, look in (("pip-audit", python_packages), ("npm audit", front_end)):
        try:
            found = look()
        except (OSError, subprocess.TimeoutExpired):
            found = None
        if found is None:
            print(f"{name}: not done, the register cannot be reached")
            continue
        for package, mark in found:
            print(f"{name}: {package} {mark} {ACCEPTED.get(mark, 'FOUND')}")
        bad += [mark for _package, mark in found if mark not in ACCEPTED]
        print(f"{name}: {len(found)} findings")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
