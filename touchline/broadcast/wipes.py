"""The wipe of a broadcaster, learnt from the recording itself: the short animation that recurs.

Nothing is known of its design: a logo, a ball or a band that crosses the picture, whole or in
part. What is known is how it behaves. For less than a second much of the picture shows something
that is there neither before nor after, and the same something, moving in the same way, comes again
many times in front of different scenes.

Moments of the first kind are kept as clips of small thumbnails, the strongest thousand of a
recording. At the end the clips are compared with each other where they are covered; those that
agree in most of it, over several pictures in a row, are one wipe. Unlike recurring advertisements
they have nothing else in common, and unlike dips to black they show something.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from touchline.broadcast.cuts import blocks

Thumbnail = NDArray[np.uint8]
Clips = NDArray[np.uint8]
Times = NDArray[np.float64]
Masks = NDArray[np.bool_]

LAG = 26
"""Pictures from the middle of a moment to what is shown before and after it: a second or so, so
that a wipe of nearly two is gone by then."""

LEAST_BURST = 18.0
"""Levels, luma and colours added, by which a moment differs from before and after, its layout in
blocks of an eighth of the picture's width: players who move do not make much of it."""

MOST_MOMENTS = 600
"""Moments kept of a recording; the strongest are."""

COVERED = 24
"""Levels, luma and colours added, by which a covered cell differs from before and from after."""

ALIKE = 30
"""Levels, luma and colours added, by which cells of two occurrences differ at most."""

SAME = 0.5
"""Share of the covered cells in which two occurrences agree."""

SURELY_SAME = 0.7
"""The same where a recording holds no more than these two."""

LEAST_COVER = 0.12
"""Share of a picture in which occurrences agree, in each of ``LEAST_PICTURES`` pictures."""

LEAST_PEAK = 0.25
"""The same in the picture in which they agree in most."""

LEAST_PICTURES = 4

LEAST_WEIGHT = 0.3
"""Weight of a design, see ``_weight``, over that of the weightiest, at least: close-ups of one kind
look alike now and then, too."""

HARD = 0.5
"""Share of a moment's strength that the step to a short shot, and that from it, has at least."""

ALONE = 0.15
"""The six steps beside such a one as a share of it, at most: a wipe takes several pictures."""

SAME_SCENE = 0.85
"""Share of cells alike from which two scenes are one and the same."""

APART_SECONDS = 1.5
"""Least time between two occurrences."""

DARK = 40
"""Luma below which a picture that is covered all over is a dip to black."""

_BLOCK = 512
_MARGIN = 3 * LAG
_STRONG = 0.85
_THINNEST_SECONDS = 1 / 31
_REACH = 10
_END_PICTURES = 3
_NEIGHBOURS = 12
_GUIDES = 4
_MOST_OCCURRENCES = 150
_LEAST_LIKENESS = 0.5
_LENGTH = 2 * LAG + 1


@dataclass(frozen=True, order=True)
class Wipe:
    """One occurrence of a wipe.

    Attributes:
        seconds: its middle, where the shot behind it changes.
        start_seconds, end_seconds: when it is in the picture, to a few pictures.
        design: number of its design in this recording, 0 for the weightiest; a broadcaster may use
            one on the way into a replay and another one on the way out.
        confidence: 0 to 1: how much it agrees with its like.
    """

    seconds: float
    start_seconds: float
    end_seconds: float
    design: int = 0
    confidence: float = 1.0


@dataclass(frozen=True, eq=False)
class _Moment:
    """Pictures round a place that looks like neither before nor after.

    Attributes:
        times: (53,) seconds.
        clip: (53, height, width, 3).
    """

    times: Times
    clip: Clips


