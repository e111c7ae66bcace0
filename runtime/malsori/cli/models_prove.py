"""`malsori models prove`: what a bundle hears in real speech, how far that is from another bundle, and how fast."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..engines.machine.devices import DEVICES
from .console import complain, emit, emit_json
from .model_flags import percent_points
from .parser import Parser
from .progress import Reporter
from .tables import table

if TYPE_CHECKING:
    from ..bundles import Bundle, Manifest
    from ..pipeline.trials import Errors, Proof

MAX_LOSS = 2.0  # percent points; as `ProofLimits` has it
EPILOG = """\
A transcript is FILE.txt beside the recording. Without --audio the samples of the checkout serve. Against another bundle
(the same model before it was quantized) a proof fails when too many characters differ, or when the bundle is slower at
any length by more than chance explains: a tenth, in three rounds of four. It always fails when a clip heard twice, or
together with others, gives another text.

example:
  malsori models prove ./xlsr-ko-int8 --against ./xlsr-ko --audio recordings/
"""


def add_action(actions: argparse._SubParsersAction[Parser]) -> None:
    """Add the action and its flags."""
    parser = actions.add_parser(
        "prove",
        help="measure a model on real speech",
        description=__doc__,
        epilog=EPILOG,
        hints={"BUNDLE": "BUNDLE comes before --audio, which takes all that follows it"},
    )
    parser.add_argument("name", metavar="BUNDLE", help="a name or the path of a bundle")
    parser.add_argument("--against", metavar="BUNDLE", help="what it has to equal: the bundle before quantization")
    parser.add_argument("--audio", type=Path, nargs="+", default=[], metavar="DIR|FILE", help="speech to prove it on")
    parser.add_argument(
        "--max-loss",
        type=percent_points,
        metavar="X",
        help=f"most that CER against --against may be, in percent points (default: {MAX_LOSS:g})",
    )
    parser.add_argument("--allow-slower", action="store_true", help="let it be slower than --against, for its size")
    parser.add_argument("--device", default="auto", choices=DEVICES, help="where it runs (%(default)s)")
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress on stderr")


def run(args: argparse.Namespace) -> int:
    """Prove one bundle; return 0, or 1 when it is not as it should be."""
    from ..bundles import open_bundle
    from ..errors import OptionError
    from ..pipeline.trials import ProofLimits

    if args.against is None and (args.max_loss is not None or args.allow_slower):
        raise OptionError("--max-loss and --allow-slower compare with another bundle; name it with --against BUNDLE")
    with Reporter(quiet=args.quiet) as reporter:
        reporter.say(f"loading {args.name}")
        bundle = open_bundle(args.name)
        other = open_bundle(args.against) if args.against else None
        proof = _prove(args, bundle, other, reporter)
    limits = ProofLimits(MAX_LOSS if args.max_loss is None else args.max_loss, args.allow_slower)
    complaints = proof.complaints(limits)
    if args.json:
        result = {**proof.to_dict(), "max_loss": limits.max_loss} if other else proof.to_dict()
        emit_json({**result, "complaints": complaints})
    else:
        emit(table(_figures(proof, bundle, other)) + "\n" + table(_speeds(proof)))
    for line in complaints:
        complain(f"{proof.model}: {line}")
    return 1 if complaints else 0


def _prove(args: argparse.Namespace, bundle: Bundle, other: Bundle | None, reporter: Reporter) -> Proof:
    from ..engines.load import load_engine
    from ..pipeline.trials import LENGTHS, find_recordings, prove

    recordings = find_recordings(args.audio, bundle.manifest.languages)
    asked = device_for(args.device, *(each.manifest for each in (bundle, other) if each))
    engine = load_engine(bundle.folder, bundle.manifest, device=asked)
    device = getattr(engine, "device", "cpu")
    against = load_engine(other.folder, other.manifest, device=device) if other else None
    return prove(engine, recordings, against=against, lengths=LENGTHS, say=reporter.say)


def device_for(asked: str, *manifests: Manifest) -> str:
    """Return the device for bundles that are timed against each other: by default the CPU if one runs only there."""
    from ..bundles.families import FAMILIES
    from ..engines.wav2vec2.graphs import DYNAMIC

    dynamic = [each for each in manifests if each.quantization in DYNAMIC]
    on_cpu = any(FAMILIES[each.kind].library == "onnxruntime" for each in dynamic)
    return "cpu" if asked == "auto" and on_cpu else asked


def _figures(proof: Proof, bundle: Bundle, other: Bundle | None) -> list[tuple[str, ...]]:
    rows = [
        ("model", proof.model, bundle.manifest.quantization),
        ("size", _size(bundle), f"{_size(other)} {proof.against}" if other else ""),
        ("speech", f"{proof.seconds:.1f} s", f"in {proof.recordings} recordings"),
    ]
    if proof.frames:
        frames = proof.frames.to_dict()
        rows += [
            ("frames decided the same", _percent(frames["agreement"]), f"of {proof.frames.frames}"),
            ("those with speech", _percent(frames["agreement_spoken"]), f"of {proof.frames.spoken}"),
            ("cosine of the logits", f"{frames['cosine']:.6f}", "the lowest of any stretch of speech"),
        ]
    if proof.against:
        left_out = f", without {proof.unread} recordings that it does not understand" if proof.unread else ""
        rows.append(("CER against", _rate(proof.loss), f"{proof.against}{left_out}"))
    if proof.cer:
        beside = f"{_rate(proof.cer_against)} {proof.against}" if proof.cer_against else ""
        rows.append(("CER against transcripts", _rate(proof.cer), beside))
    repeats = proof.repeats
    counts = [("other text, heard again", repeats.again), ("other text, heard together", repeats.batched)]
    return [*rows, *((name, str(count), f"of {repeats.clips} clips") for name, count in counts)]


def _speeds(proof: Proof) -> list[tuple[str, ...]]:
    host = f"{proof.host['cpu']}, {proof.host['threads']} threads, {proof.host['device']}"
    host += ", our own int8 operator" if proof.host.get("native") else ""
    head = ("clip", "seconds", "RTFx", *((f"RTFx of {proof.against}", "ratio") if proof.against else ()), host)
    rows: list[tuple[str, ...]] = [head]
    for speed in proof.speeds:
        beside: tuple[str, ...] = ()
        if speed.against is not None and speed.ratio is not None:
            beside = (f"{speed.length / speed.against:.1f}", f"{speed.ratio:.2f}x")
        own = (f"{speed.length:g} s", f"{speed.seconds:.3f}", f"{speed.rtfx:.1f}")
        rows.append((*own, *beside, f"median of {speed.rounds} rounds"))
    return rows


def _size(bundle: Bundle | None) -> str:
    return f"{bundle.manifest.size / 1e6:.1f} MB" if bundle else ""


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def _rate(errors: Errors) -> str:
    return f"{_percent(errors.rate)} ({errors.edits} of {errors.characters})"
