"""A calibration for people: what was heard and what came of it, and a row of figures for each setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tables import fits, table

if TYPE_CHECKING:
    from ..bundles import Bundle
    from ..pipeline.calibration import Calibration
    from ..pipeline.calibration.figures import Figures
    from ..pipeline.proof import Errors

LEAST_TOLD = ("WER", "p95", "CER to full", "p50")  # left out of a table that a terminal is too narrow for, in turn


def tables(calibration: Calibration, bundle: Bundle, *, written: bool) -> str:
    """Return both tables; a bundle that was not written into is not to look as if it had been."""
    return table(_outcome(calibration, bundle, written)) + "\n" + table(_settings(calibration, written))


def _outcome(calibration: Calibration, bundle: Bundle, written: bool) -> list[tuple[str, ...]]:
    from ..bundles import MANIFEST
    from ..pipeline.calibration.results import counted, label

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
        ("settings", _told(calibration), _not_told(calibration)),
        ("setting", *setting),
        ("written", str(bundle.folder / MANIFEST) if written else "nothing", ""),
    ]


def _told(calibration: Calibration) -> str:
    heard, all_of_them = len(calibration.settings), len(calibration.same)
    return f"all {heard} heard" if heard == all_of_them else f"{heard} of {all_of_them} heard"


def _not_told(calibration: Calibration) -> str:
    """Return what became of the others."""
    given_up = len(calibration.given_up)
    rest = len(calibration.same) - len(calibration.settings) - given_up
    why = (f"{given_up} read too many clips again" if given_up else "", f"{rest} could not be taken" if rest else "")
    return ", ".join(filter(None, why))


def _kept(bundle: Bundle) -> str:
    """Return the window that a bundle has, as floor and margin."""
    kept = bundle.manifest.audio_context
    return " + ".join(f"{seconds:g} s" for seconds in kept.values()) or "full window"


def _settings(calibration: Calibration, written: bool) -> list[tuple[str, ...]]:
    full, chosen = calibration.full, calibration.chosen
    verdicts = {each.context: calibration.objection(each) or "safe" for each in calibration.settings}
    verdicts[full.context] = ""
    if calibration.seen:
        verdicts[chosen.context] = "chosen" if written else "would be chosen"
    rows = [_setting(each, verdicts[each.context]) for each in (*calibration.settings, full)]
    for count in range(len(LEAST_TOLD) + 1):
        names = [name for name in rows[0] if name not in LEAST_TOLD[:count]]
        told = [tuple(names), *(tuple(row[name] for name in names) for row in rows)]
        if fits(told):
            break
    return told


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
