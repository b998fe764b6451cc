"""Transcripts are read in every usual form; what is none is refused in one line."""

import json

import pytest

from touchline.errors import FormatError, InputError
from touchline.formats.transcripts import read_transcript, read_transcripts
from touchline.transcripts import Utterance

SAID = (Utterance(1.5, 3.0, "Was für ein Tor!"), Utterance(62.0, 64.25, "Noch einmal"))
SEGMENTS = [[one.start_seconds, one.end_seconds, one.text] for one in SAID]
SRT = (
    "1\n00:00:01,500 --> 00:00:03,000\nWas für\nein Tor!\n\n"
    "2\n00:01:02,000 --> 00:01:04,250\n<i>Noch einmal</i>\n"
)
FILES = {
    "1_asr.json": json.dumps({"segments": {str(i): row for i, row in enumerate(SEGMENTS)}}),
    "whisper.json": json.dumps(
        {
            "text": "...",
            "segments": [
                {"id": i, "start": row[0], "end": row[1], "text": row[2], "avg_logprob": -0.2}
                for i, row in enumerate(SEGMENTS)
            ],
        }
    ),
    "said.srt": SRT,
    "said.vtt": "WEBVTT\n\n" + SRT.replace(",", "."),
}


@pytest.mark.parametrize("name", FILES)
def test_every_form_says_the_same(name, tmp_path):
    (tmp_path / name).write_text(FILES[name], "utf-8")
    assert read_transcript(tmp_path / name) == SAID


def test_files_are_of_the_halves_in_their_names_or_in_order(tmp_path):
    for half in (1, 2):
        document = {"segments": {"0": [0.0, 1.0, f"half {half}"]}}
        (tmp_path / f"{half}_asr.json").write_text(json.dumps(document))
        (tmp_path / f"{'ab'[half - 1]}.json").write_text(json.dumps(document))
    wanted = {half: (Utterance(0.0, 1.0, f"half {half}"),) for half in (1, 2)}
    first, second = tmp_path / "1_asr.json", tmp_path / "2_asr.json"
    assert read_transcripts([tmp_path], [1, 2]) == wanted
    assert read_transcripts([second, first], [1, 2]) == wanted
    assert read_transcripts([tmp_path / "a.json", tmp_path / "b.json"], [1, 2]) == wanted
    assert read_transcripts([first], [None]) == {None: wanted[1]}
    with pytest.raises(InputError, match="2 transcripts"):
        read_transcripts([first, second], [None])


def test_a_score_in_a_name_is_no_half(tmp_path):
    """Files of Chelsea 2-1 Arsenal are of the halves in the order in which they are given."""
    paths = [tmp_path / "Chelsea 2-1 Arsenal.srt", tmp_path / "Chelsea 1-2 Arsenal.srt"]
    for path, text in zip(paths, ("first", "second"), strict=True):
        path.write_text(f"1\n00:00:00,000 --> 00:00:01,000\n{text}\n")
    found = read_transcripts(paths, [1, 2])
    assert {half: said[0].text for half, said in found.items()} == {1: "first", 2: "second"}


def test_a_folder_without_transcripts_is_refused(tmp_path):
    (tmp_path / "Labels-v2.json").write_text("{}")
    with pytest.raises(InputError, match=r"1_asr\.json"):
        read_transcripts([tmp_path], [1, 2])


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "{}",
        '{"segments": 3}',
        '{"segments": [{"start": 1, "end": 2}]}',
        '{"segments": {"0": ["a", 2, "b"]}}',
        '{"segments": {"0": [NaN, 2, "b"]}}',
        '{"segments": {"0": [1, 2, 3]}}',
    ],
)
def test_what_is_no_transcript_is_refused(document, tmp_path):
    path = tmp_path / "1_asr.json"
    path.write_text(document)
    with pytest.raises(FormatError, match=r"1_asr\.json"):
        read_transcript(path)


def test_a_transcript_without_words_holds_nothing(tmp_path):
    path = tmp_path / "1_asr.json"
    path.write_text('{"segments": {"0": [0, 1, " "]}}')
    assert read_transcript(path) == ()
