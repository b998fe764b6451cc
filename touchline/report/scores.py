"""The report of an evaluation: a self-contained HTML page that explains a score.

It opens from disk, has no script, makes no network requests, and escapes all untrusted text.
"""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from touchline.errors import ConfigError
from touchline.metrics.explain import (
    RESAMPLES,
    Calibration,
    ClassExplanation,
    Explanation,
    Interval,
    TimeErrors,
)
from touchline.metrics.matching import BoolArray
from touchline.runtime.atomic import write_text
from touchline.runtime.wording import counted, counted_rate

_WIDTH, _HEIGHT = 300.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 30.0, 292.0, 8.0, 164.0
"""The plotting area inside a picture, in SVG units."""


def write_scores_page(
    explanations: Sequence[Explanation], path: str | Path, *, overwrite: bool = True
) -> None:
    """Write the page for one or more metrics of the same predictions.

    Raises:
        ConfigError: no explanations.
        InputError: the page cannot be written there, or another file is there that must stay.
    """
    page = render_scores(explanations)
    write_text(Path(path), page, overwrite=overwrite)


def render_scores(explanations: Sequence[Explanation]) -> str:
    """The page as text.

    Raises:
        ConfigError: no explanations.
    """
    if not explanations:
        raise ConfigError("no scores to show", remedy="name at least one metric")
    names = ", ".join(explanation.scores.metric for explanation in explanations)
    return Template(_resource("scores.html")).substitute(
        title=escape(f"{names}, {counted(explanations[0].scores.games, 'game')}"),
        style=_resource("page.css") + _resource("scores.css"),
        sections="\n".join(_metric(explanation) for explanation in explanations),
        resamples=RESAMPLES,
    )


def _resource(name: str) -> str:
    return files("touchline.report").joinpath(name).read_text(encoding="utf-8")


def _metric(explanation: Explanation) -> str:
    present = [item for item in explanation.classes if item.annotations]
    scores = explanation.scores
    within = f"±{explanation.within_seconds:g} s"
    return f"""
<section>
  <h2>{escape(scores.metric)}, at {counted_rate(scores.rate, "frame")}</h2>
  {_headline(explanation)}
  {_notes(explanation)}
</section>
<section>
  <div class="bar"><h2>Classes</h2></div>
  {_class_table(explanation)}
</section>
<section>
  <div class="bar"><h2>Precision and recall, within {within}</h2>
  <span class="controls">ring: at {explanation.threshold:g}; dot: at the largest F1</span></div>
  <div class="tiles">{"".join(_curve_tile(item) for item in present)}</div>
</section>
<section>
  <div class="bar"><h2>Time errors of hits</h2>
  <span class="controls">detection minus annotation; solid line: median</span></div>
  <div class="tiles">{"".join(_error_tile(item) for item in present if item.time_errors)}</div>
</section>
<section>
  <div class="bar"><h2>Do scores mean what they say?</h2>
  <span class="controls">share of detections that hit, within {within}</span></div>
  <div class="two"><div class="tile">{_calibration(explanation.calibration)}</div></div>
</section>
<section>
  <div class="bar"><h2>Taken for one another</h2>
  <span class="controls">at {explanation.threshold:g}, within {within}</span></div>
  {_confusion(explanation)}
</section>"""


def _headline(explanation: Explanation) -> str:
    scores, overall = explanation.scores, explanation.overall
    facts = [
        ("official average mAP", _figure(scores.average_map), _range(explanation.interval)),
        (
            "of classes that occur",
            _figure(scores.average_map_present),
            _range(explanation.present_interval),
        ),
        ("every score as threshold", _figure(explanation.exact_average_map), "classes that occur"),
        ("by chance", _figure(explanation.chance), "same scores, random times"),
        (
            f"F1 at {explanation.threshold:g}",
            _figure(overall.f1),
            f"precision {overall.precision:.3f}, recall {overall.recall:.3f}",
        ),
        ("calibration error", _figure(explanation.calibration.error), "0 is best"),
    ]
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{figure}<small>{escape(more)}</small></dd></div>"
        for name, figure, more in facts
    )
    return f'<dl class="headline">{items}</dl>'


