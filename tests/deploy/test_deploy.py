"""The files of deploy/, as far as they can be checked without a daemon: the unit of systemd, and the images."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from malsori.cli.main import parsers
from tests.shipped import ROOT

DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "malsori.service"
IMAGES = sorted(path for path in DEPLOY.glob("Dockerfile.*") if path.suffix != ".dockerignore")
DRAIN_S = 20
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")


def instructions(path: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, continued lines joined, without comments."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined)]


def of(path: Path, name: str) -> list[str]:
    return [rest for each, rest in instructions(path) if each == name]


def served(words: list[str]) -> None:
    """Parse what a file starts as the command does, which ends the test where a flag is unknown."""
    assert words[0].rpartition("/")[2] == "malsori"
    parsers(["serve"])[0].parse_args(words[1:])


def unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@needs_systemd
def test_the_unit_is_as_hardened_as_it_says() -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", str(UNIT)]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert asked.returncode == 0, asked.stdout[-2000:] + asked.stderr


@needs_systemd
def test_systemd_reads_every_line_of_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text("utf-8").replace(
        "/opt/malsori/bin/malsori", "/bin/true"
    )  # it looks whether the program is there
    (tmp_path / UNIT.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / UNIT.name)]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (asked.returncode, UNIT.name in asked.stderr) == (0, False), asked.stderr


def test_systemd_waits_longer_than_the_service_drains_and_starts_what_the_command_knows() -> None:
    found = unit()
    assert int(found["TimeoutStopSec"][0]) > DRAIN_S
    assert found["Type"] == ["notify"]
    assert int(found["WatchdogSec"][0]) > 0
    (start,) = found["ExecStart"]
    served(start.split())
    assert found["LoadCredential"][0].partition(":")[0] == start.partition("%d/")[2].split()[0]


def test_each_kind_of_machine_has_an_image() -> None:
    assert [path.suffix for path in IMAGES] == [".cpu", ".cuda", ".jetson"]


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.suffix[1:])
def test_an_image_runs_as_nobody_special_and_gets_signals_itself(image: Path) -> None:
    final = instructions(image)[max(i for i, (name, _) in enumerate(instructions(image)) if name == "FROM") :]
    names = [name for name, _ in final]
    (user,) = (rest for name, rest in final if name == "USER")
    assert user.partition(":")[0] not in ("root", "0")
    assert names.index("USER") < names.index("ENTRYPOINT")
    entry, flags = (json.loads(of(image, name)[0]) for name in ("ENTRYPOINT", "CMD"))  # JSON: no shell in between
    served([*entry, *flags])


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.suffix[1:])
def test_an_image_asks_itself_whether_it_is_ready_with_what_it_has(image: Path) -> None:
    (check,) = of(image, "HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])
    assert command[:2] == ["python", "-c"]
    assert "http://127.0.0.1:8000/readyz" in command[2]
    compile(command[2], "HEALTHCHECK", "exec")


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.suffix[1:])
def test_an_image_is_made_of_named_things(image: Path) -> None:
    assert of(image, "ADD") == []
    assert all(":" in each and not each.split()[0].endswith(":latest") for each in of(image, "FROM"))
    runs = " ".join(of(image, "RUN"))
    assert "sudo" not in runs
    assert "curl" not in runs
    for install in re.findall(r"apt-get install[^&]*", runs):
        assert "--no-install-recommends" in install
    assert "apt-get" not in runs or "rm -rf /var/lib/apt/lists/*" in runs
    for source in (each.split()[:-1] for each in of(image, "COPY") if not each.startswith("--from")):
        assert all((ROOT / name).exists() or name == "deploy/wheels" for name in source), source
    assert image.with_name(f"{image.name}.dockerignore").is_file()


def test_no_image_has_a_key_in_it() -> None:
    for image in IMAGES:
        assert not re.search(r"(?i)(api_?key|token|secret)\w*=", image.read_text("utf-8"))


def test_compose_keeps_the_root_read_only_and_the_key_in_a_file() -> None:
    yaml: Any = pytest.importorskip("yaml")
    told = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    service = told["services"]["malsori"]
    assert service["read_only"] is True
    assert service["tmpfs"][0].startswith("/tmp:")
    assert service["cap_drop"] == ["ALL"]
    assert int(service["stop_grace_period"].removesuffix("s")) > DRAIN_S
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert "environment" not in service
    (secret,) = service["secrets"]
    assert f"/run/secrets/{secret}" in service["command"]
    assert set(told["secrets"][secret]) == {"file"}
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    served(["malsori", "serve", *service["command"]])
