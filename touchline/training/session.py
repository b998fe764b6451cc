"""What a run needs around its training: its folder, its process, its trainer."""

import logging
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning
import torch
from torch import nn

from touchline.engines.networks import read_safetensors
from touchline.errors import CheckpointError, ConfigError
from touchline.runtime.progress import Remark, StepProgress
from touchline.training.allocator import keep_freed_memory
from touchline.training.module import TrainingModule
from touchline.training.options.common import PrecisionName, RunOptions
from touchline.training.run_files import RECIPE_FILE
from touchline.zoo.store import WEIGHTS_FILE, find

LightningPrecision = Literal["32-true", "bf16-mixed", "16-mixed"]

PRECISIONS: dict[PrecisionName, LightningPrecision] = {
    "fp32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
}
"""A recipe's precision by Lightning's name."""


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        folder: the run's folder, a model folder too.
        steps: optimiser steps made in all.
        best_epoch: epoch of the weights that were kept, from 1.
        figures: of the validation of that epoch.
        frames_per_second: frames or rows trained on in this session, validation left out.
        rank: of this process, among those that trained together.
    """

    folder: Path
    steps: int
    best_epoch: int
    figures: Mapping[str, float]
    frames_per_second: float
    rank: int = 0


class StepCallback(lightning.Callback):
    """Reports every step, and ends the run after its last step or when its time is up."""

    def __init__(self, total_steps: int, max_minutes: float | None, on_step: StepProgress) -> None:
        self._total = total_steps
        self._limit_minutes = max_minutes
        self._on_step = on_step

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """A resumed run may be over already."""
        self._stop_in_time(trainer, pl_module)

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """After every batch."""
        self._on_step(trainer.global_step, self._total)
        self._stop_in_time(trainer, pl_module)

    def _stop_in_time(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, TrainingModule)
        if trainer.global_step >= self._total:
            trainer.should_stop = True
        if self._limit_minutes is None:
            return
        late = module.elapsed_seconds > 60 * self._limit_minutes
        # All processes stop at the same step, or they would wait for each other for ever.
        if trainer.strategy.reduce_boolean_decision(late, all=False):
            trainer.should_stop = True


def check_folder(folder: Path, resume: bool) -> None:
    """Refuse to write into the folder of another run.

    Raises:
        ConfigError: it holds a run already.
    """
    if (folder / RECIPE_FILE).exists() and not resume:
        raise ConfigError(
            "this folder holds a run already",
            where=folder,
            remedy="resume it with --resume, or give another folder with --out",
        )


def accelerator_of(run: RunOptions) -> str:
    """Where the run trains.

    Raises:
        ConfigError: a GPU is asked for and there is none.
    """
    if run.device == "auto":
        return "gpu" if torch.cuda.is_available() else "cpu"
    if run.device == "gpu" and not torch.cuda.is_available():
        raise ConfigError(
            "run.device is gpu, and PyTorch finds none", remedy="set run.device=cpu or auto"
        )
    return run.device


def prepare_process(run: RunOptions, accelerator: str) -> None:
    """Set the threads of the run; on a processor, let steps use each other's memory."""
    if run.threads is not None:
        torch.set_num_threads(run.threads)
    if accelerator == "cpu":
        keep_freed_memory()


def precision_of(run: RunOptions, accelerator: str, usual_on_gpu: PrecisionName) -> PrecisionName:
    """The precision of the computation.

    Args:
        usual_on_gpu: what ``auto`` is there.

    Raises:
        ConfigError: one that the device does not have.
    """
    precision: PrecisionName
    if run.precision == "auto":
        precision = usual_on_gpu if accelerator == "gpu" else "fp32"
    else:
        precision = run.precision
    if precision == "fp16" and accelerator == "cpu":
        raise ConfigError(
            "run.precision fp16 needs a GPU", remedy="set run.precision=bf16, fp32 or auto"
        )
    return precision


def make_trainer(
    run: RunOptions,
    accelerator: str,
    precision: PrecisionName,
    callbacks: list[lightning.Callback],
    *,
    epochs: int,
    clip_gradients: float | None,
    batches_per_step: int,
) -> lightning.Trainer:
    """A Lightning trainer that leaves logs, checkpoints and progress to us."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    return lightning.Trainer(
        accelerator=accelerator,
        devices=run.devices,
        num_nodes=run.hosts,
        strategy="ddp" if run.devices * run.hosts > 1 else "auto",
        precision=PRECISIONS[precision],
        max_epochs=epochs,
        max_steps=-1,  # StepCallback counts: Lightning would resume in the midst of an epoch
        accumulate_grad_batches=batches_per_step,
        gradient_clip_val=clip_gradients,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,  # our loaders deal clips out themselves
        num_sanity_val_steps=0,
    )


def fit(
    trainer: lightning.Trainer,
    module: TrainingModule,
    batches: Iterable[Any],
    checkpoint: Path | None,
) -> None:
    """Train, from a checkpoint if there is one at that path.

    Raises:
        CheckpointError: it is of another network.
    """
    path = str(checkpoint) if checkpoint is not None and checkpoint.exists() else None
    try:
        with warnings.catch_warnings():  # Lightning calls PyTorch in a way that is deprecated
            warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)
            trainer.fit(module, batches, ckpt_path=path, weights_only=True)
    except RuntimeError as error:
        if "loading state_dict" not in str(error):
            raise
        raise CheckpointError(
            "the weights do not fit the recipe's network",
            where=path,
            remedy="resume with the recipe that the run began with",
        ) from error
    if trainer.interrupted:
        raise KeyboardInterrupt


def copy_weights(network: nn.Module, name: str, say: Remark) -> None:
    """Take over the weights of a model where names and shapes agree (its head may differ).

    Raises:
        CheckpointError: there is no such model, or none of its weights fit.
    """
    folder = find(name)
    given = read_safetensors(folder.file(WEIGHTS_FILE))
    own = network.state_dict()
    fitting = {
        key: value for key, value in given.items() if key in own and own[key].shape == value.shape
    }
    if not fitting:
        raise CheckpointError(
            "none of its weights fit the recipe's network",
            where=folder.path,
            remedy=f"it is a {folder.card.config.get('feature_arch', folder.card.system)}",
        )
    network.load_state_dict(fitting, strict=False)
    say(f"started from {len(fitting)} of {len(own)} weights of {folder.card.name}")