def _notes(explanation: Explanation) -> str:
    lines = [f"{text}: {number}" for text, number in explanation.scores.notes.items()]
    lines += [f"No predictions: {game}" for game in explanation.missing_games]
    lines += [f"No labels: {game}" for game in explanation.extra_games]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="notes">{items}</ul>' if items else ""


def _class_table(explanation: Explanation) -> str:
    heads = ["class", "annotated", "detected", "AP", "95 %", "exact AP",
             "precision", "recall", "F1", "best F1", "at", "median error"]  # fmt: skip
    rows = "".join(_class_row(item) for item in explanation.classes)
    return (
        f'<div class="scroll"><table><thead><tr>{_cells(heads, "th")}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _class_row(item: ClassExplanation) -> str:
    cells = [
        str(item.annotations),
        str(item.detections),
        _figure(item.ap),
        _range(item.interval),
        _figure(item.exact_ap),
        f"{item.chosen.precision:.2f}",
        f"{item.chosen.recall:.2f}",
        f"{item.chosen.f1:.2f}",
        *([f"{item.best.f1:.2f}", f"{item.best.threshold:.2f}"] if item.best.f1 else ["", ""]),
        f"{item.time_errors.quartiles[1]:+.1f} s" if item.time_errors else "",
    ]
    kind = "" if item.annotations else ' class="absent"'
    return f'<tr{kind}><th scope="row">{escape(item.label)}</th>{_cells(cells)}</tr>'


def _curve_tile(item: ClassExplanation) -> str:
    more = f"AP {_figure(item.ap)} ({_range(item.interval)}), {item.annotations} annotations"
    return _tile(item.label, more, _curve(item))


def _curve(item: ClassExplanation) -> str:
    """Precision over recall, at the official thresholds."""
    recall, precision = item.recall[::-1], item.precision[::-1]
    seen = recall > 0
    points = [(_across(0.0), _upwards(p)) for p in precision[seen][:1]]
    points += [
        (_across(r), _upwards(p)) for r, p in zip(recall[seen], precision[seen], strict=True)
    ]
    marks = []
    for kind, radius, point in (("chosen", 4.5, item.chosen), ("best", 3.2, item.best)):
        marks.append(
            f'<circle class="{kind}" cx="{_across(point.recall):.1f}" '
            f'cy="{_upwards(point.precision):.1f}" r="{radius}"/>'
        )
    name = f"Precision over recall of {item.label}: AP {_figure(item.ap)}"
    return _picture(name, _unit_axes("recall", "precision") + _line(points) + "".join(marks))


def _line(points: list[tuple[float, float]]) -> str:
    if not points:
        return ""
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    first, last = points[0][0], points[-1][0]
    ground = f"{last:.1f},{_BOTTOM} {first:.1f},{_BOTTOM}"
    return (
        f'<polygon class="area" points="{text} {ground}"/><polyline class="line" points="{text}"/>'
    )


def _error_tile(item: ClassExplanation) -> str:
    assert item.time_errors is not None
    lower, median, upper = item.time_errors.quartiles
    more = f"median {median:+.1f} s, quartiles {lower:+.1f} and {upper:+.1f} s"
    return _tile(item.label, more, _histogram(item.label, item.time_errors))


def _histogram(label: str, errors: TimeErrors) -> str:
    low, high = float(errors.edges[0]), float(errors.edges[-1])
    tallest = max(int(errors.counts.max()), 1)

    def place(seconds: float) -> float:
        return _across((seconds - low) / (high - low))

    bars = "".join(
        f'<rect class="bar" x="{place(left) + 0.5:.1f}" y="{_upwards(count / tallest):.1f}" '
        f'width="{place(right) - place(left) - 1:.1f}" '
        f'height="{_BOTTOM - _upwards(count / tallest):.1f}"/>'
        for left, right, count in zip(
            errors.edges[:-1].tolist(),
            errors.edges[1:].tolist(),
            errors.counts.tolist(),
            strict=True,
        )
        if count
    )
    marks = _upright("zero", place(0.0)) + _upright("median", place(errors.quartiles[1]))
    ticks = "".join(
        _text(place(at), _BOTTOM + 14, anchor, f"{at:+g} s" if at else "0")
        for at, anchor in ((low, "start"), (0.0, "middle"), (high, "end"))
    )
    count = _text(_LEFT - 4, _TOP + 8, "end", str(tallest))
    return _picture(f"Time errors of {label}", _frame() + bars + marks + ticks + count)


def _calibration(calibration: Calibration) -> str:
    used = calibration.counts > 0
    bars = "".join(
        f'<rect class="bar" x="{_across(low) + 1:.1f}" y="{_upwards(rate):.1f}" '
        f'width="{_across(high) - _across(low) - 2:.1f}" height="{_BOTTOM - _upwards(rate):.1f}">'
        f"<title>{count} detections of mean score {mean:.2f}: {rate:.2f} hit</title></rect>"
        for low, high, rate, mean, count in _bins(calibration, used)
    )
    diagonal = f'<line class="zero" x1="{_LEFT}" y1="{_BOTTOM}" x2="{_RIGHT}" y2="{_TOP}"/>'
    return _picture("Hit rate over score", _unit_axes("score", "hit rate") + bars + diagonal)


def _bins(
    calibration: Calibration, used: BoolArray
) -> Iterable[tuple[float, float, float, float, int]]:
    return zip(
        calibration.edges[:-1][used].tolist(),
        calibration.edges[1:][used].tolist(),
        calibration.hit_rates[used].tolist(),
        calibration.mean_scores[used].tolist(),
        calibration.counts[used].tolist(),
        strict=True,
    )


def _confusion(explanation: Explanation) -> str:
    """Confusion matrix: rows are annotations, columns detections; shaded by share of the row."""
    matrix = explanation.confusion
    used = [
        place for place in range(len(matrix) - 1) if matrix[place].any() or matrix[:, place].any()
    ]
    labels = list(explanation.scores.label_set)
    columns, rows = [*used, len(matrix) - 1], [*used, len(matrix) - 1]
    heads = [labels[place] for place in used] + ["missed"]
    body = []
    for row in rows:
        name = labels[row] if row < len(labels) else "nothing there"
        total = max(int(matrix[row, columns].sum()), 1)
        cells = "".join(
            f'<td style="--share:{number / total:.3f}">{number or ""}</td>'
            for number in matrix[row, columns].tolist()
        )
        body.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    head = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in heads)
    return (
        '<div class="scroll"><table class="confusion"><caption>A row is what was annotated, a '
        "column what was detected near it.</caption>"
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _tile(title: str, more: str, picture: str) -> str:
    head = f'<h3>{escape(title)}</h3><p class="more">{escape(more)}</p>'
    return f'<div class="tile">{head}{picture}</div>'


def _picture(name: str, content: str) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img">'
        f"<title>{escape(name)}</title>{content}</svg>"
    )


