"""The live view: readable without colour, for many people, and without control codes where no terminal is."""

import io
import re
import threading

import pytest
from rich.console import Console

from ser_track.cli.live_view import LEARNING_NOTE, LIMITS, LiveView
from ser_track.event_types import (
    ConsentChanged,
    Emotion,
    Event,
    Fault,
    Joined,
    Left,
    Resumed,
    SpeechEnded,
    SpeechStarted,
    Stalled,
    StreamKey,
)
from ser_track.labels import FOUR, LabelSet
from ser_track.output.wire import encode

SHARES = {"anger": 0.071, "happiness": 0.64, "sadness": 0.029, "neutral": 0.26}


def key(participant: str, stream: str = "1") -> StreamKey:
    return StreamKey("m", participant, stream)


def emotion(of: StreamKey, final: bool = True, label: str = "happiness", known: float | None = None) -> Emotion:
    return Emotion(of, 0, 1.0, 2.5, final, SHARES, label, 0.64, "small@1", voice_known=known)


def screen(events: list[Event], width: int = 80, height: int = 24, labels: LabelSet = FOUR) -> list[str]:
    """What a terminal without colours shows at the end, line by line."""
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=width, height=height, color_system=None)
    with LiveView(console, "a title", labels) as view:
        for event in events:
            view.put(encode(event))
    last = output.getvalue().split("a title")[-1]
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last).splitlines()]


def row_of(name: str, lines: list[str]) -> str:
    (row,) = (line for line in lines if line.startswith(name))
    return row


def test_a_row_says_in_words_and_numbers_who_speaks_and_how_it_sounds() -> None:
    ann = key("p-1")
    lines = screen([Joined(ann, "Ann", True), SpeechStarted(ann, 0, 1.0), emotion(ann, final=False)])
    row = row_of("Ann", lines)
    assert re.fullmatch(r"Ann +speaks happiness… ▎ +7% █▉ +64% +▏ +3% ▊ +26% analysed", row)
    assert lines[-1] == LIMITS
    assert max(map(len, lines)) <= 80
    ended: list[Event] = [SpeechEnded(ann, 0, 1.0, 2.5, "silence", True), emotion(ann)]
    row = row_of("Ann", screen([Joined(ann, "Ann", True), SpeechStarted(ann, 0, 1.0), *ended]))
    assert re.match(r"Ann +- +happiness ", row)


def test_bars_are_as_long_as_their_shares() -> None:
    ann = key("p-1")
    row = row_of("Ann", screen([Joined(ann, "Ann", True), emotion(ann)], width=140))
    bars = {int(percent): len(bar) for bar, percent in re.findall(r"([█▏▎▍▌▋▊▉]+) +(\d+)%", row)}
    assert bars == {7: 1, 64: 8, 3: 1, 26: 4}  # of 12 characters, the last one in eighths


@pytest.mark.parametrize(("width", "words"), [(80, "learning"), (120, "learning this voice")])
@pytest.mark.parametrize("label", ["happiness", "unsure"])
def test_while_a_voice_is_learned_no_emotion_is_named(label: str, width: int, words: str) -> None:
    ann, bob = key("p-1"), key("p-2")
    joined: list[Event] = [Joined(ann, "Ann", True), Joined(bob, "Bob", True), emotion(bob, known=0.5)]
    for final, end in ((True, "  "), (False, "…")):
        lines = screen([*joined, emotion(ann, final, label, known=0.4286)], width)
        row = row_of("Ann", lines)
        assert row[20:].lstrip("- ").startswith(f"{words}{end}"), row
        assert "64%" in row
        assert label not in row
        assert "happiness" in row_of("Bob", lines)
        assert lines[-2:] == [LEARNING_NOTE, LIMITS]
        assert max(map(len, lines)) <= width
    assert LEARNING_NOTE not in screen([*joined, emotion(ann, known=0.5)], width)


def test_only_what_a_known_voice_sounds_like_is_bold() -> None:
    for known, bold in ((0.0, 0), (0.5, 2), (None, 2)):  # the label, and the number of the likeliest one
        output = io.StringIO()
        console = Console(file=output, force_terminal=True, width=80, height=24, color_system="standard")
        with LiveView(console) as view:
            view.put(encode(emotion(key("p"), known=known)))
        row = next(line for line in output.getvalue().splitlines()[::-1] if "64%" in line)
        assert len(re.findall(r"\x1b\[1m", row)) == bold, (known, row)


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([Joined(key("p"), "Ann", False)], "not analysed"),
        ([Joined(key("p"), "Ann", False), ConsentChanged(key("p"), True)], "analysed"),
        ([Joined(key("p"), "Ann", True), emotion(key("p")), ConsentChanged(key("p"), False)], "not analysed"),
        ([Joined(key("p"), "Ann", True), SpeechStarted(key("p"), 0, 0.0), Stalled(key("p"), 5.0)], "stalled"),
        ([Joined(key("p"), "Ann", True), Stalled(key("p"), 5.0), Resumed(key("p"))], "analysed"),
        ([Joined(key("p"), "Ann", True), Left(key("p"), "end")], "left"),
    ],
)
def test_the_state_is_a_word(events: list[Event], state: str) -> None:
    assert re.fullmatch(rf"Ann +- +{state}", row_of("Ann", screen(events)))


def test_a_fault_is_told_and_the_next_speech_is_analysed_again() -> None:
    ann, fault = key("p"), Fault(key("p"), "classifier_failed", "the model\nfailed", 0)
    lines = screen([Joined(ann, "Ann", True), fault])
    assert row_of("Ann ", lines).endswith("error")
    assert "Ann: the model failed" in lines
    assert row_of("Ann ", screen([Joined(ann, "Ann", True), fault, SpeechStarted(ann, 1, 3.0)])).endswith("analysed")


