"""What a simulated match truly holds, as the files of the SoccerNet layout state it.

Labels are facts of the script. Boxes and calibrations are what the cameras on air saw, twice a
second.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from touchline.events import Event, Match, Timeline, Video
from touchline.formats.player_boxes import PLAYER_BOXES_RATE, Calibration, PlayerBoxes
from touchline.formats.soccernet import ReplayLink, Shot, match_of_shots
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V2, LabelSet
from touchline.simulator.camera import Camera
from touchline.simulator.drawing import Box
from touchline.simulator.recording import Stretch
from touchline.simulator.script import CameraShot, HalfScript, MatchScript
from touchline.simulator.video import boxes
from touchline.timebase import seconds_of

Json = dict[str, Any]
Matrix = npt.NDArray[np.float64]

TRUTH_SIZE = (960, 540)
"""Width and height of the picture in whose pixels boxes and homographies are given, whatever the
video's: networks trained on the published files read areas in these pixels."""

CLOSE_VIEW_CONFIDENCE = 0.5
"""Confidence of the homography of a close view, which no calibration system could place: below
the customary threshold of 0.75, although it is exact."""


def action_labels(script: MatchScript) -> Match:
    """The 17-class events, for ``Labels-v2.json``."""
    halves = ((half, half.events) for half in script.halves)
    return Match(script.name, tuple(_timeline(*pair, SOCCERNET_V2) for pair in halves))


def ball_labels(script: MatchScript) -> Match:
    """The 12-class events, for ``Labels-ball.json``; halves apart, as in the 2023 edition."""
    halves = ((half, half.ball_events) for half in script.halves)
    return Match(script.name, tuple(_timeline(*pair, SOCCERNET_BALL) for pair in halves))


def camera_labels(script: MatchScript) -> Match:
    """The shots of the broadcast and what replays show again, for ``Labels-cameras.json``."""
    shots = [_shot(half, shot) for half in script.halves for shot in half.shots]
    return match_of_shots(shots, script.name)


def recorded_events(
    script: MatchScript, stretches: Sequence[Stretch], video: str, rate: Fraction
) -> Timeline:
    """The 17-class events in the time of a recording of all halves.

    Args:
        stretches: what the recording is made of.
        video: name of its file, of ``rate`` frames a second.
    """
    events = tuple(
        replace(event, seconds=round(stretch.start + event.seconds, 3), half=stretch.half)
        for stretch in stretches
        if stretch.kind == "half"
        for event in script.halves[stretch.half - 1].events
    )
    facts = Video(video, stretches[-1].end, rate)
    return Timeline(facts, events, labels=SOCCERNET_V2)


def transcript(half: HalfScript) -> Json:
    """``<half>_asr.json``: the commentary, as a speech recogniser would return it."""
    segments = ([line.start_seconds, line.end_seconds, line.text] for line in half.commentary)
    return {"segments": {str(index): segment for index, segment in enumerate(segments)}}


def _timeline(half: HalfScript, events: tuple[Event, ...], labels: LabelSet) -> Timeline:
    video = Video(str(half.number), half.seconds)
    return Timeline(video, events, labels=labels, half=half.number)


def _shot(half: HalfScript, shot: CameraShot) -> Shot:
    event = shot.replays
    link = None
    if event is not None:
        number = event.half or half.number
        link = ReplayLink(number, event.seconds, event.label, event.team, event.visibility)
    return Shot(
        half.number,
        shot.start_seconds,
        shot.end_seconds,
        shot.camera,
        shot.transition,
        "real-time" if event is None else "replay",
        link,
    )


def truth_times(half: HalfScript) -> list[float]:
    """Broadcast times of the entries of the boxes and calibration files of a half."""
    count = -int(-(half.seconds * PLAYER_BOXES_RATE) // 1)
    return [seconds_of(index, PLAYER_BOXES_RATE) for index in range(count)]


@dataclass
class Sightings:
    """What the cameras of a half saw, gathered entry by entry.

    Args:
        size: (width, height) of the picture that the cameras and boxes refer to.
    """

    half: HalfScript
    size: tuple[int, int]
    _people: list[list[Box]] = field(default_factory=list)
    _confidences: list[float] = field(default_factory=list)
    _homographies: list[Matrix] = field(default_factory=list)

    def gather(self, script: MatchScript) -> Iterator[float]:
        """Look through the whole half; yields the times looked at."""
        times = truth_times(self.half)
        for seconds, (camera, people) in zip(
            times, boxes(script, self.half, times, self.size), strict=True
        ):
            self._people.append(people)
            confidence, homography = self._placed(seconds, camera)
            self._confidences.append(confidence)
            self._homographies.append(homography)
            yield seconds

    def player_boxes(self) -> PlayerBoxes:
        """People in view, with their mean colour. Those hidden behind others are listed too."""
        people = [box for entry in self._people for box in entry]
        corners = np.array([box.corners for box in people]).reshape(-1, 4)
        return PlayerBoxes(
            TRUTH_SIZE,
            first=np.cumsum([0, *map(len, self._people)]),
            corners=corners * np.tile(self._scale, 2),
            colours=np.array([box.colour for box in people], np.float64).reshape(-1, 3),
        )

    def calibration(self) -> Calibration:
        """Homographies from field metres to pixels.

        The y axis points towards the main camera, as in the original and against the script's.
        Confidence is 1 for main cameras, ``CLOSE_VIEW_CONFIDENCE`` for others, and 0 where the
        pitch is not shown.
        """
        homographies = np.array(self._homographies).reshape(-1, 3, 3)
        return Calibration(TRUTH_SIZE, np.array(self._confidences), homographies)

    @property
    def _scale(self) -> npt.NDArray[np.float64]:
        return np.divide(TRUTH_SIZE, self.size)

    def _placed(self, seconds: float, camera: Camera | None) -> tuple[float, Matrix]:
        if camera is None:
            return 0.0, np.eye(3)
        to_file = np.diag([*self._scale, 1.0])
        homography = to_file @ camera.homography @ np.diag([1.0, -1.0, 1.0])
        is_main = self.half.shot_at(seconds).camera.startswith("Main")
        return 1.0 if is_main else CLOSE_VIEW_CONFIDENCE, homography
