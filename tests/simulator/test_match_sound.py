"""The sound: what is heard, exactly when, and the same each time."""

from dataclasses import replace

import numpy as np
import pytest

from touchline.events import Event
from touchline.simulator import audio, crowd
from touchline.simulator.audio import render_audio
from touchline.simulator.presentation import Presentation
from touchline.simulator.script import Action, HalfScript, Kit, Line, MatchScript, Team

RATE = 48000
KIT = Kit((200, 0, 0), (255, 255, 255), (255, 255, 255), (0, 0, 0))
TEAM = Team("North End", "NOE", KIT, KIT, ())


def match_of(seconds=20.0, actions=(), events=(), commentary=(), clutter_seed=5):
    half = HalfScript(
        number=1,
        seconds=seconds,
        actions=tuple(actions),
        events=tuple(events),
        ball_events=(),
        shots=(),
        graphics=(),
        score_changes=((0.0, 0, 0),),
        commentary=tuple(commentary),
    )
    return MatchScript("league/season/game", 1, TEAM, TEAM, KIT, (half,), clutter_seed)


def sound(script, rate=RATE):
    return np.concatenate(list(render_audio(script, script.halves[0], rate)))


def action(seconds, kind, at=(0.0, 20.0)):
    return Action(seconds, kind, 0, 5, at)


def level(samples, start, end, rate=RATE):
    part = samples[int(start * rate) : int(end * rate)]
    return 20 * np.log10(np.sqrt(np.mean(part**2)))


