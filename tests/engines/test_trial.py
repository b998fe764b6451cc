"""A trial takes the fastest way, once; what cannot be trusted of an earlier one is tried again."""

import json

import pytest

from touchline.engines import trial as module
from touchline.engines.trial import trial

FACTS = {"files": {"picture.onnx": "0" * 64}, "threads": None}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class Machine:
    """A clock that moves only while something runs on it."""

    def __init__(self, **seconds):
        self.now, self.opened = 0.0, []
        self.ways = {name: self._way(name, taken) for name, taken in seconds.items()}

    def _way(self, name, taken):
        def opened():
            self.opened.append(name)
            return run

        def run():
            self.now += taken

        return opened

    def trial(self, facts=FACTS):
        return trial("model x", facts, self.ways, clock=lambda: self.now)


@pytest.mark.parametrize(
    ("seconds", "fastest"),
    [({"fp32": 0.3, "int8": 0.2}, "int8"), ({"fp32": 0.2, "bf16": 0.1, "int8": 0.3}, "bf16")],
)
def test_the_fastest_is_taken_and_remembered(seconds, fastest, caplog):
    caplog.set_level("INFO")
    first = Machine(**seconds).trial()
    assert first.fastest == fastest
    assert dict(first.seconds) == pytest.approx(seconds)
    assert f"{fastest} is the fastest here" in caplog.text
    again = Machine(**dict.fromkeys(seconds, 1.0))
    assert again.trial() == first and not again.opened


def test_what_it_depends_on_is_tried_anew(monkeypatch):
    Machine(fp32=2, int8=1).trial()
    for facts in ({**FACTS, "threads": 1}, {**FACTS, "files": {"picture.onnx": "1" * 64}}):
        machine = Machine(fp32=1, int8=2)
        assert machine.trial(facts).fastest == "fp32"
    machine = Machine(fp32=3, bf16=1, int8=2)
    assert machine.trial().fastest == "bf16"
    monkeypatch.setattr(module, "processor", lambda: "another")
    machine = Machine(fp32=1, int8=2)
    assert machine.trial().fastest == "fp32"


@pytest.mark.parametrize(
    "change",
    [
        lambda told: "{",
        lambda told: "[]",
        lambda told: json.dumps({**told, "format": "other"}),
        lambda told: json.dumps({**told, "facts": {}}),
        lambda told: json.dumps({**told, "seconds": {"fp32": 1}}),
        lambda told: json.dumps({**told, "seconds": {"fp32": -1, "int8": 1}}),
        lambda told: json.dumps({**told, "seconds": {"fp32": "fast", "int8": 1}}),
        lambda told: json.dumps({**told, "seconds": [1, 2]}),
    ],
)
def test_a_memory_that_cannot_be_right_is_ignored(home, change):
    Machine(fp32=1, int8=2).trial()
    [path] = (home / "trials").iterdir()
    path.write_text(change(json.loads(path.read_text())))
    machine = Machine(fp32=2, int8=1)
    assert machine.trial().fastest == "int8" and machine.opened == ["fp32", "int8"]
    assert Machine(fp32=1, int8=2).trial().fastest == "int8"  # which is remembered instead


def test_where_nothing_can_be_kept_it_is_tried_every_time(home):
    home.write_text("a file")
    for _ in range(2):
        machine = Machine(fp32=2, int8=1)
        assert machine.trial().fastest == "int8" and machine.opened


def test_a_slow_network_passes_twice_only():
    machine = Machine(fp32=10, int8=20)
    machine.trial()
    assert machine.now == 2 * 10 + 2 * 20
