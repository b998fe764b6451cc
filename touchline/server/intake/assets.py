"""Pictures and sounds for reels: uploads that are looked into by a limited process."""

import tempfile
from pathlib import Path

from touchline.errors import InputError
from touchline.runtime.progress import Progress
from touchline.server.finishing import PICTURE, SOUND
from touchline.server.intake.uploads import ASSET_SUFFIXES
from touchline.server.jobs.processes import StageFailedError, run_in_child
from touchline.server.jobs.stages.inspecting import AssetFacts, InspectArguments, inspect_asset
from touchline.server.services import Services
from touchline.server.settings import MEGABYTE
from touchline.server.storage import named_file
from touchline.server.tables import UploadRow

MAX_BYTES = {PICTURE: 20 * MEGABYTE, SOUND: 200 * MEGABYTE}


def look_into(services: Services, upload: UploadRow, watch: Progress) -> tuple[str, AssetFacts]:
    """The kind of an upload that is complete, and what it is.

    Args:
        watch: called while it is read; raises to give up.

    Raises:
        InputError: it is no picture and no sound, or too large. StageFailedError: the process that
            reads it died.
    """
    kind = ASSET_SUFFIXES.get(Path(upload.name).suffix.lower())
    if kind is None:
        raise InputError(
            "is no picture and no sound",
            where=upload.name,
            remedy=f"send {', '.join(ASSET_SUFFIXES)}",
        )
    if upload.length > MAX_BYTES[kind]:
        most = MAX_BYTES[kind] // MEGABYTE
        raise InputError(f"is too large a {kind}: at most {most} MB", where=upload.name)
    limits = services.settings.import_limits
    with tempfile.TemporaryDirectory(prefix="touchline-") as folder:
        path = named_file(services.storage.upload(upload.id), upload.name, upload.id, Path(folder))
        arguments = InspectArguments.model_validate({"path": str(path), "kind": kind})
        try:
            facts = run_in_child(
                inspect_asset, arguments, limits, limits.wall_seconds, Path(folder) / ".work",
                watch, threads=1, names={str(path): upload.name},
            )  # fmt: skip
        except StageFailedError as error:
            if error.again:
                raise
            raise InputError(str(error)) from error
    return kind, facts
