"""What transformers' Trainer is told of a run: how many steps, how they learn, when they are judged and kept."""

from __future__ import annotations

import math

from transformers import TrainingArguments

from export.training.settings import TrainingOptions
from export.training.subject import Subject

LOGS_PER_EVALUATION = 10


def arguments(subject: Subject, clips: int, *, begun: bool) -> TrainingArguments:
    """Return transformers' settings of a run over so many clips; one that has begun is not evaluated at its start."""
    options = subject.settings.training
    steps = total_steps(options, clips)
    return TrainingArguments(
        output_dir=str(subject.settings.work),
        max_steps=steps,
        per_device_train_batch_size=options.batch_size,
        per_device_eval_batch_size=subject.judged_together,
        gradient_accumulation_steps=options.accumulate,
        learning_rate=options.learning_rate,
        lr_scheduler_type=subject.schedule,
        warmup_steps=round(options.warmup * steps),
        weight_decay=options.weight_decay,
        bf16=subject.precision == "bf16",
        fp16=subject.precision == "fp16",
        use_cpu=subject.device == "cpu",
        dataloader_pin_memory=subject.device == "cuda",
        dataloader_num_workers=options.workers,
        eval_strategy="steps",
        eval_steps=options.evaluate_every,
        eval_on_start=not begun,
        save_strategy="steps",
        save_steps=options.evaluate_every,
        save_total_limit=2,  # the best and the last
        metric_for_best_model=subject.evaluation.metric,
        greater_is_better=False,
        logging_steps=max(1, options.evaluate_every // LOGS_PER_EVALUATION),
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        seed=options.seed,
        report_to="none",
        disable_tqdm=True,
    )


def total_steps(options: TrainingOptions, clips: int) -> int:
    """Return the weight updates of a run: those asked for, or what the epochs come to."""
    batches = math.ceil(clips / options.batch_size)
    return options.steps or max(1, math.ceil(options.epochs * math.ceil(batches / options.accumulate)))
