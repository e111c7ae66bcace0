"""What the figures of a comparison say, in sentences, and what to keep in mind with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..joining import counted
from ..pipeline.trials.verdict import UNREAD
from .comparison import ModelComparison, ModelOutcome
from .scoring import ModelFigures, surely_more

FEW = 1_000  # words, or characters, said: at a rate of 10 % chance moves it by 2 percent points
FACTOR = 1.1  # of two times or rates that are nearer, none is told to be better: other work on the machine moves them


def conclusions(comparison: ModelComparison, figures: Mapping[str, ModelFigures]) -> list[str]:
    """Return which models are the most accurate, the quickest, the smallest, and which no other surpasses."""
    ready = understanding(comparison, figures)
    if len(ready) < 2:
        return []
    told = [_most_accurate(comparison, figures)]
    told.append(_best(ready, "Quickest", lambda m: 1 / figures[m.label].rtfx, lambda m: speed(figures[m.label])))
    if all(model.peak is not None for model in ready):
        told.append(
            _best(ready, "Least memory", lambda m: float(m.peak or 0), lambda m: f"{(m.peak or 0) / 1e6:.0f} MB")
        )
    if comparison.scored and len(front := unsurpassed(comparison, figures)) < len(ready):
        names = _and([model.label for model in front])
        between, these = (f"is between {names}", "one of these") if len(front) > 1 else (f"is {names}", "it")
        told.append(f"By these figures the choice {between}: each other is surpassed by {these} in accuracy and speed.")
    return [line for line in told if line]


def remarks(comparison: ModelComparison, figures: Mapping[str, ModelFigures]) -> list[str]:
    """Return what to keep in mind: models and recordings that are left out, few words, demonstration models."""
    return [*_left_out(comparison), *_doubts(comparison, figures)]


def unsurpassed(comparison: ModelComparison, figures: Mapping[str, ModelFigures]) -> list[ModelOutcome]:
    """Return the models that no other equals in accuracy and speed and clearly surpasses in one of them."""
    ready = understanding(comparison, figures)

    def surpasses(other: ModelFigures, own: ModelFigures) -> bool:
        if (rate(comparison, other) or 0.0) > (rate(comparison, own) or 0.0) or other.rtf > own.rtf:
            return False
        return other.rtf * FACTOR < own.rtf or surely_more(own.edits, other.edits)

    return [each for each in ready if not any(surpasses(figures[m.label], figures[each.label]) for m in ready)]


def understanding(comparison: ModelComparison, figures: Mapping[str, ModelFigures]) -> tuple[ModelOutcome, ...]:
    """Return the models that hear at least half right, where it is known what was said: speed alone is no merit."""
    ready = comparison.ready
    if not comparison.scored:
        return ready
    return tuple(model for model in ready if (rate(comparison, figures[model.label]) or 0.0) <= UNREAD)


def rate(comparison: ModelComparison, figures: ModelFigures) -> float | None:
    """Return the error rate that counts most, None where there is none."""
    errors = figures.errors(characters=comparison.characters)
    return None if errors is None else errors.rate


def percent(share: float | None) -> str:
    """Return a rate in percent."""
    return "-" if share is None else f"{100 * share:.1f} %"


def speed(figures: ModelFigures) -> str:
    """Return how many times as fast as speech a model was."""
    return f"{figures.rtfx:.3g}x" if figures.rtfx < 100 else f"{figures.rtfx:.0f}x"


def _most_accurate(comparison: ModelComparison, figures: Mapping[str, ModelFigures]) -> str:
    if not comparison.scored:
        return ""
    ready = understanding(comparison, figures)
    told = {model.label: rate(comparison, figures[model.label]) or 0.0 for model in ready}
    least = min(told.values())
    names = [label for label, each in told.items() if each == least]
    if len(names) == len(told):
        return ""
    edits = {label: figures[label].edits for label in told}
    near = [label for label in told if label not in names and not surely_more(edits[label], edits[names[0]])]
    chance = f"; that {_and(near)} made more may be chance" if near else ""
    return f"Fewest errors: {_and(names)}, {comparison.metric} {percent(least)}{chance}."


def _best(
    ready: tuple[ModelOutcome, ...],
    title: str,
    value: Callable[[ModelOutcome], float],
    shown: Callable[[ModelOutcome], str],
) -> str:
    least = min(map(value, ready))
    near = [f"{model.label} ({shown(model)})" for model in sorted(ready, key=value) if value(model) <= least * FACTOR]
    return "" if len(near) == len(ready) else f"{title}: {_and(near)}."


def _left_out(comparison: ModelComparison) -> Iterator[str]:
    for model in comparison.models:
        if model.trouble:
            yield f"No figures: {model.trouble}" if model.label in model.trouble else f"{model.label}: {model.trouble}"
    for number, each in enumerate(comparison.recordings):
        if comparison.ready and number not in comparison.counted:
            failed = next(model for model in comparison.ready if not model.of(number))
            yield f"{each.name} is not in the figures: {failed.label} did not hear it, {failed.error(number)}"
    unsaid = sum(comparison.recordings[number].said is None for number in comparison.counted)
    if comparison.scored and unsaid:
        yield (
            f"Of {counted(unsaid, 'recording')} it is not known what was said; errors are of the other "
            f"{len(comparison.counted) - unsaid}."
        )


def _doubts(comparison: ModelComparison, figures: Mapping[str, ModelFigures]) -> Iterator[str]:
    errors = [each.errors(characters=comparison.characters) for each in figures.values() if each.said]
    if comparison.scored and errors and errors[0] is not None and errors[0].characters < FEW:
        unit, count = "character" if comparison.characters else "word", errors[0].characters
        one = f" (one {unit} is {100 / count:.1f} percent points)" if count else ""
        yield f"Only {counted(count, unit)} were said: small differences are chance{one}."
    understood = understanding(comparison, figures)
    if unread := [model.label for model in comparison.ready if model not in understood]:
        yield f"{_and(unread)} heard more than half wrong, and so cannot be chosen."
    nano = [model.label for model in comparison.ready if model.demonstration]
    if nano:
        yield (
            f"For demonstration only: {_and(nano)}, trained on a small grammar of synthetic speech; what is heard in "
            "other speech means nothing."
        )
    varied = [m.label for m in comparison.ready if any(each is not None and each.others for each in m.heard)]
    if varied:
        yield f"{_and(varied)} gave other texts in later runs; the first counts."


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