def _frame() -> str:
    return (
        f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{_RIGHT - _LEFT}" '
        f'height="{_BOTTOM - _TOP}"/>'
    )


def _unit_axes(across: str, upwards: str) -> str:
    """A frame with axes from 0 to 1."""
    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>'
        for height in map(_upwards, (0.25, 0.5, 0.75))
    )
    texts = (
        _text(_LEFT, _BOTTOM + 14, "middle", "0")
        + _text(_RIGHT, _BOTTOM + 14, "end", "1")
        + _text((_LEFT + _RIGHT) / 2, _BOTTOM + 14, "middle", across)
        + _text(_LEFT - 5, _TOP + 8, "end", "1")
        + _text(_LEFT - 5, _BOTTOM, "end", "0")
    )
    middle = (_TOP + _BOTTOM) / 2
    side = (
        f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(upwards)}</text>"
    )
    return _frame() + grid + texts + side


def _upright(kind: str, x: float) -> str:
    return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_BOTTOM}"/>'


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _across(share: float) -> float:
    return _LEFT + min(max(share, 0.0), 1.0) * (_RIGHT - _LEFT)


def _upwards(share: float) -> float:
    return _BOTTOM - min(max(share, 0.0), 1.0) * (_BOTTOM - _TOP)


def _cells(texts: Iterable[str], kind: str = "td") -> str:
    return "".join(f"<{kind}>{escape(text)}</{kind}>" for text in texts)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _range(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval[0]:.3f}–{interval[1]:.3f}"
