"""Every command of docs/coming_from.md is one that touchline has, and does what stands there."""

import dataclasses
import itertools
import json
import re
import shlex
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
import typer
from extras import needs
from small_videos import write_video

from touchline.systems import SYSTEMS, load_part
from touchline.training.config import load_recipe, recipe_names
from touchline.training.options.common import Group

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/coming_from.md"
COMMANDS = sorted(set(re.findall(r"`(touchline [^`\n]+)`", PAGE.read_text(encoding="utf-8"))))
SUMMARY = "touchline train NAME --show", "touchline reproduce NAME --data SOCCERNET"
PLACEHOLDERS = {"touchline models pull NAME", "touchline models list", *SUMMARY}

GAME = "england_efl/2019-2020/2019-10-01 - 20-00 Home 1 - 0 Away"
OTHER = "england_efl/2019-2020/2019-10-08 - 20-00 Away 2 - 2 Home"

NOT_HERE = re.compile(
    r"models (pull|import)|dataset download [A-Z]|serve|reproduce|--pull|resnet152|vggish|--fuse"
    r"|predict calf-grounding"
)
"""What needs published weights, a connection or a run of hours, or does not end by itself."""

RUN = [
    command
    for command in COMMANDS
    if not NOT_HERE.search(command) and " train " not in command and command not in PLACEHOLDERS
]
TRAIN = [command for command in COMMANDS if command.startswith("touchline train ")]


def words_of(command):
    return shlex.split(command)[1:]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_and_its_options_exist(call, command, monkeypatch):
    monkeypatch.setattr(typer.core.TyperCommand, "invoke", lambda self, context: None)
    assert call(*words_of(command)).code == 0


def test_an_option_that_does_not_exist_is_noticed(call, monkeypatch):
    monkeypatch.setattr(typer.core.TyperCommand, "invoke", lambda self, context: None)
    assert call("evaluate", "LABELS", "PREDICTIONS", "--nowhere").code == 2
    assert call("extract", "SOCCERNET", "--features", "fft", "--engine", "none").code == 2


