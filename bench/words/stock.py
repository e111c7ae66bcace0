"""Words of the models that people have: stock base and tiny.en on real recordings, ours and everybody else's.

    python -m bench.words WORK --base DIR --tiny-en DIR     # ours and faster-whisper's three modes
    python -m bench.words WORK --base DIR --resume --systems all --peers-python PYTHON
    python -m bench.words WORK --base DIR --quick           # does everything run? writes no result
    python -m bench.words forms FOLDER OUT                  # weights as others read them

A model is a folder or the name of a bundle. What is heard: `sets.py`; by whom: `systems.py`; each set in a
process of its own, everybody in turn. WORK keeps the made sounds, the weights in other forms, and what was heard so
far: `--resume` goes on from there, with other `--sets` and `--systems` too, and the result has all of it.

`--peers-python` is a Python with what the slow peers need (the dependency group `export`, openai-whisper, pywhispercpp,
crispasr); they hear `--peers-clips` of each set. faster-whisper2 has the module of faster-whisper and so needs a folder
of its own: `pip install --no-deps --target DIR faster-whisper2`, `--faster-whisper2 DIR`. This Python needs the
normalisers of `score.py` and no torch, which CTranslate2 would import.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import command
from bench.places import RECORDINGS
from bench.recordings import Recording
from bench.results import Row, others, tell, write
from bench.words import figures
from bench.words.figures import SPARING, WHOLE
from bench.words.forms import form
from bench.words.runs import Job, Kept, Key, hear_all
from bench.words.score import normaliser
from bench.words.sets import LANGUAGES, Set, address, chosen, indexed, quiet, silent, sparse, spoken
from bench.words.start import first_words, nearest
from bench.words.systems import MODES, SYSTEMS, as_pulled, resolved

USUAL = ("ours", WHOLE, SPARING, *MODES)
OF_WHOLE = ("en", "en, longer", "address", "long")  # what is also read without the gate, and with little memory
GATED = ("ours", "faster-whisper vad_filter", "faster-whisper batched")  # who is to hear ten minutes of a room
ENGLISH_ONLY = "tiny.en"
FEWER = {ENGLISH_ONLY: 2}  # every so many of a set's clips: it is the second opinion
BRIEF = {"long": 2, "containers": 12}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    models: dict[str, str]
    systems: tuple[str, ...]
    sets: tuple[str, ...] = ()
    clips: int = 40
    slow_clips: int = 6
    runs: int = 1
    starts: int = 3
    peers_python: str = sys.executable
    faster_whisper2: str = ""


def all_sets(folder: Path, work: Path, plan: Plan) -> Iterator[Set]:
    """Yield what is heard, in order."""
    clips = indexed(folder)
    for each in spoken(clips, plan.clips):
        yield replace(each, clips=chosen(each.clips, BRIEF.get(each.name, plan.clips)))
    yield address(clips, work)
    yield quiet(clips, work, plan.clips // 2)
    yield sparse(clips, folder, work)
    yield from silent(folder, work)


def wanted(found: Set, plan: Plan) -> bool:
    """Whether a set is asked for: by its name, or by the language that its name starts with."""
    return bool(found.clips) and (not plan.sets or found.name in plan.sets or found.name.split(",")[0] in plan.sets)


def of_model(model: str, found: Set, plan: Plan) -> Set:
    """Return what a model hears of a set: one of English alone is told so and hears fewer clips."""
    if model != ENGLISH_ONLY:
        return found
    clips = chosen(found.clips, max(1, min(plan.clips, len(found.clips)) // FEWER[model]))
    return replace(found, clips=tuple(replace(clip, language="en") for clip in clips))


def hears(system: str, found: Set) -> bool:
    """Whether somebody hears a set at all."""
    if system in (WHOLE, SPARING):
        return found.name in OF_WHOLE
    if found.name.startswith("ten minutes"):
        return system in GATED
    return found.speech or not SYSTEMS[system].slow


def jobs_of(model: str, found: Set, work: Path, plan: Plan) -> Iterator[Job]:
    """Yield the processes of one set, run after run, everybody in turn."""
    folder = resolved(plan.models[model])
    for run in range(plan.runs):
        for name in plan.systems:
            system = SYSTEMS[name]
            if not hears(name, found) or (system.slow and run):
                continue
            clips: tuple[Recording, ...] = chosen(found.clips, plan.slow_clips) if system.slow else found.clips
            python = plan.peers_python if system.needs else sys.executable
            weights = as_pulled(plan.models[model], work / model) if name.startswith("ours") else folder
            if system.form != "folder":
                weights = form(folder, work / model, system.form, python)
            search = plan.faster_whisper2 if name == "faster-whisper2" else ""
            yield Job(Key(model, found.name, name, run), clips, weights, python, search)


def there(names: Sequence[str], plan: Plan) -> tuple[str, ...]:
    """Return who can hear here; say on stderr who cannot, and why."""
    found = []
    for name in names:
        missing = ""
        if name == "faster-whisper2":
            missing = "" if plan.faster_whisper2 else "--faster-whisper2 DIR"
        elif modules := SYSTEMS[name].needs:
            look = f"from importlib.util import find_spec\nprint([m for m in {list(modules)} if not find_spec(m)])"
            done = subprocess.run([plan.peers_python, "-c", look], capture_output=True, text=True, check=True)
            missing = done.stdout.strip().strip("[]")
        if missing:
            print(f"{name} is left out: {missing} is not there", file=sys.stderr)
        else:
            found.append(name)
    return tuple(found)


def measured(folder: Path, work: Path, plan: Plan, resume: bool) -> list[Row]:
    """Hear everything and return the rows, those of what was heard before among them."""
    work.mkdir(parents=True, exist_ok=True)
    sets = [*all_sets(folder, work, plan)]
    pairs = [(name, of_model(name, each, plan)) for name in plan.models for each in sets]
    pairs = [(name, each) for name, each in pairs if each.clips and (name != ENGLISH_ONLY or english(each))]
    kept = Kept(work / "heard.jsonl", resume)
    hear_all([job for name, each in pairs if wanted(each, plan) for job in jobs_of(name, each, work, plan)], kept)
    found = [row for name, each in pairs for row in figures.rows(name, each, kept.found)]
    clip = nearest(indexed(folder))
    for name, model in plan.models.items() if plan.starts else ():
        ours = as_pulled(model, work / name)
        found += first_words(name, ours, resolved(model), clip, plan.starts)
    return found if plan.starts else [*found, *[row for row in others("words", found) if "new process" in row.case]]


def english(found: Set) -> bool:
    """Whether a set is of English, or of nobody: the containers too, but once is enough."""
    return found.name not in (*LANGUAGES, "telephone, es", "other languages", "long", "containers")


def asked_for(arguments: argparse.Namespace) -> Plan:
    """Return the plan that was asked for."""
    models = {"base": arguments.base, ENGLISH_ONLY: arguments.tiny_en}
    names = (*SYSTEMS,) if arguments.systems == "all" else tuple((arguments.systems or "|".join(USUAL)).split("|"))
    if unknown := {*names} - SYSTEMS.keys():
        raise SystemExit(f"--systems: expected {', '.join(SYSTEMS)} with | between them, or all, found {unknown}")
    plan = Plan(
        {name: model for name, model in models.items() if model},
        names,
        tuple(arguments.sets.split("|")) if arguments.sets else (),
        arguments.clips,
        arguments.peers_clips,
        arguments.runs,
        arguments.starts,
        arguments.peers_python,
        str(arguments.faster_whisper2 or ""),
    )
    if not plan.models:
        raise SystemExit("no model: give --base, --tiny-en or both a folder or the name of a bundle")
    return replace(plan, clips=2, slow_clips=1, starts=1) if arguments.quick else plan


def main() -> None:
    """Hear everything and write the result file."""
    parser = command.parser(__doc__)
    parser.add_argument("work", type=Path, help="folder for sounds, weights and what was heard so far")
    parser.add_argument("--base", help="stock base, a folder or a bundle's name")
    parser.add_argument("--tiny-en", help="stock tiny.en, likewise")
    parser.add_argument("--speech", type=Path, default=RECORDINGS, help="the recordings and their INDEX.tsv")
    parser.add_argument("--sets", help='names with | between them, such as "en|telephone|ko"')
    parser.add_argument("--systems", help=f'of "{"|".join(SYSTEMS)}", or all; ours and faster-whisper\'s if not given')
    parser.add_argument("--clips", type=int, default=40, help="at most so many of each set, evenly chosen")
    parser.add_argument("--peers-clips", type=int, default=6, help="of these, how many the slow peers hear")
    parser.add_argument("--runs", type=int, default=1, help="how often each set is heard")
    parser.add_argument("--starts", type=int, default=3, help="how many new processes are timed; 0 for none")
    parser.add_argument("--peers-python", default=sys.executable, help="a Python that has the slow peers")
    parser.add_argument("--faster-whisper2", type=Path, help="the folder that it is installed in")
    parser.add_argument("--resume", action="store_true", help="go on from what WORK has")
    parser.add_argument("--quick", action="store_true", help="two clips of each set; nothing is written")
    asked = parser.parse_args()
    plan = asked_for(asked)
    normaliser("en")  # before hours of hearing, not behind them
    plan = replace(plan, systems=there(plan.systems, plan))
    found = measured(asked.speech, asked.work / "quick" if asked.quick else asked.work, plan, asked.resume)
    tell(found)
    if not asked.quick:
        print(write("words", found))
