"""Small whole files of every kind that is fuzzed, and those that were a fault once."""

import pickle
from collections.abc import Iterator
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import av
import numpy as np
from mp4_boxes import three_pictures, track, write_mp4
from small_videos import picture, write_video

CORPUS = Path(__file__).with_name("corpus")

_CONTAINERS = {
    "mkv": ("h264", "aac"), "ts": ("h264", "aac"), "avi": ("mpeg4", "mp3"), "flv": ("h264", "aac"),
    "mpg": ("mpeg2video", "mp2"), "mxf": ("mpeg2video", "pcm_s16le"), "webm": ("vp8", "libopus"),
}  # fmt: skip


def media(folder: Path) -> Iterator[Path]:
    """A second or so of picture and sound in every container."""
    yield write_video(folder / "seed.mp4", 12)
    yield three_pictures(folder / "boxes.mp4", [(2, 1), (1, 50)])
    edited = track(sizes=[60] * 3, durations=[(3, 1)], edits=[(80, 1), (40, 0)])
    yield write_mp4(folder / "edited.mp4", edited)
    for ending, (codec, sound) in _CONTAINERS.items():
        yield _written(folder / f"seed.{ending}", codec, sound)


def _written(path: Path, codec: str, sound: str) -> Path:
    options = {"x264-params": "log-level=none"} if codec == "h264" else {}
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=25, options=options)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        audio = container.add_stream(sound, rate=48000, layout="stereo")
        for index in range(12):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(video.encode(frame.reformat(format="yuv420p")))
        resampler = av.AudioResampler(
            audio.codec_context.format.name, "stereo", 48000, audio.codec_context.frame_size or 1920
        )
        block = av.AudioFrame.from_ndarray(np.zeros((2, 23040), np.float32), "fltp", "stereo")
        block.sample_rate, block.pts = 48000, 0
        for part in resampler.resample(block):
            container.mux(audio.encode(part))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


def recipe(folder: Path) -> Iterator[Path]:
    """The packaged recipes, and one that uses all that YAML has."""
    for item in (files("touchline.training") / "recipes").iterdir():
        if item.name.endswith(".yaml"):
            path = folder / item.name
            path.write_bytes(item.read_bytes())
            yield path
    rich = folder / "rich.yaml"
    rich.write_text('system: &s netvlad\na: [1, {b: *s}]\n<<: {c: !!str "x"}\nd: |\n  text\n')
    yield rich


def weights(folder: Path) -> Iterator[Path]:
    """Files of weights: safetensors, a PyTorch archive, HDF5."""
    import h5py
    import torch
    from safetensors.torch import save_file

    held = {"backbone.weight": torch.zeros(2, 3), "head.bias": torch.ones(4)}
    save_file(held, folder / "a.safetensors")
    torch.save({"state_dict": held, "epoch": 3}, folder / "a.pt")
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("layer/kernel", data=np.zeros((3, 4), np.float32), compression="gzip")
        file["alias"] = h5py.SoftLink("/layer/kernel")
    yield from (folder / name for name in ("a.safetensors", "a.pt", "a.h5"))


def arrays(folder: Path) -> Iterator[Path]:
    """Arrays of features, and a pickle as published."""
    np.save(folder / "a.npy", np.zeros((3, 4), np.float32))
    yield folder / "a.npy"
    held = {"mean_": np.zeros(3), "components_": np.eye(3), "explained_variance_": np.ones(3)}
    (folder / "a.pkl").write_bytes(pickle.dumps(held, protocol=2))
    yield folder / "a.pkl"


SEEDS = {"media": media, "recipe": recipe, "weights": weights, "arrays": arrays}


def seeds(target: str, folder: Path) -> list[tuple[str, bytes]]:
    """(ending of the name, content) of the whole files and the kept ones of a target."""
    kept = sorted(CORPUS.glob(f"{target}-*"))
    return [(path.suffix, path.read_bytes()) for path in (*SEEDS[target](folder), *kept)]
