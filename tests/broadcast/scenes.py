"""Scenes as thumbnails: shots of nothing in particular, cut, dissolved and wiped."""

import numpy as np

SIZE = (36, 64)
RATE = 25
PANEL = 99


def scene(seed: int, frames: int, pan: float = 0.15) -> np.ndarray:
    """(frames, 36, 64, 3) a camera that moves slowly over something with structure."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 215, (5, 12, 3)).astype(float)
    coarse[..., 1:] = 128 + (coarse[..., 1:] - 128) * 0.3
    wide = coarse.repeat(10, 0).repeat(12, 1)
    wide = sum(np.roll(wide, k, axis=0) for k in range(-3, 4)) / 7
    wide = sum(np.roll(wide, k, axis=1) for k in range(-3, 4)) / 7
    grain = rng.normal(0, 2, (8, *SIZE, 3))
    out = np.empty((frames, *SIZE, 3), np.uint8)
    for frame in range(frames):
        left, between = divmod(8 + frame * pan % 64, 1)
        rows = wide[8 : 8 + SIZE[0]]
        here, next_ = (rows[:, int(left) + k :][:, : SIZE[1]] for k in (0, 1))
        picture = here * (1 - between) + next_ * between
        out[frame] = np.clip(picture + grain[frame % 8], 0, 255)
    return out


def programme(lengths: list[int], seed: int = 0) -> tuple[np.ndarray, list[float]]:
    """Shots of given lengths in frames one after the other, and the seconds of their cuts."""
    shots = [scene(seed + k, length) for k, length in enumerate(lengths)]
    cuts = np.cumsum(lengths)[:-1] / RATE
    return np.concatenate(shots), [float(cut) for cut in cuts]


def dissolve(first: np.ndarray, second: np.ndarray, frames: int) -> np.ndarray:
    """The end of one shot blended into the beginning of another one."""
    share = (np.arange(1, frames + 1) / (frames + 1))[:, None, None, None]
    mixed = first[-frames:] * (1 - share) + second[:frames] * share
    return np.concatenate([first[:-frames], mixed.astype(np.uint8), second[frames:]])


def with_wipe(pictures: np.ndarray, middle: int, design: int, frames: int = 18) -> None:
    """Draw a wipe over pictures, in place: a disc, a band or doors, coloured by design."""
    rng = np.random.default_rng(1000 + design)
    colours = np.stack([rng.integers(60, 230, 3), rng.integers(60, 230, 3)])
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    for k in range(frames):
        place = middle - frames // 2 + k
        if not 0 <= place < len(pictures):
            continue
        progress = (k + 0.5) / frames
        if design == PANEL:  # closes fast, stays a while, opens fast
            reach = min(1.0, 5 * min(progress, 1 - progress)) * SIZE[1]
            inside = columns < reach if progress < 0.5 else columns >= SIZE[1] - reach
        elif design % 3 == 0:  # a disc that rolls through
            centre = -16 + progress * (SIZE[1] + 32)
            inside = (columns - centre) ** 2 + (rows - 18) ** 2 < 17**2
        elif design % 3 == 1:  # a slanting band
            front = columns + 0.5 * rows - progress * 2.2 * SIZE[1] + 20
            inside = (front < 0) & (front > -60)
        else:  # doors that close and open
            reach = (1 - abs(2 * progress - 1)) * 1.2 * SIZE[1] / 2
            inside = (columns < reach) | (columns >= SIZE[1] - reach)
        turn = 0 if design == PANEL else k // 3
        pattern = ((columns // 6 + rows // 6 + turn) % 2).astype(int)
        pictures[place][inside] = colours[pattern[inside]]


def show(observer, pictures: np.ndarray, rate: float = RATE, start: float = 0.0) -> None:
    """Let an observer see pictures."""
    for place, picture in enumerate(pictures):
        observer.see(start + place / rate, picture)
