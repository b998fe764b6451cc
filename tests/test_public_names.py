"""What ``import touchline`` gives, and what it leaves alone."""

import subprocess
import sys

import pytest

import touchline

HEAVY = (
    "av", "numpy", "openvino", "torch", "timm", "lightning", "typer", "rich", "pydantic", "PIL",
    "opentimelineio", "pandas", "fastapi", "ray",
)  # fmt: skip

DESIGN = ("load", "highlights", "write", "read", "Event", "Timeline", "Reel")


def test_importing_loads_no_framework():
    program = f"import sys, touchline; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_the_domain_needs_numbers_only():
    program = (
        "import sys, touchline; touchline.Event, touchline.Reel, touchline.InputError;"
        f"print([m for m in {HEAVY!r} if m in sys.modules and m != 'numpy'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[]\n")


def test_a_reel_of_the_domain_alone_writes_itself(tmp_path):
    program = (
        "import sys; from touchline.reel import Clip, Reel;"
        "reel = Reel((Clip('match.mp4', 1.0, 2.0),));"
        "print([m for m in sys.modules if m in ('touchline.pipeline', 'touchline.formats')]);"
        f"reel.write({str(tmp_path / 'match.reel.json')!r})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    assert len(touchline.read(tmp_path / "match.reel.json")) == 1


@pytest.mark.parametrize("name", touchline.__all__)
def test_every_public_name_is_there_and_documented(name):
    thing = getattr(touchline, name)
    assert name in dir(touchline)
    if callable(thing):
        assert thing.__doc__


def test_the_list_of_names_is_the_table_of_their_homes():
    assert set(touchline.__all__) == {*touchline._HOMES, "__version__"}
    assert set(DESIGN) <= set(touchline.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'highlight'"):
        touchline.highlight  # noqa: B018


def test_the_function_is_not_hidden_by_a_module():
    from touchline import highlights, pipeline

    assert callable(highlights) and highlights is pipeline.highlights
