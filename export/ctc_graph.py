"""A Wav2Vec2ForCTC as the graph that a bundle holds, and the ONNX file made from it.

transformers' own forward gives logits only, writes into tensors in place and counts frames with floats; here the same
modules are called in the same order, with a mask that ONNX can express. `wav2vec2.py` proves that the results agree.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from transformers import Wav2Vec2ForCTC

OPSET = 17  # the first with LayerNormalization
LARGEST_FILE = 2_000_000_000  # bytes; one protobuf file ends at 2 GiB
MASKED = torch.finfo(torch.float32).min


class CtcGraph(nn.Module):
    """`(audio, attention_mask)` -> `(logits, hidden)`; float32 `(batch, samples)`, int64 of that shape, 1 is real."""

    def __init__(self, model: Wav2Vec2ForCTC) -> None:
        super().__init__()
        self.model = model
        self.stable = model.config.do_stable_layer_norm

    def forward(self, audio: Tensor, attention_mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits `(batch, frames, vocabulary)` and last hidden states `(batch, frames, hidden_size)`."""
        features = self.model.wav2vec2.feature_extractor(audio).transpose(1, 2)
        hidden, _ = self.model.wav2vec2.feature_projection(features)
        bias = None
        if attention_mask is not None:
            real = self._real_frames(attention_mask, hidden.shape[1])
            hidden = hidden * real[:, :, None]
            bias = ((1 - real) * MASKED)[:, None, None, :]
        hidden = self._encode(hidden, bias)
        return self.model.lm_head(hidden), hidden

    def _real_frames(self, attention_mask: Tensor, frames: int) -> Tensor:
        """Return 1.0 for frames that see real samples only, `(batch, frames)`: the convolutions' length formula."""
        lengths = attention_mask.sum(dim=1, keepdim=True)
        for kernel, stride in zip(self.model.config.conv_kernel, self.model.config.conv_stride, strict=True):
            lengths = torch.div(lengths - kernel, stride, rounding_mode="trunc") + 1
        return (torch.arange(frames, device=lengths.device)[None, :] < lengths).to(torch.float32)

    def _encode(self, hidden: Tensor, bias: Tensor | None) -> Tensor:
        encoder = self.model.wav2vec2.encoder
        hidden = hidden + encoder.pos_conv_embed(hidden)
        if not self.stable:
            hidden = encoder.layer_norm(hidden)
        for layer in encoder.layers:
            hidden = layer(hidden, attention_mask=bias)[0]
        return encoder.layer_norm(hidden) if self.stable else hidden


def masks_padding(model: Wav2Vec2ForCTC) -> bool:
    """Whether this architecture takes an attention mask.

    A group-norm front-end takes its statistics over the whole clip, padding included: no mask can undo that, and
    Hugging Face trained those models without one (transformers#10117).
    """
    return bool(model.config.feat_extract_norm == "layer")


def write_graph(model: Wav2Vec2ForCTC, path: Path) -> None:
    """Write `model` to `path` as one ONNX file in fp32; weights go beside it only when they are above 2 GB.

    `model` is changed: the weight normalisation of its positional convolution is folded into the weight.
    """
    _fold_weight_norm(model.wav2vec2.encoder.pos_conv_embed.conv)
    audio = torch.zeros(2, 16_000)
    masked = masks_padding(model)
    inputs = (audio, torch.ones_like(audio, dtype=torch.int64)) if masked else (audio,)
    names = ["audio", "attention_mask"] if masked else ["audio"]
    axes = {name: {0: "batch", 1: "samples"} for name in names}
    axes |= {name: {0: "batch", 1: "frames"} for name in ("logits", "hidden")}
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch, torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's and the TorchScript exporter's; the proof is the check
        draft = Path(scratch) / path.name  # above 2 GB torch writes a file per tensor
        torch.onnx.export(
            CtcGraph(model).eval(),
            inputs,
            str(draft),
            input_names=names,
            output_names=["logits", "hidden"],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        _save(onnx.load(draft), model, path)


def quantize(path: Path) -> None:
    """Turn the weights of the graph's MatMuls into int8 in place; activations are quantized while it runs.

    Convolutions stay in fp32: ConvInteger made the whole as slow as fp32 (3.84 s against 2.16 s for 10 s of audio).
    Signed per-tensor weights: unsigned gained 0.0001 in cosine and cost 20-40 % more time on AVX2 without VNNI, and
    signed per-channel was worse there. Other machines may differ, so the proof has to run on the one that serves.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().addFilter(_no_preprocessing_advice)
    try:
        quantize_dynamic(
            path,
            path,
            op_types_to_quantize=["MatMul"],
            weight_type=QuantType.QInt8,
            per_channel=False,
            use_external_data_format=path.stat().st_size > LARGEST_FILE,
        )
    finally:
        logging.getLogger().removeFilter(_no_preprocessing_advice)


def _no_preprocessing_advice(record: logging.LogRecord) -> bool:
    return "pre-process" not in record.getMessage()


def _fold_weight_norm(convolution: nn.Module) -> None:
    if nn.utils.parametrize.is_parametrized(convolution, "weight"):
        nn.utils.parametrize.remove_parametrizations(convolution, "weight")
    elif hasattr(convolution, "weight_g"):
        nn.utils.remove_weight_norm(convolution)


def _save(graph: onnx.ModelProto, model: Wav2Vec2ForCTC, path: Path) -> None:
    """Write the graph with the sizes of its outputs' last axes stated, which the tracer leaves open."""
    for output, width in zip(graph.graph.output, (model.config.vocab_size, model.config.hidden_size), strict=True):
        output.type.tensor_type.shape.dim[2].dim_value = width
    large = graph.ByteSize() > LARGEST_FILE
    onnx.save_model(graph, path, save_as_external_data=large, location=f"{path.name}.data")
