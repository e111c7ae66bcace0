"""A calibration for people: a table of its outcome, a table of figures for each setting, and a plot."""

from __future__ import annotations

import math
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency, OptionError, OutputError
from .tables import fits, table

if TYPE_CHECKING:
    from ..bundles import Bundle
    from ..engines.whisper.window import Context
    from ..pipeline.trials import Calibration, Errors
    from ..pipeline.trials.figures import Figures

OMITTED_FIRST = ("WER", "p95", "CER to full", "p50")  # columns to leave out in turn where the terminal is too narrow
ENDINGS = (".png", ".svg")
COLORS = ("#74add1", "#1f78b4", "#54278f", "#1b1035")  # one per margin, the longest darkest
FULL, REFUSED, CHOSEN = "#555555", "#fdece0", "#d94801"
APART = 0.13  # between the points of two margins, as a share of a floor's width, so that none hides another
BEYOND = 5.0  # percent points shown above the most allowed: a loop has hundreds, which would flatten the rest


def tables(calibration: Calibration, bundle: Bundle, *, written: bool) -> str:
    """Return both tables; `written` says whether the setting was written into the bundle."""
    return table(_outcome(calibration, bundle, written)) + "\n" + table(_settings(calibration, written))


def _outcome(calibration: Calibration, bundle: Bundle, written: bool) -> list[tuple[str, ...]]:
    from ..bundles import MANIFEST
    from ..joining import counted
    from ..pipeline.trials.outcome import label

    chosen, host = calibration.chosen, calibration.host
    faster = f"{chosen.ratio:.2f}x as fast as the full window" if chosen is not calibration.full else ""
    if written:
        setting = (label(chosen.context), faster)
    else:
        instead = f"would be {label(chosen.context)}" if calibration.seen else ""
        setting = (f"unchanged ({_kept(bundle)})", ", ".join(filter(None, (instead, instead and faster))))
    heard = f"{counted(calibration.full.clips, 'clip')} in {counted(calibration.takes, 'recording')}"
    threads = counted(host["threads"], "thread")
    return [
        ("model", calibration.model, bundle.manifest.quantization),
        ("speech", f"{calibration.seconds:.1f} s", heard),
        ("transcripts", str(calibration.transcripts), "" if calibration.transcripts else "the full window is right"),
        ("machine", f"{host['cpu']}", f"{threads}, {host['device']}, {host['compute']}"),
        ("settings", _describe_heard(calibration), _describe_unheard(calibration)),
        ("setting", *setting),
        ("written", str(bundle.folder / MANIFEST) if written else "nothing", ""),
    ]


def _describe_heard(calibration: Calibration) -> str:
    heard, all_of_them = len(calibration.settings), len(calibration.same)
    return f"all {heard} heard" if heard == all_of_them else f"{heard} of {all_of_them} heard"


def _describe_unheard(calibration: Calibration) -> str:
    """Return why the other settings were not heard."""
    given_up = len(calibration.given_up)
    rest = len(calibration.same) - len(calibration.settings) - given_up
    why = (f"{given_up} read too many clips again" if given_up else "", f"{rest} could not be taken" if rest else "")
    return ", ".join(filter(None, why))


def _kept(bundle: Bundle) -> str:
    """Return the window in a bundle's manifest, as floor and margin."""
    kept = bundle.manifest.audio_context
    return " + ".join(f"{seconds:g} s" for seconds in kept.values()) or "full window"


def _settings(calibration: Calibration, written: bool) -> list[tuple[str, ...]]:
    full, chosen = calibration.full, calibration.chosen
    verdicts = {each.context: calibration.objection(each) or "safe" for each in calibration.settings}
    verdicts[full.context] = ""
    if calibration.seen:
        verdicts[chosen.context] = "chosen" if written else "would be chosen"
    rows = [_setting(each, verdicts[each.context]) for each in (*calibration.settings, full)]
    for count in range(len(OMITTED_FIRST) + 1):
        names = [name for name in rows[0] if name not in OMITTED_FIRST[:count]]
        cells = [tuple(names), *(tuple(row[name] for name in names) for row in rows)]
        if fits(cells):
            break
    return cells


def _setting(figures: Figures, verdict: str) -> dict[str, str]:
    context = figures.context
    full = context.floor_s >= 30
    against_transcripts = {"CER": figures.cer, "WER": figures.wer}
    return {
        "floor": "full" if full else f"{context.floor_s:g} s",
        "margin": "" if full else f"{context.margin_s:g} s",
        **{name: _rate(errors) for name, errors in against_transcripts.items() if errors is not None},
        "CER to full": _rate(figures.cer_full),
        "loss": f"{figures.loss * 100:+.2f}",
        "again": f"{figures.retries:.0%}",
        "encoded": f"{figures.encoded:.0f} s",
        "p50": f"{figures.p50:.3f} s",
        "p95": f"{figures.p95:.3f} s",
        "speed": f"{figures.ratio:.2f}x",
        "": verdict,
    }


def _rate(errors: Errors) -> str:
    return "-" if errors.rate is None else f"{errors.rate:.2%}"


def check_plot(path: Path) -> None:
    """Raise `OptionError` for an ending that cannot be drawn, `MissingDependency` without matplotlib."""
    if path.suffix.lower() not in ENDINGS:
        raise OptionError(f"--plot: expected a file that ends in {' or '.join(ENDINGS)}, found {path}")
    _figure()


def draw(calibration: Calibration, path: Path) -> None:
    """Draw a calibration to a file, in the format of its ending. Raises `OutputError` where it cannot be written."""
    from ..atomic import write_atomically

    try:
        write_atomically(path, picture(calibration, path.suffix.lower().lstrip(".")), mode=0o644)
    except OSError as error:
        raise OutputError.unwritten(path, error) from error


