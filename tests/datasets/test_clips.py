"""Which clips are drawn, what stands where there is no video, and how two are mixed."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from extras import needs

torch = needs("torch")

from touchline.datasets.augment import Augmentation, prepare_batch  # noqa: E402
from touchline.datasets.centres import CentreRules, centre_weights  # noqa: E402
from touchline.datasets.clips import (  # noqa: E402
    ClipDataset,
    ClipRules,
    ClipSampler,
    LabelledVideo,
    read_clip,
    start_range,
)
from touchline.datasets.targets import FrameLabels  # noqa: E402
from touchline.errors import ConfigError  # noqa: E402

PLAIN = Augmentation(flip=0, hue=0, saturation=0, brightness=0, contrast=0, blur=0)


@dataclass(frozen=True)
class Numbered:
    """Frames whose pixels are their number, from 1."""

    num_frames: int
    readable: int | None = None

    def read(self, start: int, count: int) -> np.ndarray:
        end = min(start + count, self.num_frames if self.readable is None else self.readable)
        numbers = np.arange(start, max(start, end)) + 1
        return np.broadcast_to(numbers[:, None, None, None], (len(numbers), 2, 2, 3)).astype("u1")


def video(num_frames: int, *events: tuple[int, int]) -> LabelledVideo:
    table = np.array(events, np.int64).reshape(-1, 2)
    return LabelledVideo("v", Numbered(num_frames), FrameLabels(table[:, 0], table[:, 1]))


def test_clips_begin_up_to_five_before_and_end_up_to_four_behind_a_video():
    assert start_range(100, 20) == range(-5, 85)
    assert start_range(10, 100) == range(-5, -4)


def test_every_beginning_is_drawn_alike():
    clips = ClipDataset([video(30)], ClipRules(10), seed=3)
    rng = np.random.default_rng(0)
    starts = np.bincount([clips.draw(rng)[1] + 5 for _ in range(6000)])
    assert len(starts) == len(start_range(30, 10)) == 30
    assert starts.min() > 130 and starts.max() < 270  # 200 expected, spread 14


def test_videos_are_drawn_by_their_length():
    clips = ClipDataset([video(30), video(90)], ClipRules(10), seed=3)
    rng = np.random.default_rng(0)
    longer = sum(clips.draw(rng)[0] is clips.videos[1] for _ in range(4000))
    assert longer / 4000 == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (-5, [0, 0, 0, 0, 0, 1, 2, 3]),
        (0, [1, 2, 3, 4, 5, 6, 7, 8]),
        (6, [7, 8, 9, 10, 0, 0, 0, 0]),
        (12, [0] * 8),
    ],
)
def test_missing_frames_are_black_and_marked(start, expected):
    pixels, valid = read_clip(Numbered(10), start, 8)
    assert pixels.shape == (8, 2, 2, 3)
    assert pixels[:, 0, 0, 0].tolist() == expected
    assert valid.tolist() == [float(number > 0) for number in expected]


def test_a_video_that_ends_early_is_padded():
    pixels, valid = read_clip(Numbered(10, readable=4), 2, 6)
    assert pixels[:, 1, 1, 2].tolist() == [3, 4, 0, 0, 0, 0]
    assert valid.tolist() == [1, 1, 0, 0, 0, 0]


def test_a_clip_follows_from_seed_and_number_alone():
    make = [ClipDataset([video(50, (9, 1))], ClipRules(8, mixup_alpha=0.2), s) for s in (1, 1, 2)]
    items = [clips[7] for clips in make]
    assert all(torch.equal(items[0][key], items[1][key]) for key in items[0])
    assert not all(torch.equal(items[0][key], items[2][key]) for key in items[0])


def test_clips_on_events_show_one():
    clips = ClipDataset([video(200, (100, 2))], ClipRules(8, foreground_share=1.0), seed=0)
    for number in range(50):
        assert 2 in clips[number]["classes"]


def test_balanced_classes_come_by_the_root_of_their_count():
    events = [(i, 1) for i in range(90)] + [(150 + i, 2) for i in range(10)]
    rules = ClipRules(1, foreground_share=1.0, balance="classes")
    clips = ClipDataset([video(200, *events)], rules, seed=0)
    rng = np.random.default_rng(0)
    rare = sum(clips.draw(rng)[1] >= 150 for _ in range(4000)) / 4000
    assert rare == pytest.approx(10**0.5 / (10**0.5 + 90**0.5), abs=0.03)


def test_middles_are_drawn_by_their_weight_and_every_video_as_often():
    hard = np.zeros(40)
    hard[30] = 1
    videos = [replace(video(40, (12, 1)), predicted=hard), video(4000, (9, 1))]
    rules = CentreRules(near=1, cleared=3)
    clips = ClipDataset(videos, ClipRules(9, centres=rules), seed=0)
    rng = np.random.default_rng(0)
    drawn = [clips.draw(rng) for _ in range(4000)]
    middles = np.bincount([start + 4 for one, start in drawn if one is clips.videos[0]])
    shares = middles / middles.sum()
    assert middles.sum() / 4000 == pytest.approx(0.5, abs=0.03)
    weights = centre_weights(videos[0].labels, 40, rules, hard)
    assert shares[30] == pytest.approx(weights[30], abs=0.03) and weights[30] > 0.12
    assert shares[11:14].sum() == pytest.approx(0.5, abs=0.04)


def test_a_clip_about_the_end_of_a_video_reaches_no_further_than_others():
    rules = ClipRules(31, centres=CentreRules(near=0, share=1))
    for frame, start in ((0, -5), (39, 40 + 4 - 31)):
        clips = ClipDataset([video(40, (frame, 1))], rules, seed=0)
        assert {clips.draw(np.random.default_rng(i))[1] for i in range(9)} == {start}


def test_the_share_of_mixup_is_beta_distributed():
    clips = ClipDataset([video(9, (4, 1))], ClipRules(1, mixup_alpha=0.2), seed=0)
    shares = np.array([float(clips[number]["share"]) for number in range(3000)])
    assert shares.mean() == pytest.approx(0.5, abs=0.03)
    assert shares.var() == pytest.approx(0.25 / 1.4, rel=0.05)  # of Beta(a, a): 1 / (4 (2a + 1))


def test_mixing_is_linear_in_pictures_and_targets():
    clips = ClipDataset([video(50, (9, 1), (30, 2))], ClipRules(40, mixup_alpha=0.2), seed=5)
    batch = {key: value[None] for key, value in clips[0].items()}
    mixed, targets = prepare_batch(batch, PLAIN, 3)
    first, _ = prepare_batch({k: batch[k] for k in ("frames", "valid", "classes")}, PLAIN, 3)
    other = {k: batch[f"other_{k}"] for k in ("frames", "valid", "classes")}
    second, classes = prepare_batch(other, PLAIN, 3)
    share = float(batch["share"])
    torch.testing.assert_close(mixed, share * first + (1 - share) * second)
    torch.testing.assert_close(targets.sum(-1), torch.ones(1, 40))
    own = torch.nn.functional.one_hot(batch["classes"], 3).float()
    others = torch.nn.functional.one_hot(classes, 3).float()
    torch.testing.assert_close(targets, share * own + (1 - share) * others)


def test_padding_is_black_or_the_mean_colour():
    clips = ClipDataset([video(4)], ClipRules(8), seed=0)
    batch = {key: value[None] for key, value in clips[0].items()}
    missing = batch["valid"][0] == 0
    assert missing.any()
    black, _ = prepare_batch(batch, PLAIN, 3)
    mean, _ = prepare_batch(batch, replace(PLAIN, padding="mean"), 3)
    assert (mean[0, missing] == 0).all() and (black[0, missing] < -1.7).all()


def test_processes_and_epochs_share_out_the_running_numbers():
    samplers = [ClipSampler(12, rank, 3) for rank in range(3)]
    for epoch in range(2):
        for sampler in samplers:
            sampler.set_epoch(epoch)
        dealt = [number for sampler in samplers for number in sampler]
        assert sorted(dealt) == list(range(12 * epoch, 12 * epoch + 12))


def test_nothing_to_draw_from_is_refused():
    with pytest.raises(ConfigError, match="no video"):
        ClipDataset([], ClipRules(8), seed=0)
    with pytest.raises(ConfigError, match="no event"):
        ClipDataset([video(9)], ClipRules(8, foreground_share=0.5), seed=0)
