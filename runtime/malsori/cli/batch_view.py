from __future__ import annotations

from .console import complain


class BatchView:
    def __init__(self, *, quiet=False, json=False):
        self.q = quiet

    def start(self, progress):
        pass

    def update(self, progress, result):
        if result is not None and result.failed:
            complain(result.message)

    def close(self):
        pass

    def end(self, progress, summary):
        from .batch_status import summary_rows

        if not self.q:
            [complain("\t".join(r)) for r in summary_rows(summary)]
