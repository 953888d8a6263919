"""The deploy files: right in themselves, agreeing with each other and with the program, and started by their own commands."""
import configparser
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
KEYS = {"image", "build", "command", "environment", "env_file", "volumes", "ports", "depends_on", "healthcheck", "restart", "init", "read_only", "tmpfs",
        "security_opt", "cap_drop", "stop_grace_period", "shm_size"}  # of the Compose specification, those in use
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def known_settings() -> set[str]:
    """CRM_ names that the program reads."""
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("config.py", "run.py", "app/cli.py", "deploy/gunicorn.conf.py"))
    return {f"CRM_{name}" for name in re.findall(r'_env\("(\w+)"', text)} | set(re.findall(r"CRM_[A-Z_]+", text)) | {"CRM_SITE", "CRM_DB_PASSWORD"}


def test_the_compose_file_is_sound(compose):
    services, volumes = compose["services"], compose["volumes"]
    assert set(services) == {"migrate", "web", "worker", "postgres", "redis", "caddy"} and set(compose) == {"name", "x-crm", "services", "volumes"}
    for name, one in services.items():
        assert set(one) <= KEYS, name
        assert "build" in one or re.fullmatch(r"[a-z/]+:\d[\w.-]+", one["image"]), f"{name}: an image of one version"
        for other, said in one.get("depends_on", {}).items():
            assert said["condition"] in CONDITIONS and other in services, (name, other)
            needs_health = said["condition"] == "service_healthy"
            assert not needs_health or "healthcheck" in services[other] or other == "web", f"{name} waits for the health of {other}"
        for volume in one.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in volumes or (DEPLOY / source).exists(), (name, volume)
        assert all(isinstance(word, str) for word in one.get("command", ())), name
        assert one["restart"] == ("no" if name == "migrate" else "unless-stopped")
    for name in ("migrate", "web", "worker"):
        assert services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"] and "ports" not in services[name], f"{name} holds no more than it needs"
    assert not [name for name in services if name != "caddy" and services[name].get("ports")], "the proxy alone is open to the world"


def test_no_secret_stands_in_the_files_and_every_setting_is_known(compose):
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    example = dict(line.split("=", 1) for line in (DEPLOY / "crm.env.example").read_text(encoding="utf-8").splitlines() if "=" in line and line[0] != "#")
    assert {key for key, value in example.items() if re.search("SECRET|PASSWORD|TOKEN", key) and value} == set()
    asked = set(re.findall(r"\$\{(\w+)", text)) | set(example) | {k for s in compose["services"].values() for k in s.get("environment", {}) if k.startswith("CRM_")}
    assert asked <= known_settings(), asked - known_settings()
    assert set(re.findall(r"\$\{(\w+)", text)) <= set(example), "what the compose file asks for is in the example"


def test_image_compose_and_units_start_the_same_commands(compose):
    docker = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    web, worker = (compose["services"][name]["command"] for name in ("web", "worker"))
    assert yaml.safe_load(re.search(r"^CMD (\[.*\])$", docker, re.M)[1]) == web and "USER crm" in docker and "readyz" in docker
    for unit, words in (("crm-web", web), ("crm-worker", worker)):
        read = configparser.RawConfigParser(strict=False)
        read.optionxform = str
        read.read(DEPLOY / "systemd" / f"{unit}.service", encoding="utf-8")
        assert [Path(word).name if n == 0 else word for n, word in enumerate(shlex.split(read["Service"]["ExecStart"].replace("(", "\\(").replace(")", "\\)")))] == words
        assert read["Service"]["User"] == "crm" and read["Service"]["NoNewPrivileges"] == "yes" and read["Service"]["Restart"] == "always"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_takes_the_units(tmp_path):
    for unit in ("crm-web", "crm-worker"):
        text = (DEPLOY / "systemd" / f"{unit}.service").read_text(encoding="utf-8")
        (tmp_path / f"{unit}.service").write_text(re.sub(r"/opt/crm/\.venv/bin/\w+", "/bin/true", text).replace("/opt/crm", "/").replace("crm\n", "root\n"), encoding="utf-8")
        told = subprocess.run(["systemd-analyze", "verify", tmp_path / f"{unit}.service"], capture_output=True, text=True)
        assert told.returncode == 0 and unit not in told.stderr, told.stderr


@pytest.mark.sqlite
def test_the_files_own_commands_start_an_office_and_a_rolling_restart_fails_no_request():
    import requests

    from tools.deployed import Deployed, roll
    with tempfile.TemporaryDirectory(prefix="crm-deployed-", ignore_cleanup_errors=True) as folder, Deployed(Path(folder)) as crm:
        assert requests.get(f"{crm.url}/readyz", timeout=10).json() == {"status": "ok", "database": "ok", "queue": "ok"}
        found = roll(crm, 1)
        print({k: v for k, v in found.items() if k != "why"})
        assert found["failed"] == 0 and found["restarts"] >= 1 and found["requests"] > 20, found
        metrics = requests.get(f"{crm.url}/metrics", headers={"Authorization": f"Bearer {crm.file['CRM_METRICS_TOKEN']}"}, timeout=10).text
        assert 'view="CustomerView"' in metrics and requests.get(f"{crm.url}/metrics", timeout=10).status_code == 404
        seen = subprocess.run(["psql", "-Atc", "SELECT count(*) FROM schedule WHERE name = 'heartbeat'", f"postgresql://crm:{crm.file['CRM_DB_PASSWORD']}@127.0.0.1:{crm.ports['postgres:5432']}/crm"],
                              capture_output=True, text=True)
        assert seen.stdout.strip() == "1", "the worker is there"
        log = (crm.folder / "web.log").read_text()
        assert '"logger": "access"' in log and '"request": "' in log
