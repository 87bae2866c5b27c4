"""SubRip subtitles: a format that ser-track does not have, from a package of its own."""

from typing import TextIO

from ser_track.output.documents import Timeline, text_format


def write(timeline: Timeline, output: TextIO) -> None:
    """A subtitle for each judged segment, in order of time; a file of subtitles has no place for the limits."""
    judged = [
        (utterance, utterance.emotion, line.name)
        for line in timeline.lines
        for utterance in line.utterances
        if utterance.emotion is not None
    ]
    judged.sort(key=lambda item: item[0].start_s)
    for number, (utterance, emotion, name) in enumerate(judged, 1):
        times = f"{_time(utterance.start_s)} --> {_time(utterance.end_s)}"
        words = timeline.labels.words(emotion.label, emotion.voice_known)
        # A name comes from outside: a line break in it would end the subtitle.
        output.write(f"{number}\n{times}\n{' '.join(name.split())}: {words}\n\n")


def _time(seconds: float) -> str:
    minutes, milliseconds = divmod(round(1000 * seconds), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02},{milliseconds % 1000:03}"


SRT = text_format("srt", ".srt", write, "SubRip: subtitles for players that do not read WebVTT")