@pytest.mark.parametrize("command", [one for one in TRAIN if one not in PLACEHOLDERS])
def test_the_recipe_and_its_values_exist(call, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = words_of(command)
    recipe = words[1]
    if recipe not in recipe_names():
        Path(recipe).mkdir(parents=True)
        Path(recipe, "recipe.yaml").write_text(load_recipe("demo").to_yaml())
    ended = call(*words, "--show")
    assert ended.code == 0 and "system:" in ended.out, ended
    settings = [after for before, after in itertools.pairwise(words) if before == "--set"]
    chosen = load_recipe(recipe, settings)
    assert sorted(keys_unknown_to_the_system(chosen)) == []


def keys_unknown_to_the_system(recipe):
    """Of the groups that a system of features checks only when a run begins."""
    row = SYSTEMS[recipe.system]
    if row.reads == "video":
        return set()
    needs("torch")
    config = {field.name for field in dataclasses.fields(load_part(row.config))}
    modules = {kind.__module__ for kind in load_part(row.task).__mro__}
    groups = [thing for name in modules for thing in groups_of(name)]
    clips = {field for group in groups for field in group.model_fields}
    return (set(recipe.network) - config) | (set(recipe.clips) - clips)


def groups_of(module):
    """The groups of options that a module defines."""
    things = vars(sys.modules[module]).values()
    kinds = [thing for thing in things if isinstance(thing, type) and issubclass(thing, Group)]
    return [kind for kind in kinds if kind.__module__ == module]


@pytest.mark.parametrize(
    ("recipe", "value"), [("netvlad++", "network.nowhere=1"), ("calf", "clips.nowhere=1")]
)
def test_a_value_that_does_not_exist_is_noticed(recipe, value):
    assert keys_unknown_to_the_system(load_recipe(recipe, [value])) == {"nowhere"}


def annotation(half, seconds, label, **more):
    clock = f"{half} - {seconds // 60:02d}:{seconds % 60:02d}"
    return {"gameTime": clock, "label": label, "position": str(1000 * seconds), **more}


def prediction(half, seconds, label, **more):
    found = annotation(half, seconds, label, **more)
    return {**found, "half": str(half), "confidence": "0.9"}


def write(path, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def write_results(root, game, predictions):
    write(root / game / "results_spotting.json", {"UrlLocal": game, "predictions": predictions})


def write_soccernet(root, video):
    for game in (GAME, OTHER):
        for half in (1, 2):
            (root / game).mkdir(parents=True, exist_ok=True)
            shutil.copy(video, root / game / f"{half}_224p.mkv")
        more = {"team": "home", "visibility": "visible"}
        found = [annotation(1, 2, "Goal", **more), annotation(2, 3, "Corner", **more)]
        write(root / game / "Labels-v2.json", {"UrlLocal": game, "annotations": found})
    for split, game in {"train": OTHER, "valid": OTHER, "test": GAME, "challenge": GAME}.items():
        write(root / f"{split}.json", [game])


def write_ball(root, video):
    (root / GAME).mkdir(parents=True)
    shutil.copy(video, root / GAME / "720p.mkv")
    more = {"team": "left", "visibility": "visible"}
    found = [annotation(1, 2, "PASS", **more), annotation(1, 4, "DRIVE", **more)]
    write(root / GAME / "Labels-ball.json", {"UrlLocal": GAME, "annotations": found})
    write(root / "test.json", [GAME])


def write_predictions(root):
    both = [prediction(1, 2, "Goal"), prediction(2, 3, "Corner")]
    for name in ("predictions", "predictions-b"):
        for game in (GAME, OTHER):
            write_results(root / name, game, both)
    with zipfile.ZipFile(root / "predictions.zip", "w") as archive:
        for game in (GAME, OTHER):
            path = root / "predictions" / game / "results_spotting.json"
            archive.write(path, f"{game}/results_spotting.json")
    for name, label in (("visual", "Corner"), ("other", "Goal")):
        write_results(root / name, GAME, [prediction(half, 2, label) for half in (1, 2)])
    for name in ("predictions-ball", "predictions-ball-b"):
        write_results(root / name, GAME, [prediction(1, 2, "PASS", team="left")])


def write_older_and_other(root):
    """SoccerNet-v1, replays, and files of E2E-Spot."""
    labels = [annotation(1, 2, "soccer-ball")]
    write(root / "V1" / GAME / "Labels.json", {"UrlLocal": GAME, "annotations": labels})
    write_results(root / "predictions-v1", GAME, [prediction(1, 2, "soccer")])
    link = {"half": "1", "label": "Goal", "time": "00:02"}
    shot = {**annotation(1, 10, "", replay="replay"), "link": link}
    write(root / "REPLAYS" / GAME / "Labels-cameras.json", {"annotations": [shot]})
    found = {"half": 1, "start": 5, "end": 10, "detection": [{"time": 2, "score": 0.9}]}
    write(root / "replays" / GAME / "results_grounding.json", {"Replays": [found]})
    video = {"video": f"{GAME}/1", "fps": 25.0, "num_frames": 150, "width": 96, "height": 64}
    event = {"frame": 50, "label": "Goal", "comment": "home; visible"}
    write(root / "labels-e2e.json", [{**video, "num_events": 1, "events": [event]}])
    event = {"frame": 51, "label": "Goal", "score": 0.9}
    write(
        root / "predictions-e2e.json", [{"video": video["video"], "fps": 25.0, "events": [event]}]
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """Everything that the page's commands name."""
    root = tmp_path_factory.mktemp("prepared")
    video = write_video(root / "match.mkv", 150)
    write_soccernet(root / "SOCCERNET", video)
    write_ball(root / "BALL", video)
    write_predictions(root)
    write_older_and_other(root)
    shutil.copytree(ROOT / "touchline/zoo/models/demo", root / "RUN")
    events = {
        "format": "touchline-events",
        "version": 1,
        "video": {"name": "match.mkv", "duration": 6.0, "frame_rate": "25/1"},
        "labels": "soccernet-v2",
        "events": [{"time": 2.0, "label": "Goal", "confidence": 0.9}],
    }
    write(root / "match.events.json", events)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("command", RUN)
def test_the_command_does_it(call, prepared, command, tmp_path, monkeypatch):
    shutil.copytree(prepared, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    ended = call(*words_of(command))
    assert ended.code == 0, ended
    for option in ("-o", "--out", "--challenge", "--fit-pca"):
        if option in words_of(command):
            place = words_of(command)[words_of(command).index(option) + 1]
            assert Path(place).exists(), ended


def test_most_commands_can_be_run_or_are_recipes():
    assert len(RUN) >= 50 and len(TRAIN) >= 30
