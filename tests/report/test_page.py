"""The report: one file that asks nothing of the network and takes nothing given for markup."""

import base64
import io
import re
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_videos import cut_off, picture, write_video

from touchline.errors import InputError, MediaError
from touchline.events import Event, Producer, Timeline, Video
from touchline.labels import BROADCAST, SOCCERNET_V2, LabelSet
from touchline.reel import Clip, Reel
from touchline.report import page as module
from touchline.report.page import write_report
from touchline.scores import Scores

HOSTILE = (
    """</script><script>document.title='x'</script><img src=x onerror="alert(1)"> & 'quotes' $x"""
)


class Document(HTMLParser):
    """The elements of a page, and the texts in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)

    def named(self, tag: str, kind: str | None = None) -> list[dict[str, str | None]]:
        """Attributes of the elements of this name and class."""
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and (kind is None or kind in (attributes.get("class") or "").split())
        ]


def written(timeline: Timeline, tmp_path: Path, **options) -> tuple[str, Document]:
    path = tmp_path / "report.html"
    write_report(timeline, path, **options)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("report")] == ["report.html"]
    text = path.read_text(encoding="utf-8")
    return text, Document(text)


def spotted(model: str | None, labels: LabelSet | None = None) -> Timeline:
    """A goal with a curve, or a highlight with one where only a broadcast was read."""
    label = "Highlight" if labels == BROADCAST else "Goal"
    one = LabelSet("one", (label,))
    return Timeline(
        Video("a.mp4", 9.0),
        (Event(3.0, label, 0.5),),
        labels=labels,
        model=None if model is None else Producer(model),
        scores=None if model is None else Scores(np.ones((9, 1)), np.arange(9.0), one, Fraction(1)),
        extra={"ran": "read by sound"} if model == "auto" else {},
    )


@pytest.fixture
def hostile() -> Timeline:
    """Everything that comes from outside tries to be markup."""
    event = Event(
        3.0, HOSTILE, 0.9, team=HOSTILE, player=HOSTILE, clock=HOSTILE, visibility=HOSTILE,
        note=HOSTILE,
    )  # fmt: skip
    labels = LabelSet("hostile", (HOSTILE, "Goal"))
    curves = Scores(np.full((10, 2), 0.3, np.float32), np.arange(10.0), labels, Fraction(1))
    return Timeline(
        Video(HOSTILE, 10.0, Fraction(25)),
        (event, Event(5.0, "Goal")),
        labels=labels,
        model=Producer(HOSTILE, HOSTILE),
        warnings=(HOSTILE,),
        scores=curves,
    )


def test_what_comes_from_outside_is_text_and_nothing_else(hostile, tmp_path):
    reel = Reel((Clip(HOSTILE, 1, 6, events=hostile.events, title=HOSTILE),))
    text, document = written(hostile, tmp_path, reel=reel)
    plain = Timeline(
        Video("match.mp4", 10.0, Fraction(25)),
        tuple(
            Event(e.seconds, label, e.confidence, team="x", player="x", clock="x", note="x")
            for e, label in zip(hostile, ("Foul", "Goal"), strict=True)
        ),
        labels=LabelSet("plain", ("Foul", "Goal")),
        model=Producer("x", "x"),
        warnings=("x",),
        scores=Scores(
            hostile.scores.values, hostile.scores.seconds, LabelSet("plain", ("Foul", "Goal")),
            Fraction(1),
        ),
    )  # fmt: skip
    twin = Reel((Clip("x", 1, 6, events=plain.events, title="x"),))
    _, expected = written(plain, tmp_path, reel=twin)
    assert [tag for tag, _ in document.elements] == [tag for tag, _ in expected.elements]
    assert [sorted(a) for _, a in document.elements] == [sorted(a) for _, a in expected.elements]
    assert text.count("<script") == 1
    assert HOSTILE in "".join(document.texts)


def test_what_read_the_video_is_said(tmp_path):
    timeline = Timeline(Video("a.mp4", 9.0), extra={"ran": "read by sound <b>; add more"})
    write_report(timeline, tmp_path / "a.html")
    assert "read by sound &lt;b&gt;; add more" in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize(
    ("timeline", "curve", "confidence"),
    [
        (spotted("auto", BROADCAST), "the curve of excitement", "read, and of a highlight"),
        (spotted("auto", SOCCERNET_V2), "the model's curve", "the model's own, or how surely"),
        (spotted("one"), "the model's curve", "the model's own;"),
        (spotted(None), None, "that of the file of events;"),
    ],
)
def test_curve_and_confidence_are_called_what_they_are(timeline, curve, confidence, tmp_path):
    text, _ = written(timeline, tmp_path)
    for one in ("the model's curve", "the curve of excitement"):
        assert (one in text) == (one == curve)
    assert confidence in text
    assert ("the model's own" in text) == (curve == "the model's curve")
    assert ("model auto" in text) == (timeline.labels == SOCCERNET_V2)


def test_teams_and_score_of_the_broadcast_are_named(tmp_path):
    extra = {"teams": {"home": "ARS", "away": None}, "score": [2, 1]}
    _, document = written(Timeline(Video("a.mp4", 9.0), extra=extra), tmp_path)
    assert "ARS 2-1 ?" in document.texts


@pytest.mark.parametrize("extra", [{"teams": 3, "score": "21"}, {"teams": {"home": [1]}}, {}])
def test_what_is_no_score_is_not_shown(extra, tmp_path):
    _, document = written(Timeline(Video("a.mp4", 9.0), extra=extra), tmp_path)
    assert not document.named("p", "match")


def test_nothing_is_fetched(hostile, tmp_path):
    text, document = written(hostile, tmp_path)
    addresses = [
        value
        for _, attributes in document.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "data", "action", "poster")
    ]
    assert addresses == []
    assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttp|import\(", text)
    (policy,) = (a for a in document.named("meta") if "http-equiv" in a)
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert "default-src 'none'" in policy["content"]
    (script,) = document.named("script")
    assert script == {}  # no data block beside the program


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("report") / "match.mp4", 100)


def thumbnails(document: Document) -> list[np.ndarray]:
    images = [a["src"].removeprefix("data:image/jpeg;base64,") for a in document.named("img")]
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(image)))) for image in images]


def test_each_event_shows_the_picture_of_its_moment(video, tmp_path):
    moments = (0.0, 1.0, 2.52, 3.96)
    timeline = Timeline(Video("match.mp4", 4.0), tuple(Event(at, "Goal") for at in moments))
    _, document = written(timeline, tmp_path, video=video)
    shown = thumbnails(document)
    assert len(shown) == len(moments)
    for at, image in zip(moments, shown, strict=True):
        index = round(at * 25)
        near = [np.abs(image.astype(int) - picture(i)).mean() for i in range(index - 4, index + 1)]
        assert min(near) < 12
        far = picture((index + 10) % 100)
        assert np.abs(image.astype(int) - far).mean() > 1.5 * min(near)


def test_moments_without_a_picture_are_listed_all_the_same(video, tmp_path):
    moments = (-3.0, 2.0, 500.0)
    timeline = Timeline(Video("match.mp4", 4.0), tuple(Event(at, "Goal") for at in moments))
    _, document = written(timeline, tmp_path, video=video)
    assert len(document.named("li", "event")) == 3
    assert len(thumbnails(document)) == 2  # the first frame stands for what is before it


def test_the_most_certain_events_get_the_pictures(video, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_THUMBNAILS", 2)
    events = tuple(Event(0.5 * i, "Goal", 0.1 * i) for i in range(1, 6))
    text, document = written(Timeline(Video("m", 4.0), events), tmp_path, video=video)
    assert len(thumbnails(document)) == 2
    assert text.rindex("<img") > text.index("40%")


def test_a_damaged_video_gives_the_pictures_that_it_has(video, tmp_path):
    part = cut_off(video, tmp_path / "part.mp4", 0.6)
    events = tuple(Event(at, "Goal") for at in (0.5, 3.9))
    _, document = written(Timeline(Video("m", 4.0), events), tmp_path, video=part)
    assert len(thumbnails(document)) == 1


def test_a_file_that_is_no_video_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("no")
    with pytest.raises(MediaError):
        write_report(Timeline(Video("m")), tmp_path / "r.html", video=tmp_path / "text.mp4")
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    "timeline",
    [
        Timeline(Video("nothing.mp4")),
        Timeline(Video("nothing.mp4", 0.04, Fraction(25)), labels=SOCCERNET_V2),
        Timeline(Video("no-length.mp4"), (Event(5, "Goal"),)),
        Timeline(Video("short.mp4", 0.04), (Event(0, "Goal"),)),
        Timeline(Video("odd.mp4", 10), (Event(-5, "Goal", -3.0), Event(90, "Odd", 7.5))),
        Timeline(Video("own.mp4", 10), (Event(1, "Own label"),), labels=SOCCERNET_V2),
        Timeline(Video("long.mp4", 4 * 3600.0), tuple(Event(i, "Goal") for i in range(3000))),
    ],
)
def test_any_timeline_makes_a_page(timeline, tmp_path):
    text, document = written(timeline, tmp_path, reel=Reel(()))
    assert len(document.named("li", "event")) == len(timeline)
    assert "NaN" not in text and "Infinity" not in text
    widths = re.findall(r'"width: (-?\d+)%"', text)
    assert all(0 <= int(width) <= 100 for width in widths)


def test_curves_keep_their_peaks(tmp_path):
    values = np.zeros((50_000, 1), np.float32)
    values[33_333] = 0.75
    labels = LabelSet("one", ("Goal",))
    scores = Scores(values, np.arange(50_000) / 25, labels, Fraction(25))
    timeline = Timeline(Video("m", 2000.0), (Event(1333.3, "Goal", 0.75),), labels, scores=scores)
    text, document = written(timeline, tmp_path)
    (curve,) = document.named("path", "curve")
    heights = [float(y) for y in re.findall(r" (-?[\d.]+)", curve["d"] or "")]
    assert min(heights) == pytest.approx(28 * 0.25, abs=0.1)
    assert len(text) < 60_000


def test_the_reel_is_marked_and_listed(tmp_path):
    goal = Event(50, "Goal")
    reel = Reel((Clip("m", 40, 60, events=(goal,), title="Goal"),))
    text, document = written(Timeline(Video("m", 100), (goal,)), tmp_path, reel=reel)
    (band,) = document.named("rect", "clip")
    assert (band["x"], band["width"]) == ("400.0", "200.00")
    assert len(document.named("li", "clip-card")) == 1
    assert "1 clip, 0:20" in text


@pytest.mark.parametrize("place", ["nowhere/r.html", "file/r.html", "folder"])
def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="cannot be written"):
        write_report(Timeline(Video("m")), tmp_path / place)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_event_shows_match_clock_and_score(tmp_path):
    event = Event(4123.4, "Goal", 0.9, team="home", half=2, clock_seconds=3790.0, score=(1, 0))
    timeline = Timeline(Video("m.mp4", 5400.0), (event, Event(5.0, "Foul", 0.8)))
    reel = Reel((Clip("m.mp4", 4118.0, 4130.0, events=(event,), title="Goal"),))
    _, document = written(timeline, tmp_path, reel=reel)
    assert "Goal at 1:08:43, 2H 63:10, 2-0, 90%" in document.texts
    assert "2H 63:10, 2-0" in document.texts
    assert "90% · 1:08:43 · home" in document.texts
    assert "12.0 s · 2H 63:10, 2-0 · Goal" in document.texts
    assert "Foul at 0:05, 80%" in document.texts


def test_an_event_of_a_half_shows_its_added_time(tmp_path):
    event = Event(2830.0, "Foul", clock_seconds=2830.0)
    _, document = written(Timeline(Video("1.mp4"), (event,), half=1), tmp_path)
    assert "1H 45+2:10" in document.texts
