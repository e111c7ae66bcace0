"""How CTranslate2's threads wait, as its own OpenMP tells it, in processes of their own: it is read only once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import os
from malsori.engines.machine.process import ctranslate2
ctranslate2()
print("OMP_WAIT_POLICY" in os.environ)
"""


def told(**settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}
    return subprocess.run(
        [sys.executable, "-c", CODE],
        env={**environment, "OMP_DISPLAY_ENV": "VERBOSE", **settings},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another OpenMP, which tells it otherwise")
def test_threads_sleep_while_they_wait():
    assert "GOMP_SPINCOUNT = '0'" in told().stderr  # the policy itself reads PASSIVE also where nobody has set it


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another OpenMP, which tells it otherwise")
def test_who_has_said_how_they_wait_is_obeyed():
    assert "OMP_WAIT_POLICY = 'ACTIVE'" in told(OMP_WAIT_POLICY="ACTIVE").stderr


def test_the_rest_of_the_process_sees_nothing_of_it():
    assert told().stdout == "False\n"
    assert told(OMP_WAIT_POLICY="ACTIVE").stdout == "True\n"
