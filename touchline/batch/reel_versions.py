"""Several reels of one choice: one of each length, or one of each moment."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from touchline.batch.reels import REEL_ENDING, ReelTask, warnings_of
from touchline.errors import InputError
from touchline.match_state import clip_word
from touchline.reel import Reel


def of_lengths(tasks: Sequence[ReelTask], lengths: Sequence[float]) -> list[ReelTask]:
    """The tasks once for each length: ``reel-30s.mp4``, ``reel-90s.mp4``; as they are for one.

    The shorter ones show the best of the longer.
    """
    if len(lengths) == 1:
        return list(tasks)
    return [
        _marked(replace(task, options=replace(task.options, seconds=seconds)), f"-{seconds:g}s")
        for task in tasks
        for seconds in dict.fromkeys(lengths)
    ]


def of_moments(tasks: Sequence[ReelTask]) -> list[ReelTask]:
    """A task for each clip that a task chooses: ``reel-01-goal.mp4``, ``reel-02-corner.mp4``.

    A task that cannot choose stays, and says why when it is run.
    """
    return [each for task in tasks for each in _of_clips(task)]


def _of_clips(task: ReelTask) -> list[ReelTask]:
    try:
        thing, chosen = task.choose()
    except InputError:
        return [task]
    options = task.options
    snap = not isinstance(thing, Reel) if options.snap is None else options.snap
    own = replace(options, snap=snap, half=None)
    warnings = (*warnings_of(thing), *chosen.warnings)  # said with the first file, not with each
    alone = (
        replace(chosen, clips=(clip,), warnings=() if number else warnings)
        for number, clip in enumerate(chosen)
    )
    return [
        _marked(
            replace(task, events=one, options=own, choosing=()),
            f"-{number:02d}-{clip_word(one.clips[0])}",
        )
        for number, one in enumerate(alone, start=1)
    ]


def _marked(task: ReelTask, mark: str) -> ReelTask:
    note = None if task.note is None else _with_mark(task.note, mark)
    return replace(task, output=_with_mark(task.output, mark), note=note)


def _with_mark(path: Path, mark: str) -> Path:
    ending = REEL_ENDING if path.name.endswith(REEL_ENDING) else path.suffix
    return path.with_name(f"{path.name.removesuffix(ending)}{mark}{ending}")
