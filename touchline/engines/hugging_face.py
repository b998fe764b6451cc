"""Object detectors of Hugging Face on PyTorch: on CUDA, on Apple's MPS, or on the processor."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import transformers
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers import AutoImageProcessor, AutoModelForObjectDetection

from touchline.engines import FloatPrecision
from touchline.engines.detector_layouts import LEAST_SCORE, MOST_BOXES, Boxes, Size
from touchline.engines.detectors import Pixels
from touchline.engines.torch import accelerator
from touchline.errors import CheckpointError

LONGEST_SIDE = 1333
"""Pictures are not wanted larger: processors of DETR and its successors make them this large."""

_FILES = ["*.json", "*.safetensors"]
_AT_ONCE = 4
_TRANSPORT_ERROR: type[BaseException] = HfHubHTTPError.__bases__[0]
"""The HTTP library's, whose module differs between releases of the hub's client."""

_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    ImportError,
    RuntimeError,
    SafetensorError,
    HfHubHTTPError,
    _TRANSPORT_ERROR,
)
"""What is raised on names and folders that no detector can be made of."""


class HuggingFaceDetector:
    """A detector by its name on the hub or its folder: a ``DetectionNetwork``.

    Weights are read from safetensors alone, and no code of the hub is run.

    Args:
        name: such as ``PekingU/rtdetr_r50vd``, or a folder, which is read without the network.
        precision: ``"auto"`` is float32.
        threads: processor threads, for the whole process, as PyTorch has it.

    Raises:
        CheckpointError: no such detector, or it cannot be read or fetched.
    """

    def __init__(
        self, name: str, precision: FloatPrecision = "auto", threads: int | None = None
    ) -> None:
        if threads is not None:
            torch.set_num_threads(min(threads, os.cpu_count() or 1))
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        try:
            folder = _folder(name)
            self._processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
            network = AutoModelForObjectDetection.from_pretrained(
                folder, local_files_only=True, use_safetensors=True
            )
        except _UNREADABLE as error:
            raise _unreadable(name, error) from error
        if not hasattr(self._processor, "post_process_object_detection"):
            raise CheckpointError("has no detections to read", where=name)
        self._device = accelerator() or "cpu"
        self._half = precision == "bf16"
        self._network = network.eval().to(self._device)
        labels = getattr(network.config, "id2label", None) or {}
        self.names: Mapping[int, str] = {
            int(number): str(label) for number, label in labels.items()
        }
        self.classes: int | None = None
        self.layout = str(network.config.model_type)
        self.digest = _digest(network)

    @property
    def name(self) -> str:
        """See ``DetectionNetwork``."""
        return f"torch {self._device} {'bf16' if self._half else 'fp32'}"

    def picture_size(self, size: Size) -> Size:
        """See ``DetectionNetwork``."""
        ratio = min(1.0, LONGEST_SIDE / max(size))
        return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))

    def __call__(self, pictures: Pixels) -> list[Boxes]:
        """See ``DetectionNetwork``."""
        return [
            boxes
            for first in range(0, len(pictures), _AT_ONCE)
            for boxes in self._some(pictures[first : first + _AT_ONCE])
        ]

    def _some(self, pictures: Pixels) -> list[Boxes]:
        inputs = self._processor(images=list(pictures), return_tensors="pt").to(self._device)
        with (
            torch.inference_mode(),
            torch.autocast(self._device, torch.bfloat16, enabled=self._half),
        ):
            outputs = self._network(**inputs)
            found = self._processor.post_process_object_detection(
                outputs, threshold=LEAST_SCORE, target_sizes=[(1, 1)] * len(pictures)
            )
        return [_boxes(each) for each in found]


def _folder(name: str) -> str:
    """The folder of a detector; fetched, or found where it was fetched to before, for a name."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return str(folder)
    if folder.is_absolute() or name.startswith((".", "~")):
        raise CheckpointError("there is no such folder", where=name)
    return snapshot_download(name, allow_patterns=_FILES)


def _boxes(found: dict[str, torch.Tensor]) -> Boxes:
    order = found["scores"].float().argsort(descending=True, stable=True)[:MOST_BOXES]
    return Boxes(
        found["boxes"][order].float().cpu().numpy(),
        found["scores"][order].float().cpu().numpy(),
        found["labels"][order].cpu().numpy().astype(np.int64),
    )


def _digest(network: torch.nn.Module) -> str:
    """What identifies the weights, however they are stored."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().cpu().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def _unreadable(name: str, error: BaseException) -> CheckpointError:
    if isinstance(error, LocalEntryNotFoundError):
        return CheckpointError(
            "Hugging Face cannot be reached, and this was not fetched before",
            where=f"hf:{name}",
            remedy="check the network, or give a folder",
        )
    reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
    return CheckpointError(
        f"Hugging Face has no detector to read here ({reason})",
        where=f"hf:{name}",
        remedy="give a folder or a name with config.json, preprocessor_config.json and "
        "model.safetensors",
    )
