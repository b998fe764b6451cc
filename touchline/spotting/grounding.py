"""Replays to the actions that they show, by a CALF network that sees both."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from touchline.datasets.features import Stream
from touchline.engines.stages import Stages
from touchline.replays import GroundedReplay, Replay
from touchline.spotting.scorers.calf import CLIPS_AT_ONCE, clip_rows, clip_starts, judged_steps
from touchline.timebase import frame_at, seconds_of

Floats = npt.NDArray[np.float32]


def replay_rows(stream: Stream, start_seconds: float, end_seconds: float, count: int) -> Floats:
    """What the network sees of a replay: it is repeated as often as it fits whole, then zeros.

    Args:
        stream: features of the half in which it is shown.
        start_seconds, end_seconds: of the shot.
        count: rows of a clip; a longer replay is cut.

    Returns:
        (count, width) float32.
    """
    first = min(frame_at(start_seconds, stream.rate), stream.steps - 1)
    last = min(frame_at(end_seconds, stream.rate), stream.steps)
    length = min(max(last - first, 1), count)
    shown = stream.read(first, length)
    rows = np.zeros((count, *shown.shape[1:]), np.float32)
    times = count // length
    rows[: times * length] = np.tile(shown, (times, 1))
    return rows


def ground(network: Stages, stream: Stream, replays: Sequence[Replay]) -> list[GroundedReplay]:
    """Where in a half the actions of its replays are: one candidate for each clip before a replay.

    The half passes the network's feature branch once, whatever the number of replays.

    Args:
        network: of CALF for replay grounding.
        stream: features of the half.
        replays: shown in this half.

    Returns:
        for each replay, candidates by descending score.
    """
    starts = clip_starts(stream.steps, network.config)
    clips = stream.read_all()[clip_rows(starts, stream.steps, network.config)]
    groups = (clips[i : i + CLIPS_AT_ONCE] for i in range(0, len(clips), CLIPS_AT_ONCE))
    game = np.concatenate([network("encode", clips=group) for group in groups])
    return [_ground_one(network, stream, game, replay) for replay in replays]


def _ground_one(network: Stages, stream: Stream, game: Floats, replay: Replay) -> GroundedReplay:
    config = network.config
    rows = replay_rows(stream, replay.start_seconds, replay.end_seconds, config.clip_steps)
    shown = np.ascontiguousarray(np.broadcast_to(network("encode", clips=rows[None]), game.shape))
    spotting = network("ground", game=game, shown=shown)[:, 0]
    starts = clip_starts(stream.steps, config)
    judged = judged_steps(starts, stream.steps, config)
    steps = starts + np.floor(spotting[:, 1] * np.float32(config.clip_steps - 1)).astype(np.int64)
    kept = (judged[:, 0] <= steps) & (steps < judged[:, 1])
    kept &= steps < frame_at(replay.end_seconds, stream.rate)  # what is shown again has been
    order = np.flatnonzero(kept)[np.argsort(-spotting[kept, 0], kind="stable")]
    return GroundedReplay(
        half=replay.half,
        end_seconds=replay.end_seconds,
        times=tuple(seconds_of(int(steps[i]), stream.rate) for i in order),
        scores=tuple(float(spotting[i, 0]) for i in order),
        start_seconds=replay.start_seconds,
    )