def picture(calibration: Calibration, form: str) -> bytes:
    """Return the content of the picture's file, `form` png or svg."""
    figure = _figure()(figsize=(9, 7), layout="constrained")
    errors, times = figure.subplots(2, 1, sharex=True)
    drawing = Drawing(calibration)
    drawing.errors(errors)
    drawing.times(times)
    figure.suptitle(drawing.title, fontsize="medium")
    drawing.explain(errors, figure)
    content = BytesIO()
    figure.savefig(content, format=form, dpi=110)
    return content.getvalue()


class Drawing:
    """A calibration on two axes: a place for each floor, in it a point for each margin."""

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self._figures = {same: each for each in calibration.settings for same in calibration.same[each.context]}
        self._floors = sorted({context.floor_s for context in self._figures})
        self._margins = sorted({context.margin_s for context in self._figures})

    @property
    def title(self) -> str:
        """The model, how much it heard, and the setting chosen."""
        from ..pipeline.trials.outcome import label

        full, chosen = self.calibration.full, self.calibration.chosen
        speech = f"{self.calibration.model}, {full.clips} clips with {self.calibration.seconds:.0f} s of speech"
        faster = "" if chosen is full else f", {chosen.ratio:.1f} times as fast as the full window"
        return f"{speech}\n{label(chosen.context)}{faster}"

    @property
    def _ceiling(self) -> float:
        return self._cer(self.calibration.full) + self.calibration.limits.max_loss + BEYOND

    def errors(self, axes: Any) -> None:
        """Draw the error rates and the area of those too high; rates beyond the scale are drawn at its upper edge."""
        calibration = self.calibration
        full, most = self._cer(calibration.full), calibration.limits.max_loss
        axes.axhline(full, color=FULL, linestyle="--", linewidth=1)
        highest = 1.2 * max(self._points(axes, self._cer, self._ceiling), full + most, 1.0)
        refused = f"more than {most:g} points lost"
        axes.axhspan(full + most, highest, color=REFUSED, linewidth=0, zorder=0, label=refused)
        reference = "what was said" if calibration.full.cer else "the full window"
        axes.set(ylabel=f"CER against {reference}, %", ylim=(-0.06 * highest, highest))
        axes.grid(axis="y", alpha=0.3)

    def times(self, axes: Any) -> None:
        """Draw the median seconds per clip."""
        full = self.calibration.full.p50
        axes.axhline(full, color=FULL, linestyle="--", linewidth=1)
        highest = self._points(axes, lambda figures: figures.p50)
        axes.set(xlabel="floor of the window, s", ylabel="seconds per clip, median", ylim=(0, 1.1 * max(highest, full)))
        axes.set_xticks(range(len(self._floors)), [f"{floor:g}" for floor in self._floors])
        axes.grid(axis="y", alpha=0.3)

    def _cer(self, figures: Figures) -> float:
        """Return the error rate in per cent that a setting is judged by: the full window's, and the loss against it."""
        full = self.calibration.full.cer
        return 100 * ((full.rate or 0.0) if full else 0.0) + (100 * figures.loss)

    def _points(self, axes: Any, value: Callable[[Figures], float], ceiling: float = math.inf) -> float:
        """Draw a line per margin, with hollow points for settings not safe; return the highest value drawn."""
        from ..pipeline.trials.search import order

        highest = 0.0
        for number, margin in enumerate(self._margins):
            contexts = [context for context in self._figures if context.margin_s == margin]
            points = [(self._place(context), self._figures[context]) for context in sorted(contexts, key=order)]
            color = COLORS[number % len(COLORS)]
            heights = [min(value(figures), ceiling) for _, figures in points]
            axes.plot([place for place, _ in points], heights, color=color, linewidth=1, alpha=0.5, zorder=2)
            for (place, figures), height in zip(points, heights, strict=True):
                face = "white" if self.calibration.objection(figures) else color
                mark = "^" if height == ceiling else "o"
                axes.plot(place, height, mark, markersize=6, markerfacecolor=face, markeredgecolor=color, zorder=3)
            highest = max([highest, *heights])
        self._ring(axes, value)
        return highest

    def _ring(self, axes: Any, value: Callable[[Figures], float]) -> None:
        chosen = self.calibration.chosen
        if chosen is not self.calibration.full:
            spot = (self._place(chosen.context), value(chosen))
            axes.plot(*spot, "o", markersize=13, markerfacecolor="none", markeredgecolor=CHOSEN, markeredgewidth=2)

    def explain(self, axes: Any, figure: Any) -> None:
        """Draw the legend below the axes."""
        for number, margin in enumerate(self._margins):
            axes.plot([], [], "o-", color=COLORS[number % len(COLORS)], label=f"margin {margin:g} s")
        axes.plot([], [], "--", color=FULL, linewidth=1, label="full window, 30 s")
        axes.plot([], [], "o", markerfacecolor="white", markeredgecolor=FULL, label="not safe, or too few clips")
        if any(self._cer(each) >= self._ceiling for each in self.calibration.settings):
            axes.plot([], [], "^", markerfacecolor="white", markeredgecolor=FULL, label="off the scale")
        ring = {"markersize": 11, "markerfacecolor": "none", "markeredgecolor": CHOSEN, "markeredgewidth": 2}
        axes.plot([], [], "o", label="chosen", **ring)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize="small", frameon=False)

    def _place(self, context: Context) -> float:
        shift = self._margins.index(context.margin_s) - (len(self._margins) - 1) / 2
        return self._floors.index(context.floor_s) + APART * shift


def _figure() -> Any:
    """Return matplotlib's figure, which needs no display."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependency("matplotlib", "--plot", extra="plot") from error
    return Figure
