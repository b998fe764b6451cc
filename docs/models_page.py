"""Write docs/models.md from the catalogue: ``python docs/models_page.py``."""

from collections.abc import Iterator
from pathlib import Path

from touchline.cli.catalogue import rate_text, scores_text, size_text
from touchline.zoo.catalogue import Entry, Family, catalogue, command_for_17_classes

PAGE = Path(__file__).with_name("models.md")

INTRODUCTION = f"""# Published networks

Every published network of action spotting that touchline knows, from the same catalogue as
`touchline models list`. This page is made by `docs/models_page.py`; change
`touchline/zoo/catalogue.json` instead.

```sh
pip install 'touchline[torch]'
{command_for_17_classes()}
touchline spot match.mp4 --model e2e-spot-soccer
```

Scores are those that the authors publish, in percent; touchline did not measure them. Unless a note
says otherwise, `tight` and `loose` are the average mAP of SoccerNet. Sizes that begin with "about"
follow from the number of parameters. Weights are checked against the published checksum before they
are opened, and nothing in them is executed. [docs/cli.md](cli.md#models) describes how pulls
are resumed, confirmed and mirrored.

## Which to use
"""

ADVICE = {
    "A producer or analyst with a broadcast": (
        "`e2e-spot-soccer` reads the pictures alone and finds 17 kinds of action. On a slow "
        "machine take `e2e-spot-soccer-small`: it is a third of the size and scores almost "
        "the same. `e2e-spot-soccer-challenge` was trained on more matches; its published "
        "score is on another split, so it cannot be compared with the others."
    ),
    "Passes, drives and other ball actions": (
        "`osl-ball-2025` knows 12 of them and `osl-ball-2023` two, both at 25 frames a second. "
        "`tdeed`, which won the ball challenge of 2024, and `tdeed-team`, the baseline of 2025, "
        "know 12 at 12.5 frames a second; their weights have to be fetched with a browser. "
        "`tdeed-team` also tells which side of the picture acts."
    ),
    "A researcher who compares methods": (
        "`netvlad++` and its five runs, `calf` and its variants, and the pooling baselines "
        "read ResNet-152 features: pulling one brings the extractor and its PCA, and "
        "`touchline predict` runs them on the published feature files. The calibration "
        "networks need SoccerNet's calibrations and player boxes, replay grounding its camera "
        "labels."
    ),
    "A developer of a product": (
        "Read the licences under each table first. Most weights were trained on SoccerNet, "
        "whose videos are for research only, and some repositories state no licence of their "
        "weights; AGPL-3.0 (`osl-ball-2025`) reaches what is offered over a network. For "
        "weights of your own, train a recipe on your own matches "
        "([docs/training.md](training.md))."
    ),
    "Another sport": (
        "`e2e-spot-tennis` and the others of its table know tennis, figure skating, diving "
        "and gymnastics. Those whose name ends with `-flow` read optical flow, which "
        "touchline does not compute."
    ),
    "A machine without a connection": (
        "Set `TOUCHLINE_MIRROR` to a folder that holds the files; see [docs/cli.md](cli.md#models)."
    ),
}

USES = {
    "video": "spots plain videos",
    "features": "predicts on feature files",
    "extractor": "extracts features",
}


def page() -> str:
    """The whole page."""
    lines = [INTRODUCTION]
    lines += [f"**{who}.** {advice}\n" for who, advice in ADVICE.items()]
    for family in catalogue().families:
        lines += _family(family)
    return "\n".join(lines)


def _family(family: Family) -> Iterator[str]:
    yield f"## {family.title}\n"
    yield f"{family.about} {family.advice}\n"
    yield "| name | network | finds | reads | published | size | what touchline does |"
    yield "|---|---|---|---|---|---|---|"
    for entry in family.entries:
        yield f"| {' | '.join(map(_cell, _row(entry)))} |"
    yield ""
    yield from _licences(family)
    notes = [f"- `{entry.name}`: {entry.note}" for entry in family.entries if entry.note]
    yield from [*notes, ""] if notes else []


def _row(entry: Entry) -> tuple[str, ...]:
    needs = f" (with {', '.join(entry.needs)})" if entry.needs else ""
    return (
        f"`{entry.name}`",
        entry.network,
        ", ".join(filter(None, (entry.labels, rate_text(entry)))),
        entry.reads,
        scores_text(entry),
        size_text(entry),
        f"not yet: {entry.missing}" if entry.missing else f"{_use(entry)}{needs}",
    )


def _use(entry: Entry) -> str:
    by_hand = ", to be fetched by hand" if entry.is_by_hand else ""
    return f"{USES[entry.use]}{by_hand}"


def _licences(family: Family) -> Iterator[str]:
    """Each licence and origin once, with the names that it holds for."""
    found: dict[str, list[str]] = {}
    for entry in family.entries:
        use = f" (commercial use {entry.commercial_use})"
        text = (
            f"licence {entry.licence}{use}; trained on {entry.training_data} "
            f"({entry.training_data_licence}); from {entry.origin.where}"
        )
        found.setdefault(text, []).append(f"`{entry.name}`")
    for text, names in found.items():
        which = "All" if len(found) == 1 else ", ".join(names)
        yield f"{which}: {text}.\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|") or "-"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
