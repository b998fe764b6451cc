"""A whole match as one recording: its pictures and its sound, stretch after stretch."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import numpy as np

from touchline.simulator.audio import Samples, render_audio
from touchline.simulator.camera import Size
from touchline.simulator.offair import OffAir, off_air_sound
from touchline.simulator.presentation import Presentation
from touchline.simulator.production import produce
from touchline.simulator.recording import Scene, Stretch, match_recording
from touchline.simulator.script import MatchScript
from touchline.simulator.video import Pixels, broadcast_of


def stretches_of(script: MatchScript, presentation: Presentation) -> tuple[Stretch, ...]:
    """What the recording of a match is made of."""
    home, away = produce(script, presentation).sides
    return match_recording(script, (home.text, away.text))


@dataclass(frozen=True)
class MatchSource:
    """The pictures of a match's recording, a ``video.PictureSource``."""

    script: MatchScript
    size: Size
    presentation: Presentation

    def frames(self, seconds: Iterable[float]) -> Iterator[Pixels]:
        """The frames (height, width, 3) at times of the recording, one by one."""
        stretches = stretches_of(self.script, self.presentation)

        def stretch_at(at: float) -> Stretch:
            return next((s for s in stretches if at < s.end), stretches[-1])

        for stretch, times in groupby(seconds, stretch_at):
            if stretch.kind == "half":
                yield from self._half(stretch, times)
                continue
            for scene, scene_times in groupby(times, stretch.scene_at):
                yield from self._scene(scene, scene_times)

    def _half(self, stretch: Stretch, times: Iterable[float]) -> Iterator[Pixels]:
        half = self.script.halves[stretch.half - 1]
        broadcast = broadcast_of(self.script, half, self.size, self.presentation)
        return broadcast.frames(at - stretch.start for at in times)

    def _scene(self, scene: Scene, times: Iterable[float]) -> Iterator[Pixels]:
        off_air = _off_air(self.script, self.presentation, self.size)
        if scene.kind != "highlight":
            yield from (np.asarray(off_air.frame(scene, at)) for at in times)
            return
        half = self.script.halves[scene.half - 1]
        broadcast = broadcast_of(self.script, half, self.size, self.presentation)
        for frame in broadcast.clean(scene.half_seconds + at - scene.start for at in times):
            off_air.finish(frame, scene)
            yield np.asarray(frame)


@lru_cache(maxsize=1)
def _off_air(script: MatchScript, presentation: Presentation, size: Size) -> OffAir:
    return OffAir(script, produce(script, presentation), size)


def match_sound(script: MatchScript, presentation: Presentation, rate: int) -> Iterator[Samples]:
    """The sound of a match's recording, in chunks of a second or so at ``rate``."""
    for stretch in stretches_of(script, presentation):
        if stretch.kind == "half":
            half = script.halves[stretch.half - 1]
            yield from render_audio(script, half, rate, presentation)
        else:
            yield from off_air_sound(script, stretch, rate)