def test_results_of_an_earlier_stream_are_not_shown_for_the_next() -> None:
    events: list[Event] = [
        Joined(key("p", "1"), "Ann", True),
        emotion(key("p", "1")),
        SpeechStarted(key("p", "2"), 0, 0),
    ]
    assert re.fullmatch(r"Ann +speaks +analysed", row_of("Ann", screen(events)))


def test_who_left_makes_room_for_who_comes() -> None:
    came_and_went: list[Event] = []
    for number in range(50):
        came_and_went += [Joined(key(f"p-{number}"), f"Person {number}", True), Left(key(f"p-{number}"), "gone")]
    lines = screen([*came_and_went, Joined(key("ann"), "Ann", True)])
    assert [line.split()[0] for line in lines[3:-1]] == ["Ann"]


def test_of_more_people_than_lines_those_heard_last_are_shown_and_the_others_counted() -> None:
    joined: list[Event] = [Joined(key(f"p-{number}"), f"Person {number}", True) for number in range(40)]
    lines = screen([*joined, SpeechStarted(key("p-3"), 0, 0.0)], height=20)
    assert len(lines) < 20
    shown = [line for line in lines if line.startswith("Person")]
    assert shown[0].startswith("Person 3 ")
    assert shown[-1].startswith("Person 39")
    assert f"and {40 - len(shown)} more, without recent events" in lines


@pytest.mark.parametrize("name", ["\x1b[2J\x1b]0;owned\x07", "[bold]Ann[/bold]", "a\nb\rc", "\u202eAnn", "\x9b2J"])
def test_a_name_is_text_whatever_it_holds(name: str) -> None:
    output = io.StringIO()
    view = LiveView(Console(file=output, width=200))
    view.put(encode(Joined(key("p"), name, True)))
    view.put(encode(emotion(key("p"), label=name)))
    limits, line = output.getvalue().splitlines()
    assert limits == LIMITS
    assert line.isprintable()
    row = row_of(line.split("  ")[0][:10], screen([Joined(key("p"), name, True), emotion(key("p"), label=name)]))
    assert row.isprintable()


def test_without_a_terminal_there_is_a_line_for_each_final_result_and_each_fault() -> None:
    output, ann, bob = io.StringIO(), key("p-1"), key("p-2")
    with LiveView(Console(file=output, width=40), "a title") as view:
        view.put(encode(Joined(ann, "Ann", True)))
        view.put(encode(SpeechStarted(ann, 0, 1.0)))
        view.put(encode(emotion(ann, final=False)))
        assert output.getvalue() == ""
        view.put(encode(emotion(ann, label="unsure")))
        view.put(encode(emotion(bob)))
        view.put(encode(Fault(ann, "engine_failed", "out of memory")))
        view.put(encode(Left(ann, "end")))
    assert output.getvalue().splitlines() == [
        LIMITS,
        "Ann  1.0 to 2.5 s  unsure  (anger 7%, happiness 64%, sadness 3%, neutral 26%)",
        "p-2  1.0 to 2.5 s  happiness  (anger 7%, happiness 64%, sadness 3%, neutral 26%)",
        "Ann: error: out of memory",
    ]


def test_without_a_terminal_a_first_impression_is_worded_with_reserve() -> None:
    output, ann = io.StringIO(), key("p-1")
    with LiveView(Console(file=output)) as view:
        for label, known in (("happiness", 0.0), ("unsure", 0.2), ("happiness", 0.5)):
            view.put(encode(emotion(ann, label=label, known=known)))
    assert [line.split("  ")[2] for line in output.getvalue().splitlines()[1:]] == [
        "learning this voice, perhaps happiness",
        "learning this voice, unsure",
        "happiness",
    ]


def test_even_where_colour_is_forced_a_file_gets_no_control_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    with LiveView() as view:
        view.put(encode(emotion(key("p"))))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 2


def test_events_may_come_from_several_threads_while_it_draws() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=100, height=40, color_system=None)

    def talk(number: int) -> None:
        mine = key(f"p-{number}")
        view.put(encode(Joined(mine, f"Person {number}", True)))
        for _ in range(300):
            view.put(encode(SpeechStarted(mine, 0, 0.0)))
            view.put(encode(emotion(mine)))

    with LiveView(console) as view:
        threads = [threading.Thread(target=talk, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    last = output.getvalue().split("who ")[-1]
    assert all(f"Person {number}" in last for number in range(8))


MANY = {f"mood{number}": 1 / 8 for number in range(8)}


@pytest.mark.parametrize("title", ["at ease", "in high spirits [bold]more[/]"])
def test_other_labels_have_columns_under_their_titles_as_far_as_there_is_room(title: str) -> None:
    ann, labels = key("p-1"), LabelSet.of(MANY, titles={"mood3": title})
    heard = Emotion(ann, 0, 1.0, 2.5, True, MANY, "mood3", 1 / 8, "m@1")
    wide = screen([Joined(ann, "Ann", True), heard], width=200, labels=labels)
    assert title[:20] in row_of("Ann", wide)
    assert row_of("Ann", wide).count("12%") == 8
    (head,) = (line for line in wide if line.startswith("who"))
    assert all(f"mood{number}" in head for number in range(8) if number != 3)
    narrow = screen([Joined(ann, "Ann", True), heard], width=100, labels=labels)
    assert row_of("Ann", narrow).count("12%") == 8
    assert max(map(len, narrow)) <= 100
