"""A page of docs/ with a table that is made of code, between <!-- NAME --> and <!-- end -->. No tests here."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from tests.shipped import ROOT


@dataclass(frozen=True, slots=True)
class MarkedPage:
    """A page by the name of its file in docs/, and the name of its table."""

    file: str
    name: str

    @property
    def text(self) -> str:
        """The whole page."""
        return (ROOT / "docs" / self.file).read_text("utf-8")

    @property
    def table(self) -> str:
        """What stands between the marks."""
        return self.text.partition(f"<!-- {self.name} -->\n")[2].partition("<!-- end -->")[0]

    def rewrite(self, table: str) -> None:
        """Put a table between the marks."""
        if table == self.table:
            print(f"{self.file} stays as it is", file=sys.stderr)
        marked = re.compile(rf"(?<=<!-- {self.name} -->\n).*?(?=<!-- end -->)", re.DOTALL)
        text = marked.sub(lambda _: table, self.text)
        (ROOT / "docs" / self.file).write_text(text, "utf-8")
