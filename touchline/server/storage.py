"""Where files are kept: one folder per upload and per match, under names that the server chooses.

<data>/uploads/<upload>/original.bin      the upload
<data>/matches/<match>/proxy.mp4          what browsers and models read
<data>/matches/<match>/scores.npz         the curves behind the events
<data>/matches/<match>/broadcasts/<n>.broadcast.json  what video n says by itself
<data>/matches/<match>/thumbnails/*.jpg
<data>/matches/<match>/products/<job>     files made for download
<data>/playlists/<playlist>/products/<job>  files made of a playlist
<data>/clips/<match>/<start>-<end>.mp4    stretches of proxies that were watched lately
<data>/work/<job>-<lease>/                what a job is writing; moved into place at its end
<data>/work/<job>-segments/               what a stage has finished; later attempts go on from it
"""

import re
import shutil
from pathlib import Path

from touchline.errors import InputError
from touchline.server.tables import ID_LENGTH, MatchRow, PlaylistRow, ProductRow, VideoRow

_ID = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")

ORIGINAL = "original.bin"
PROXY = "proxy.mp4"
SCORES = "scores.npz"
BROADCASTS = "broadcasts"
THUMBNAILS = "thumbnails"
PRODUCTS = "products"
SEGMENTS = "segments"


class Storage:
    """The server's folder.

    Args:
        root: made if it is not there, readable by nobody else.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Make the folders.

        Raises:
            InputError: they cannot be made or written.
        """
        try:
            for name in ("uploads", "matches", "playlists", "clips", "work"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o700)
        except OSError as error:
            raise InputError(
                f"cannot hold the server's files ({error.strerror})",
                where=self.root,
                remedy="name another folder with --data",
            ) from error

    def upload(self, upload_id: str) -> Path:
        """The file of an upload."""
        return self.root / "uploads" / _checked(upload_id) / ORIGINAL

    def part(self, upload_id: str, number: int) -> Path:
        """A part of an upload in parts."""
        return self.upload(upload_id).with_name(f"part-{number:05d}.bin")

    def drop_parts(self, upload_id: str) -> None:
        """Remove the parts of an upload that is complete, and what killed processes left of it."""
        whole = self.upload(upload_id)
        for path in whole.parent.iterdir():
            if path != whole:
                path.unlink(missing_ok=True)

    def match(self, match_id: str) -> Path:
        """The folder of a match."""
        return self.root / "matches" / _checked(match_id)

    def proxy(self, match_id: str) -> Path:
        """The video that browsers and models read."""
        return self.match(match_id) / PROXY

    def scores(self, match_id: str) -> Path:
        """The curves of a match."""
        return self.match(match_id) / SCORES

    def broadcast(self, match_id: str, number: int) -> Path:
        """What a video of a match says by itself, in its own times."""
        return self.match(match_id) / BROADCASTS / f"{number}.broadcast.json"

    def thumbnail(self, match_id: str, index: int) -> Path:
        """A picture of a match."""
        return self.match(match_id) / THUMBNAILS / f"{index:05d}.jpg"

    def playlist(self, playlist_id: str) -> Path:
        """The folder of a playlist."""
        return self.root / "playlists" / _checked(playlist_id)

    def product(self, match_id: str, job_id: str) -> Path:
        """A file made of a match for download."""
        return self.match(match_id) / PRODUCTS / _checked(job_id)

    def product_of(self, owner: MatchRow | PlaylistRow, job_id: str) -> Path:
        """A file made of a match or of a playlist for download."""
        if isinstance(owner, MatchRow):
            return self.product(owner.id, job_id)
        return self.playlist(owner.id) / PRODUCTS / _checked(job_id)

    def product_file(self, row: ProductRow) -> Path:
        """The file that a row is of."""
        if row.match_id is not None:
            return self.product(row.match_id, row.job_id)
        return self.playlist(row.playlist_id or "") / PRODUCTS / _checked(row.job_id)

    def clip(self, match_id: str, start_seconds: float, end_seconds: float) -> Path:
        """A stretch of a proxy, to be watched by itself."""
        name = f"{round(1000 * start_seconds)}-{round(1000 * end_seconds)}.mp4"
        return self.root / "clips" / _checked(match_id) / name

    def work(self, job_id: str, lease: str) -> Path:
        """The folder in which one attempt at a job works."""
        return self.root / "work" / f"{_checked(job_id)}-{_checked(lease)}"

    def segments(self, job_id: str) -> Path:
        """The folder for what a stage of a job has finished; later attempts go on from it."""
        return self.root / "work" / f"{_checked(job_id)}-{SEGMENTS}"

    def drop_work(self, job_id: str, keep: str | None = None) -> None:
        """Remove what other attempts at a job left behind."""
        for folder in (self.root / "work").glob(f"{_checked(job_id)}-*"):
            if keep is None or folder not in (self.work(job_id, keep), self.segments(job_id)):
                shutil.rmtree(folder, ignore_errors=True)

    def drop_upload(self, upload_id: str) -> None:
        """Remove an upload's folder."""
        shutil.rmtree(self.upload(upload_id).parent, ignore_errors=True)

    def drop_match(self, match_id: str) -> None:
        """Remove a match's folders."""
        shutil.rmtree(self.match(match_id), ignore_errors=True)
        shutil.rmtree(self.root / "clips" / _checked(match_id), ignore_errors=True)

    def drop_playlist(self, playlist_id: str) -> None:
        """Remove a playlist's folder."""
        shutil.rmtree(self.playlist(playlist_id), ignore_errors=True)

    def free_bytes(self) -> int:
        """Free bytes of the disk."""
        return shutil.disk_usage(self.root).free

    def size_of_match(self, match_id: str) -> int:
        """Bytes that the files of a match take up."""
        folder = self.match(match_id)
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def take_place(made: Path, target: Path) -> None:
    """Move a finished file or folder to its place, and replace what is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        shutil.rmtree(target)
    made.replace(target)


def video_file(storage: Storage, roots: dict[str, Path], video: VideoRow) -> Path:
    """The file of a video of a match.

    Raises:
        InputError: it was deleted.
    """
    if video.source_path is not None:
        return inside_roots(video.source_path, roots)
    path = storage.upload(video.upload_id) if video.upload_id else None
    if path is None or not path.is_file():
        raise InputError("the uploaded video was deleted", remedy="upload it again")
    return path


def named_video(storage: Storage, roots: dict[str, Path], video: VideoRow, folder: Path) -> Path:
    """A link to the file of a video with the name that people gave it, for messages.

    Raises:
        InputError: it was deleted.
    """
    return named_file(video_file(storage, roots, video), video.name, video.id, folder)


def named_file(stored: Path, name: str, id: str, folder: Path) -> Path:
    """A link to a stored file with its name, by whose suffix kinds of sound are told."""
    link = folder / id / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(stored.resolve())
    return link


def inside_roots(path: str, roots: dict[str, Path]) -> Path:
    """A file of the server's own disk, if it is inside one of the allowed folders.

    Raises:
        InputError: it is outside of them, or is not a file. The message does not say which.
    """
    try:
        real = Path(path).resolve(strict=True)
        if real.is_file() and any(
            real.is_relative_to(root.resolve()) for root in roots.values() if root.is_absolute()
        ):
            return real
    except (OSError, ValueError, RuntimeError):
        pass
    raise InputError(
        "is not a file inside a folder that the server may use",
        where="path",
        remedy=f"folders: {', '.join(roots) or 'none are set up'}",
    )


def _checked(name: str) -> str:
    if _ID.fullmatch(name) is None:
        raise InputError("is not a name of this server", where=name[:40])
    return name