def band(samples, low, high):
    """The samples with only the frequencies from low to high, in hertz, left."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    spectrum[(hertz < low) | (hertz > high)] = 0
    return np.fft.irfft(spectrum, len(samples))


@pytest.mark.parametrize("rate", [48000, 44100, 16000])
@pytest.mark.parametrize("seconds", [0.04, 1.2, 7.36])
def test_length_and_range(rate, seconds):
    samples = sound(match_of(seconds), rate)
    assert samples.dtype == np.float32
    assert samples.shape == (round(seconds * rate),)
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1


def test_same_seed_same_sound():
    script = match_of(actions=[action(3.0, "shot")], commentary=[Line(5.0, 8.0, "What a save!")])
    assert np.array_equal(sound(script), sound(script))
    assert not np.array_equal(sound(script), sound(replace(script, clutter_seed=6)))


@pytest.mark.parametrize("kind", ["whistle", "pass", "shot", "goal-kick", "header"])
@pytest.mark.parametrize("seconds", [2.0, 4.76, 8.12])
def test_actions_are_heard_from_their_very_sample(kind, seconds, monkeypatch):
    # Else the crowd, which swells before a shot, gives it away.
    monkeypatch.setattr(audio, "excitement", lambda half, seconds: np.full(len(seconds), 0.2))
    without, with_it = sound(match_of()), sound(match_of(actions=[action(seconds, kind)]))
    heard = np.flatnonzero(np.abs(with_it - without) > 1e-4)
    assert abs(heard[0] / RATE - seconds) < 0.001


def test_a_whistle_stands_out_of_the_crowd_at_its_onset():
    times = [4.0, 9.48, 13.2]
    samples = band(sound(match_of(actions=[action(t, "whistle") for t in times])), 2500, 5500)
    loudness = np.convolve(np.abs(samples), np.ones(48) / 48, mode="same")
    for seconds in times:
        begin = int((seconds - 0.3) * RATE)
        window = loudness[begin : begin + int(0.6 * RATE)]
        onset = np.flatnonzero(window > 0.4 * window.max())[0] + begin
        assert abs(onset / RATE - seconds) < 0.001


def test_a_half_ends_with_three_blasts():
    samples = band(sound(match_of(actions=[action(16.0, "whistle-long")])), 3500, 4200)
    envelope = np.abs(samples[16 * RATE : 19 * RATE]).reshape(-1, 480).max(axis=1)
    blowing = envelope > 0.3 * envelope.max()
    assert np.count_nonzero(np.diff(blowing.astype(int)) == -1) == 3


def test_harder_strikes_are_louder():
    def loudness(kind):
        difference = sound(match_of(actions=[action(3.0, kind)])) - sound(match_of())
        return np.abs(difference).max()

    assert loudness("shot") > 1.5 * loudness("high-pass") > 3 * loudness("pass") > 0


def test_a_goal_is_roared_at_and_fades_slowly():
    script = match_of(40.0, events=[Event(10.0, "Goal", team="home", visibility="visible")])
    samples = sound(script)
    calm = level(samples, 4, 9.5)
    assert level(samples, 10.6, 13) > calm + 9
    assert level(samples, 16, 18) > calm + 4
    assert level(samples, 10.6, 13) > level(samples, 20, 24) > level(samples, 32, 38)


def test_the_home_crowd_is_the_louder():
    goals = {
        team: level(sound(match_of(events=[Event(10.0, "Goal", team=team)])), 10.6, 13)
        for team in ("home", "away")
    }
    assert goals["home"] > goals["away"] + 2


def test_a_miss_is_groaned_at():
    plain = sound(match_of())
    miss = sound(match_of(events=[Event(10.0, "Shots off target", team="home")]))
    low, high = (level(band(miss, *b), 10.3, 12) - level(band(plain, *b), 10.3, 12) for b in
                 ((250, 1000), (4500, 8000)))  # fmt: skip
    assert low > 6 > 3 > high


def test_commentary_is_heard_while_it_is_spoken():
    script = match_of(commentary=[Line(6.0, 10.0, "A fine ball over the top, and he is in!")])
    added = sound(script) - sound(match_of())
    assert level(added, 6, 10) > -35
    assert not added[: 6 * RATE].any()
    assert not added[10 * RATE :].any()


def test_sound_does_not_depend_on_what_is_shown():
    unseen = Event(10.0, "Foul", team="home", visibility="not shown")
    script = match_of(actions=[action(10.0, "whistle")], events=[unseen])
    shown = match_of(
        actions=[action(10.0, "whistle")], events=[replace(unseen, visibility="visible")]
    )
    assert np.array_equal(sound(script), sound(shown))


def half_of(events, seconds=1200.0):
    return match_of(seconds, events=events).halves[0]


def answers_to(events, seed, seconds=1200.0):
    half = half_of(events, seconds)
    return list(crowd.late_answers(half, (), np.random.default_rng(seed)))


def test_the_classic_crowd_answers_at_once_and_always():
    events = [Event(10.0 * k, "Corner", team="home") for k in range(1, 20)]
    delays = [a.seconds - e.seconds for a, e in
              zip(crowd.prompt_answers(half_of(events)), events, strict=True)]  # fmt: skip
    assert delays == pytest.approx([crowd.REACTION_SECONDS] * 19)


@pytest.mark.parametrize("label", ["Goal", "Offside", "Shots off target", "Yellow card"])
def test_the_broadcast_crowd_is_late_by_chance_and_at_times_silent(label):
    events = [Event(25.0 * k, label, team="away") for k in range(1, 45)]
    heard = [a for seed in range(3) for a in answers_to(events, seed)]
    unasked = [a for seed in range(3) for a in answers_to([], seed)]
    answered = len(heard) - len(unasked)
    assert 0.15 * 3 * 44 < answered < 0.9 * 3 * 44
    delays = np.array([a.seconds % 25.0 for a in heard])
    soon = delays[delays < 6]
    assert np.ptp(soon) > 2 and soon.std() > 0.4


def test_the_broadcast_crowd_answers_nothing_too_and_at_times_roars():
    answers = [a for seed in range(6) for a in answers_to([], seed)]
    assert len(answers) > 6 * 20
    loudest = [max(answer.levels) for answer in answers]
    assert sum(level > 0.4 for level in loudest) > 6
    assert all(0 <= level <= 1 for answer in answers for level in answer.levels)


def test_the_same_mood_may_answer_anything():
    """No class has a mixture of its own: each mood leads for each class now and then."""
    for label in ("Corner", "Yellow card", "Shots off target"):
        events = [Event(12.0 * k, label, team="home") for k in range(1, 95)]
        leading = {int(np.argmax(a.levels)) for seed in range(4) for a in answers_to(events, seed)}
        assert leading == {0, 1, 2, 3}


def test_a_broadcast_has_its_whistles_on_their_very_sample():
    times = [4.0, 9.48, 13.2]
    script = match_of(actions=[action(t, "whistle") for t in times])
    samples = np.concatenate(list(render_audio(script, script.halves[0], RATE, Presentation())))
    plain = np.concatenate(list(render_audio(match_of(), match_of().halves[0], RATE,
                                             Presentation())))  # fmt: skip
    for seconds in times:
        around = slice(int((seconds - 0.3) * RATE), int((seconds + 0.2) * RATE))
        heard = np.flatnonzero(np.abs(band(samples - plain, 2500, 5500))[around] > 0.01)
        assert abs(heard[0] / RATE - 0.3) < 0.002


def test_a_whistle_lasts_as_chance_will_have_it():
    lengths = {crowd.blasts_of(action(t, "whistle"), (5, 1))[0] for t in np.arange(10.0, 60.0, 2.0)}
    assert len(lengths) == 25 and max(lengths) > 2 * min(lengths)
    assert len(crowd.blasts_of(action(16.0, "whistle-long"), (5, 1))) == 3


def test_same_seed_same_broadcast_sound():
    script = match_of(8.0, events=[Event(2.0, "Goal", team="home")])
    once, again = (
        np.concatenate(list(render_audio(script, script.halves[0], 16000, Presentation())))
        for _ in range(2)
    )
    assert np.array_equal(once, again)
