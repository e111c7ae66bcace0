"""What the README shows in Python runs as it stands, with the models that come along."""

from __future__ import annotations

import re

import pytest

from tests.shipped import ROOT


def test_the_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S | re.M)
    monkeypatch.chdir(ROOT)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert blocks
    assert "침실 온도를 이십육 도로 맞춰 주세요" in capsys.readouterr().out
