"""Reading text in pictures, with rapidocr's PP-OCR networks on OpenVINO.

The networks come inside the package (Apache-2.0), so nothing is downloaded.
"""

import importlib.util
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from touchline.broadcast.texts import Box, Line
from touchline.engines.openvino_graph import request_of
from touchline.errors import ConfigError, MissingExtraError

Picture = NDArray[np.uint8]

EXTRA = "broadcast"

MAX_SIDE = 1920
"""Longest side, in pixels, of what the detector sees; larger pictures are made smaller first."""

_LEAST_CONFIDENCE = 0.3
_MAX_ASPECT = 40
_SHAPES_KEPT = 16
_ONEDNN_CAP = "ONEDNN_MAX_CPU_ISA"


def is_installed() -> bool:
    """Whether text can be read here."""
    return importlib.util.find_spec("rapidocr") is not None


class TextReader:
    """Finds and reads lines of text.

    Args:
        threads: processor threads at most; None for all.

    Raises:
        MissingExtraError: rapidocr is not installed.
        ConfigError: its networks do not run here, with oneDNN held to older instructions.
    """

    def __init__(self, threads: int | None = None) -> None:
        if not is_installed():
            raise MissingExtraError("reading the score bug", EXTRA)
        from rapidocr import EngineType, RapidOCR

        self._engine = RapidOCR(
            params={
                "Global.use_cls": False,
                "Global.log_level": "error",
                "Global.text_score": _LEAST_CONFIDENCE,
                "Global.max_side_len": MAX_SIDE,
                "Det.engine_type": EngineType.OPENVINO,
                "Det.limit_type": "max",  # the default makes a thin crop thirty times dearer
                "Det.limit_side_len": MAX_SIDE,
                "Rec.engine_type": EngineType.OPENVINO,
                "Rec.rec_batch_num": 1,  # a batch is no faster here, and needs more memory
                "EngineConfig.openvino.inference_num_threads": -1 if threads is None else threads,
            }
        )
        try:
            self._engine(np.zeros((64, 64, 3), np.uint8))  # loads the detector, the next the reader
            self.read(np.zeros((32, 64, 3), np.uint8))
        except RuntimeError as error:
            # OpenVINO chooses bfloat16 by what the processor has, not by what oneDNN may use of it.
            # Float32 is no way out: there the reader's network crashes (2026.4, held to AVX2).
            if _ONEDNN_CAP not in os.environ:
                raise
            raise ConfigError(
                f"text cannot be read with {_ONEDNN_CAP}={os.environ[_ONEDNN_CAP]} on this "
                "processor",
                remedy="unset it",
            ) from error
        parts: tuple[Any, Any] = (self._engine.text_det, self._engine.text_rec)
        for part in parts:
            # rapidocr has no setting for either: published weights are meant for float32, and with
            # pictures of all shapes the usual memory of them grows to hundreds of megabytes.
            part.session.session = request_of(part.session.model, threads, _SHAPES_KEPT)

    def find(self, picture: Picture, scale: float = 1.0, stretch: float = 1.0) -> list[Line]:
        """The lines of text in a picture.

        Args:
            picture: (height, width, 3) RGB.
            scale: what it is resized by before reading; lines 25 to 70 pixels high read best.
            stretch: what its width is resized by besides.

        Returns:
            Lines in pixels of the picture as given, in no order that matters.
        """
        height, width = picture.shape[:2]
        scale = min(scale, MAX_SIDE / max(height, width * stretch))
        scaled = resized(picture, width * scale * stretch, height * scale)
        found: Any = self._engine(_bgr(scaled))
        if getattr(found, "boxes", None) is None:
            return []
        across, down = width / scaled.shape[1], height / scaled.shape[0]
        return [
            _line(np.asarray(corners) * (across, down), text, float(confidence))
            for corners, text, confidence in zip(found.boxes, found.txts, found.scores, strict=True)
        ]

    def read(self, strip: Picture) -> tuple[str, float]:
        """The text of a picture that holds one line and nothing else, and its confidence."""
        height, width = strip.shape[:2]
        if min(height, width) < 2 or width > _MAX_ASPECT * height:
            return "", 0.0
        found: Any = self._engine(_bgr(strip), use_det=False)
        self._engine.update_params(use_det=True)
        if not found.txts:
            return "", 0.0
        return str(found.txts[0]), float(found.scores[0])


def resized(picture: Picture, width: float, height: float) -> Picture:
    """A picture at another size, at least a pixel each way, smoothly."""
    size = max(1, round(width)), max(1, round(height))
    if size == (picture.shape[1], picture.shape[0]):
        return picture
    image = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.uint8)


def cut_out(picture: Picture, box: Box) -> Picture:
    """The part of a picture inside a box; may be empty."""
    inner = box.within(picture.shape[1], picture.shape[0])
    return picture[int(inner.top) : int(inner.bottom), int(inner.left) : int(inner.right)]


def _bgr(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture[:, :, ::-1])


def _line(corners: NDArray[np.float64], text: str, confidence: float) -> Line:
    """A line from its corners: top left, top right, bottom right, bottom left."""
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    run, rise = (corners[1] - corners[0] + corners[2] - corners[3]) / 2
    tilt = math.degrees(math.atan2(rise, run))
    return Line(text, Box(float(left), float(top), float(right), float(bottom)), confidence, tilt)


def lines_at(lines: Sequence[Line], left: float, top: float) -> list[Line]:
    """Lines of a part of a picture, in pixels of the whole."""
    return [replace(line, box=line.box.moved(left, top)) for line in lines]
