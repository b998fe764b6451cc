"""Every metric gives the figures of the published evaluators (tests/golden/metric_parity)."""

import gzip
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from touchline.columns import EventColumns
from touchline.formats.columns import read_columns
from touchline.formats.grounding import read_replays, read_shots
from touchline.labels import SOCCERNET_BALL, SOCCERNET_V1, SOCCERNET_V2, LabelSet
from touchline.metrics.frames import FrameEvents, evaluate_frames, frames_of_columns
from touchline.metrics.grounding import evaluate_grounding
from touchline.metrics.spotting import evaluate, prepare, score
from touchline.metrics.team import evaluate_team

CASES = Path(__file__).parents[1] / "golden" / "metric_parity"
EXPECTED: dict[str, dict[str, Any]] = {
    path.name.removesuffix("_expected.json.gz"): json.loads(gzip.decompress(path.read_bytes()))
    for path in sorted(CASES.glob("*_expected.json.gz"))
}
TOLERANCE = 1e-12


def label_set(case: str) -> LabelSet:
    expected = EXPECTED[case]
    return SOCCERNET_V1 if expected["version"] == 1 else LabelSet(case, tuple(expected["classes"]))


def both(case: str, **options: Any) -> tuple[dict[str, EventColumns], dict[str, EventColumns]]:
    labels = label_set(case)
    return (
        read_columns(CASES / f"{case}_labels.zip", "labels", labels, **options),
        read_columns(CASES / f"{case}_predictions.zip", "predictions", labels, **options),
    )


def cases_with(key: str) -> list[str]:
    found = [case for case, expected in EXPECTED.items() if key in expected]
    assert found
    return found


@pytest.mark.parametrize("case", cases_with("official"))
def test_official_figures_are_equal_to_the_last_bit(case: str) -> None:
    labels, predictions = both(case)
    for rate, metrics in EXPECTED[case]["official"].items():
        spots = prepare(
            labels,
            predictions,
            label_set=label_set(case),
            rate=int(rate.removeprefix("framerate_")),
        )
        for metric, expected in metrics.items():
            scores = score(spots, metric)
            for suffix, part in (
                ("", scores.all),
                ("_visible", scores.visible),
                ("_unshown", scores.unshown),
            ):
                if part is None:
                    assert expected[f"a_mAP{suffix}"] is None
                    continue
                assert part.average_map == expected[f"a_mAP{suffix}"], (rate, metric, suffix)
                assert part.per_class.tolist() == expected[f"a_mAP_per_class{suffix}"]


@pytest.mark.parametrize("case", cases_with("intermediate_framerate_2"))
def test_official_counts(case: str) -> None:
    labels, predictions = both(case)
    scores = evaluate(labels, predictions, label_set=label_set(case))
    expected = EXPECTED[case]["intermediate_framerate_2"]
    counts = expected.get("per_class", expected)
    truth = np.add(counts["ground_truth_visible"], counts["ground_truth_unshown"])
    assert scores.annotations.tolist() == truth.tolist()
    assert scores.detections.tolist() == counts["detections"]


@pytest.mark.parametrize("case", cases_with("spivak_2fps"))
def test_spivak_figures(case: str) -> None:
    labels, predictions = both(case)
    expected = EXPECTED[case]["spivak_2fps"]
    for metric, average in expected["average_mAP"].items():
        scores = evaluate(
            labels, predictions, label_set=label_set(case), metric=metric, rounding="spivak"
        )
        assert scores.average_map == pytest.approx(average, abs=TOLERANCE)
        assert scores.all.per_class == pytest.approx(
            expected["average_AP_per_class"][metric], abs=TOLERANCE
        )


@pytest.mark.parametrize("case", cases_with("e2espot_2fps"))
def test_frame_figures_of_e2e_spot(case: str) -> None:
    truth, found = (frames_of_columns(side, Fraction(2)) for side in both(case))
    scores = evaluate_frames(truth, found)
    expected = EXPECTED[case]["e2espot_2fps"]
    assert scores.tolerances == tuple(expected["tolerance_frames"])
    assert scores.mean_average_precision == pytest.approx(expected["mAP"], abs=TOLERANCE)
    for label, values in zip(scores.labels, scores.average_precision.T, strict=True):
        assert values == pytest.approx(expected["AP_per_class"][label], abs=TOLERANCE)


def test_frame_figures_of_a_small_case(shared: Path) -> None:
    golden = json.loads((shared / "reference" / "e2e_spot_golden.json").read_text())
    case = golden["post_processing"]
    truth = [
        (label, frame, 1.0)
        for label, frames in case["frame_mAP"]["truth"].items()
        for frame in frames
    ]
    scores = evaluate_frames(
        {"video": events_of(truth)}, {"video": events_of(case["nms"]["events"])}
    )
    for row, tolerance in zip(scores.average_precision, scores.tolerances, strict=True):
        expected = case["frame_mAP"]["AP"][str(tolerance)]
        assert dict(zip(scores.labels, row, strict=True)) == pytest.approx(expected, abs=1e-6)


def events_of(rows: list[Any]) -> FrameEvents:
    labels, frames, scores = zip(*rows, strict=True)
    return FrameEvents(labels, np.array(frames), np.array(scores, float))


def test_team_figures() -> None:
    case = "15_team_ball"
    labels, predictions = both(case, teams=True)
    for metric, expected in EXPECTED[case]["team"].items():
        scores = evaluate_team(labels, predictions, label_set=SOCCERNET_BALL, metric=metric)
        assert scores.team_map == pytest.approx(expected["mAP"], abs=TOLERANCE)
        assert scores.per_class == pytest.approx(expected["mAP_per_class"], abs=TOLERANCE)
        record = scores.to_json()
        for name in ("visible", "unshown"):
            assert record[name]["average_map"] == pytest.approx(
                expected[f"mAP_{name}"], abs=TOLERANCE
            )
            assert list(record[name]["per_class"].values()) == pytest.approx(
                expected[f"mAP_per_class_{name}"], abs=TOLERANCE
            )
        assert scores.without_team.average_map == pytest.approx(
            expected["mAP_no_team"], abs=TOLERANCE
        )
        assert scores.without_team.visible is not None
        assert scores.without_team.visible.average_map == pytest.approx(
            expected["mAP_visible_no_team"], abs=TOLERANCE
        )


def test_grounding_figures() -> None:
    case = "16_replay_grounding"
    shots = read_shots(CASES / f"{case}_labels.zip")
    replays = read_replays(CASES / f"{case}_predictions.zip")
    for metric, expected in EXPECTED[case]["expected"].items():
        scores = evaluate_grounding(shots, replays, metric=metric)
        assert scores.average_ap == pytest.approx(expected, abs=TOLERANCE)
        assert scores.pairs == EXPECTED[case]["pairs"]


def test_loose_ap_of_published_predictions_on_real_matches(shared: Path) -> None:
    folder = shared / "data" / "real" / "test_dev"
    scores = evaluate(
        read_columns(folder / "labels.zip", "labels", SOCCERNET_V2),
        read_columns(folder / "predictions_netvlad_v2.zip", "predictions", SOCCERNET_V2),
        label_set=SOCCERNET_V2,
    )
    published = {
        "Goal": 0.537,
        "Penalty": 0.290,
        "Shots on target": 0.205,
        "Shots off target": 0.197,
        "Corner": 0.520,
        "Ball out of play": 0.456,
        "Substitution": 0.527,
    }
    assert {label: round(scores.per_class[label], 3) for label in published} == published
    assert scores.notes["annotations of unknown label 'Free-kick', left out"] == 1033
