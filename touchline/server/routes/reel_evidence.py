"""What a request for a reel sends along: what was said, and events that are certain."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from anyio import to_thread

from touchline.formats.games import half_in_name
from touchline.server.choosing import NO_EVIDENCE, Evidence
from touchline.server.errors import NotFoundError
from touchline.server.intake.events import Imports
from touchline.server.problems import ProblemError
from touchline.server.routes.reel_schemas import ReelIn, TextFileIn, TranscriptIn
from touchline.server.services import Services
from touchline.server.tables import MatchRow
from touchline.transcripts import Transcript


async def read_evidence(
    imports: Imports, services: Services, match_id: str, asked: ReelIn
) -> tuple[Evidence, list[str]]:
    """What was sent along, each file read in a limited process; and remarks on it.

    Raises:
        NotFoundError: there is no such match. ProblemError: a transcript is of no half of it.
        InputError: a file cannot be read, or does not fit the match.
    """
    if not asked.transcripts and asked.goals is None:
        return NO_EVIDENCE, []
    halves = await to_thread.run_sync(_halves_of, services, match_id)
    told: dict[int | None, Transcript] = {}
    for number, one in enumerate(asked.transcripts):
        half = _half_of(one, halves, f"transcripts.{number}")
        if half in told:
            raise ProblemError(422, f"transcripts.{number}: another one is of the same video")
        told[half] = await _heard(imports, services, one)
    if asked.goals is None:
        return Evidence(told), []
    with tempfile.TemporaryDirectory(prefix="touchline-") as folder:
        found = await imports.read(
            services, match_id, Path(folder), asked.goals.text.encode(), (
                None, asked.goals.name, None, None,
            ),
        )  # fmt: skip
    return Evidence(told, found.events), list(found.remarks)


async def _heard(imports: Imports, services: Services, file: TextFileIn) -> Transcript:
    with tempfile.TemporaryDirectory(prefix="touchline-") as folder:
        return await imports.hear(services, Path(folder), file.text.encode(), file.name)


def _halves_of(services: Services, match_id: str) -> list[int | None]:
    with services.database.read() as session:
        match = session.get(MatchRow, match_id)
        if match is None:
            raise NotFoundError("match")
        return [video.half for video in match.videos]


def _half_of(file: TranscriptIn, halves: Sequence[int | None], where: str) -> int | None:
    """Of which video of a match a transcript is: that of its half; of one video, the whole."""
    if len(halves) == 1 and file.half in (None, halves[0]):
        return halves[0]
    half = half_in_name(file.name) if file.half is None else file.half
    if half not in halves or half is None:
        known = ", ".join(str(half) for half in halves if half is not None) or "no halves"
        raise ProblemError(422, f"{where}: say of which half it is; the match has {known}")
    return half
