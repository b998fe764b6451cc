"""A video with its events drawn into the picture."""

from dataclasses import dataclass
from pathlib import Path

from touchline.batch.executor import Share
from touchline.batch.provenance import checksum, comment_of, recorded, refuse_unknown
from touchline.batch.summary import Outcome, Status
from touchline.editing.annotate import annotate
from touchline.editing.fonts import label_remarks
from touchline.editing.render import refuse_overwriting
from touchline.editing.sources import made_remarks
from touchline.errors import InputError
from touchline.events import Timeline
from touchline.media.video import probe
from touchline.pipeline import timeline_of
from touchline.runtime.progress import Progress
from touchline.thresholds import SHOWN_AT_FIRST, Thresholds


@dataclass(frozen=True)
class AnnotateTask:
    """The annotated video.

    Attributes:
        events: a file of events of the video.
        half: which half the video is, where the events are of several.
        slow_factor: how many times slower the moments around events run.
        deinterlace: whether the lines of interlaced pictures are filled in.
        audio_track: number of the sound track, from 1; None for the one that a player plays.
    """

    video: Path
    events: Path
    output: Path
    half: int | None = None
    min_confidence: Thresholds = SHOWN_AT_FIRST
    slow_factor: int = 3
    overwrite: bool = False
    deinterlace: bool = True
    audio_track: int | None = None

    @property
    def name(self) -> str:
        """See ``FileTask``."""
        return str(self.video)

    def run(self, progress: Progress) -> Outcome:
        """Draw, unless it was done."""
        try:
            outcome = self._run(progress)
        except InputError as error:
            outcome = self.failed(str(error))
        progress(1.0)
        return outcome

    def failed(self, reason: str) -> Outcome:
        """See ``OutcomeTask``."""
        return Outcome(self.name, "failed", reason=reason)

    def clear(self) -> None:
        """The writer of videos leaves nothing that has the name of the output."""

    def with_share(self, share: Share) -> "AnnotateTask":
        """The same task: codecs choose their threads themselves."""
        return self

    def release(self) -> None:
        """Nothing is shared."""

    def _run(self, progress: Progress) -> Outcome:
        timeline = timeline_of(self.events, self.half)
        info = probe(self.video)
        refuse_overwriting(self.output, [self.video, self.events])
        options = (self.min_confidence, self.slow_factor, self.deinterlace, self.audio_track)
        made_of = checksum([timeline], [info.path], options)
        if self.output.exists() and not self.overwrite:
            before = recorded(self.output)
            if before is None:
                raise refuse_unknown(self.output)
            if before == made_of:
                return self._outcome("kept", timeline, probe(self.output).duration_seconds)
        seconds = annotate(
            timeline,
            self.video,
            self.output,
            min_confidence=self.min_confidence,
            slow_factor=self.slow_factor,
            deinterlace=self.deinterlace,
            audio_track=self.audio_track,
            comment=comment_of(made_of),
            progress=progress,
        )
        return self._outcome("made", timeline, seconds)

    def _outcome(self, status: Status, timeline: Timeline, seconds: float) -> Outcome:
        shown = sum(map(self.min_confidence.keep, timeline))
        drawn = label_remarks(event.label for event in timeline)
        warnings = (*timeline.warnings, *made_remarks(self.video, self.audio_track), *drawn)
        if len(timeline) and not shown:
            warnings = (*warnings, "no event has the least confidence: see --min-confidence")
        return Outcome(
            self.name,
            status,
            (str(self.output),),
            warnings=warnings,
            events=shown,
            seconds=seconds,
        )