class WipeFinder:
    """Thumbnails in, wipes out; holds the strongest moments, some 60 MB at most."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._pictures: list[Thumbnail] = []
        self._last = -np.inf
        self._before = 0
        self._count = 0
        self._moments: list[tuple[float, int, _Moment]] = []

    def see(self, time_seconds: float, picture: Thumbnail) -> None:
        """Take the next picture.

        Args:
            time_seconds: when it begins to be shown.
            picture: (height, width, 3) luma and two colour differences, of one even size
                throughout; more than 30 a second are thinned.
        """
        if time_seconds - self._last < _THINNEST_SECONDS:
            return
        self._last = time_seconds
        self._times.append(time_seconds)
        self._pictures.append(picture)
        if len(self._pictures) >= self._before + _BLOCK + _MARGIN:
            self._collect(self._before + _BLOCK)
            kept = self._before + _BLOCK - _MARGIN
            del self._pictures[:kept], self._times[:kept]
            self._before = _MARGIN

    def finish(self) -> tuple[Wipe, ...]:
        """All wipes, in order of time."""
        self._collect(len(self._pictures))
        self._pictures, self._times, self._before = [], [], 0
        moments = [moment for _, _, moment in sorted(self._moments, key=lambda item: item[1])]
        self._moments = []
        if len(moments) < 2:
            return ()
        times = [moment.times for moment in moments]
        clips = np.empty((len(moments), *moments[0].clip.shape), np.uint8)
        for place in range(len(clips) - 1, -1, -1):  # never all of them twice
            clips[place] = moments.pop().clip
        return _recurring(times, clips)

    def _collect(self, end: int) -> None:
        """Keep the moments among the pictures held, those before ``end`` not yet looked at."""
        if len(self._pictures) < _LENGTH:
            return
        pictures = _halved(np.stack(self._pictures))
        layout = blocks(pictures)
        apart = np.abs(layout[LAG:] - layout[:-LAG]).mean((1, 2)).sum(-1)
        bursts = np.zeros(len(pictures), np.float32)
        bursts[LAG:-LAG] = np.minimum(apart[:-LAG], apart[LAG:])
        for place in np.flatnonzero(bursts > LEAST_BURST).tolist():
            begin = max(0, place - LAG // 2)
            near = bursts[begin : place + LAG // 2 + 1]
            if self._before <= place < end and bursts[place] >= near.max():
                # What covers the picture for a while is as strong all the while: its middle.
                strong = np.flatnonzero(near >= _STRONG * near.max()) + begin
                middle = min(max(round(float(strong.mean())), LAG), len(pictures) - LAG - 1)
                span = slice(middle - LAG, middle + LAG + 1)
                if _is_short_shot(layout[span], float(bursts[place])):
                    continue
                self._keep(float(bursts[place]), np.asarray(self._times[span]), pictures[span])

    def _keep(self, strength: float, times: Times, clip: Clips) -> None:
        self._count += 1
        item = (strength, self._count, _Moment(times, clip.copy()))
        if len(self._moments) < MOST_MOMENTS:
            heapq.heappush(self._moments, item)
        else:
            heapq.heappushpop(self._moments, item)


def _is_short_shot(layout: NDArray[np.float32], strength: float) -> bool:
    """Whether a moment is a shot of its own: cut to and cut from, each in a single step."""
    steps = np.abs(np.diff(layout, axis=0)).mean((1, 2)).sum(-1)
    for begin, part in ((0, steps[:LAG]), (LAG, steps[LAG:])):
        place = begin + int(np.argmax(part))
        beside = np.concatenate([steps[max(0, place - 3) : place], steps[place + 1 : place + 4]])
        if steps[place] < HARD * strength or beside.mean() > ALONE * steps[place]:
            return False
    return True


def _halved(pictures: Clips) -> Clips:
    """(n, height, width, 3) at half the size."""
    height, width = pictures.shape[1] // 2 * 2, pictures.shape[2] // 2 * 2
    parts = pictures[:, :height, :width]
    total = parts[:, ::2, ::2].astype(np.uint16)
    for row, column in ((1, 0), (0, 1), (1, 1)):
        total += parts[:, row::2, column::2]
    return (total // 4).astype(np.uint8)


def _distances(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.int16]:
    """(..., 3) pictures to (...) levels apart, luma and colours added."""
    apart = np.abs(first.astype(np.int16) - second)
    return np.asarray(apart[..., 0] + apart[..., 1] + apart[..., 2], np.int16)


def _covered(clips: Clips) -> Masks:
    """(n, 53, height, width): cells that look like neither the first picture nor the last."""
    out = np.empty(clips.shape[:-1], np.bool_)
    for clip, mask in zip(clips, out, strict=True):
        before, after = _distances(clip, clip[:1]), _distances(clip, clip[-1:])
        mask[:] = (before > COVERED) & (after > COVERED)
    return out


@dataclass(frozen=True)
class _Agreement:
    """How two moments agree: the second, ``shift`` pictures later in its clip, is the first."""

    first: int
    second: int
    shift: int
    share: float
    pictures: int
    peak: float


class _Comparison:
    """Compares moments where they are covered."""

    def __init__(self, times: Sequence[Times], clips: Clips) -> None:
        self.clips = clips
        self.masks = _covered(self.clips)
        self.cells = self.clips.shape[2] * self.clips.shape[3]
        self._signs = self._signatures()
        self._seconds = np.array([row[LAG] for row in times])

    def nearest(self, first: int, count: int) -> list[tuple[int, int]]:
        """The (moment, shift) that look most like one in their middle, not those near it."""
        places = np.array((LAG - 3, LAG, LAG + 3))
        likeness = np.einsum("pw,nlw->pnl", self._signs[first, places], self._signs, optimize=True)
        shifts = np.arange(-_REACH, _REACH + 1)
        total = likeness[np.arange(3)[:, None], :, places[:, None] + shifts].mean(0)
        total[:, np.abs(self._seconds - self._seconds[first]) < APART_SECONDS] = -1
        best = total.max(0)
        order = [int(k) for k in np.argsort(-best)[:count] if best[k] >= _LEAST_LIKENESS]
        return [(k, int(shifts[total[:, k].argmax()])) for k in order]

    def _signatures(self) -> NDArray[np.float32]:
        """(n, 53, numbers) covered parts of pictures, of unit length, nothing elsewhere."""
        count, length, height, width = self.masks.shape
        high, wide = height // 2, width // 2
        shape = (count, length, high, 2, wide, 2)
        mask = self.masks[:, :, : 2 * high, : 2 * wide]
        share = mask.reshape(shape).mean((3, 5), dtype=np.float32)
        signs = np.empty((count, length, high * wide * 4), np.float32)
        for index, clip in enumerate(self.clips):
            part = (clip[:, : 2 * high, : 2 * wide].astype(np.float32) - 128) * mask[
                index, ..., None
            ]
            cells = part.reshape(length, high, 2, wide, 2, 3).mean((2, 4))
            cells = np.concatenate([cells, 40 * share[index, ..., None]], -1)
            signs[index] = cells.reshape(length, -1)
        norms = np.linalg.norm(signs, axis=-1, keepdims=True)
        return signs / np.maximum(norms, 1e-6)

    def agreement(self, first: int, second: int, shift: int) -> _Agreement:
        """How two moments agree at a shift."""
        begin, end = max(0, -shift), min(_LENGTH, _LENGTH - shift)
        one, other = slice(begin, end), slice(begin + shift, end + shift)
        masks = self.masks[first, one], self.masks[second, other]
        alike = _distances(self.clips[first, one], self.clips[second, other]) <= ALIKE
        agreeing = (masks[0] & masks[1] & alike).sum((1, 2))
        covered = np.minimum(masks[0].sum((1, 2)), masks[1].sum((1, 2)))
        counted = agreeing >= LEAST_COVER * self.cells
        share = float(agreeing[counted].sum() / max(1, covered[counted].sum()))
        peak = float(agreeing.max() / self.cells)
        return _Agreement(first, second, shift, share, int(counted.sum()), peak)

    def best_agreement(self, first: int, second: int, shift: int, reach: int) -> _Agreement:
        """The best at shifts up to ``reach`` round one."""
        return max(
            (self.agreement(first, second, k) for k in range(shift - reach, shift + reach + 1)),
            key=lambda found: found.share * min(found.pictures, 8),
        )

    def only_repeated(self, first: int, second: int, shift: int) -> bool:
        """Whether what comes before or after is the same too: an advertisement, say."""
        begin, end = max(0, -shift), min(_LENGTH, _LENGTH - shift)
        # Several pictures, as a shift that is one off must not hide it at a cut.
        places = [*range(begin, begin + _END_PICTURES), *range(end - _END_PICTURES, end)]
        alike = [
            _distances(self.clips[first, place], self.clips[second, place + shift]) <= ALIKE
            for place in places
        ]
        return any(float(cells.mean()) > SAME_SCENE for cells in alike)

    def agrees(self, found: _Agreement) -> bool:
        """Whether an agreement is that of two occurrences of one animation."""
        return (
            found.share >= SAME
            and found.pictures >= LEAST_PICTURES
            and found.peak >= LEAST_PEAK
            and not self.only_repeated(found.first, found.second, found.shift)
        )


def _recurring(times: Sequence[Times], clips: Clips) -> tuple[Wipe, ...]:
    """The occurrences of all designs.

    Args:
        times: (53,) seconds of each moment.
        clips: (n, 53, height, width, 3) their pictures.
    """
    compare = _Comparison(times, clips)
    links: dict[int, list[_Agreement]] = {}
    for first in range(len(times)):
        for second, shift in compare.nearest(first, _NEIGHBOURS):
            found = compare.best_agreement(first, second, shift, 1)
            if compare.agrees(found):
                links.setdefault(first, []).append(found)
    designs: list[list[_Agreement]] = []
    taken: set[int] = set()
    for seed in sorted(links, key=lambda k: -sum(found.share for found in links[k])):
        if seed in taken:
            continue
        members = _members(compare, links[seed], taken)
        if _is_wipe(compare, members):
            taken.update(found.second for found in members)
            designs.append(members)
    designs.sort(key=_weight, reverse=True)
    least = LEAST_WEIGHT * max(map(_weight, designs), default=0.0)
    common = [members for members in designs if _weight(members) >= least]
    wipes = [
        wipe
        for design, members in enumerate(common)
        for wipe in _occurrences(compare, times, members, design)
    ]
    return _without_doubles(wipes)


def _members(compare: _Comparison, links: list[_Agreement], taken: set[int]) -> list[_Agreement]:
    """All moments that agree with a seed or with one of its nearest; the seed comes first."""
    seed = links[0].first
    found = {seed: _Agreement(seed, seed, 0, 1.0, _LENGTH, 1.0)}
    near = sorted(links, key=lambda link: -link.share)[:_GUIDES]
    for guide, offset in [(seed, 0), *((link.second, link.shift) for link in near)]:
        for other, shift in compare.nearest(guide, _MOST_OCCURRENCES):
            if other in found or other in taken:
                continue
            link = compare.best_agreement(guide, other, shift, 2)
            if compare.agrees(link) and abs(link.shift + offset) <= 2 * _REACH:
                shift = link.shift + offset
                found[other] = replace(link, first=seed, shift=shift)
    return list(found.values())


def _is_wipe(compare: _Comparison, members: list[_Agreement]) -> bool:
    """Whether enough occurrences agree well enough, and show something."""
    others = members[1:]
    if not others:
        return False
    if len(others) == 1 and (others[0].share < SURELY_SAME or others[0].pictures < 6):
        return False
    seed = members[0].first
    cover = compare.masks[seed].mean((1, 2))
    fullest = int(cover.argmax())
    shown = compare.clips[seed, fullest, ..., 0][compare.masks[seed, fullest]]
    return bool(shown.size) and float(np.percentile(shown, 90)) >= DARK


def _weight(members: list[_Agreement]) -> float:
    """How often and how well a design recurs: agreement beyond what is asked for, added."""
    return sum(link.share - SAME for link in members[1:])


def _occurrences(
    compare: _Comparison, times: Sequence[Times], members: list[_Agreement], design: int
) -> list[Wipe]:
    """The members of a design as wipes, their middle where most of the picture is covered."""
    cover = np.zeros(_LENGTH + 4 * _REACH)
    counts = np.zeros_like(cover)
    for link in members:
        place = np.arange(_LENGTH) - link.shift + 2 * _REACH
        good = (place >= 0) & (place < len(cover))
        cover[place[good]] += compare.masks[link.second].mean((1, 2))[good]
        counts[place[good]] += 1
    enough = counts >= 0.5 * len(members)
    mean = np.where(enough, cover / np.maximum(counts, 1), 0)
    high = np.flatnonzero(mean >= 0.9 * mean.max())
    middle = round(float(high.mean()))
    seen = np.flatnonzero(mean >= 0.2 * mean.max())
    wipes = []
    for link in members:
        own = times[link.second]
        first, last, centre = (
            float(own[min(max(k - 2 * _REACH + link.shift, 0), _LENGTH - 1)])
            for k in (int(seen[0]), int(seen[-1]), middle)
        )
        wipes.append(Wipe(centre, first, last, design, link.share))
    return wipes


def _without_doubles(wipes: list[Wipe]) -> tuple[Wipe, ...]:
    """Of wipes that are too close to be two the surest one."""
    kept: list[Wipe] = []
    for wipe in sorted(wipes, key=lambda wipe: -wipe.confidence):
        if all(abs(wipe.seconds - other.seconds) > APART_SECONDS for other in kept):
            kept.append(wipe)
    return tuple(sorted(kept))
