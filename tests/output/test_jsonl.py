"""JSON lines: a reader sees each event at once and whole."""

import json
import os

import pytest

from ser_track.event_types import Joined, Left, StreamKey
from ser_track.output.jsonl import JsonLines
from ser_track.output.wire import encode

KEY = StreamKey("room", "p1", "s1")


def test_each_event_is_one_line_that_a_reader_gets_before_the_next() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as reader, os.fdopen(writing, "w", encoding="utf-8") as writer:
        sink = JsonLines(writer)
        for event in (Joined(KEY, "Ada\nLovelace", analysed=True), Left(KEY, "end")):
            sink.put(encode(event))
            assert json.loads(reader.readline())["participant"] == "p1"


def test_a_reader_that_went_away_is_no_secret() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    writer = os.fdopen(writing, "w", encoding="utf-8")
    with pytest.raises(BrokenPipeError):
        JsonLines(writer).put(encode(Left(KEY, "end")))
    with pytest.raises(BrokenPipeError):
        writer.close()
