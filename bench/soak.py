"""Hours of a call on a fast clock, with the real packet path and the real models: `python -m bench.soak`.

People join, speak in turns, lose packets and leave during the whole call. At the end it prints one JSON object: memory
by the hour, the objects that are still held, and whether every stretch of speech was found where it was, and nowhere
else.
"""

import argparse
import gc
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.packets import room_noise, speech
from ser_track.config.schema import Config
from ser_track.event_types import EngineEvent, SpeechEnded, StreamKey
from ser_track.live.cpu_stages import CpuStages
from ser_track.live.intake import Intake
from ser_track.live.turns import Turns
from ser_track.models import new_engine
from ser_track.rtp.header import Arrival

_TICK_S: Final = 0.032
_PACKET_S: Final = 0.02
_TICKS: Final = 960
_TURNS: Final = 8
_STAY_S: Final = (120.0, 1200.0)
_LOSS: Final = 0.01
_JITTER_S: Final = 0.03
_SLACK_S: Final = 0.5
"""Speech may be found this long before and after the recording, which begins and ends with some silence."""


@dataclass
class Person:
    """A person in the call, from joining until leaving."""

    key: StreamKey
    begin: int
    """Packet time of the call at which they join."""
    end: int
    turn: int
    ssrc: int = field(default_factory=lambda: random.getrandbits(32))
    sequence: int = field(default_factory=lambda: random.getrandbits(16))
    timestamp: int = field(default_factory=lambda: random.getrandbits(32))
    segments: list[tuple[float, float]] = field(default_factory=list)

    def packet(self, n: int, spoken: list[bytes], noise: list[bytes]) -> bytes:
        """The packet that they send in packet time ``n`` of the call: speech in their turn."""
        turn, place = divmod(n, len(spoken))
        return spoken[place] if turn % _TURNS == self.turn else noise[n % len(noise)]

    def turns(self, length: int) -> Iterator[tuple[float, float]]:
        """The positions of their speech, complete turns only, in seconds of their stream."""
        for turn in range(-(-self.begin // length), self.end // length):
            if turn % _TURNS == self.turn:
                yield (turn * length - self.begin) * _PACKET_S, ((turn + 1) * length - self.begin) * _PACKET_S


class Soak:
    """A simulated call, and the checks on it."""

    def __init__(self, people: int, seed: int = 0) -> None:
        random.seed(seed)
        self._config = Config()
        self._engine = new_engine(self._config.pipeline)
        self._intake = Intake(self._config.runtime.max_held_audio_s, Turns(1), CpuStages())
        self._spoken, self._noise = speech(), room_noise()
        self._flying: list[tuple[float, StreamKey, Arrival]] = []
        self.joined = self.found = self.misplaced = self.missing = self.faults = 0
        self._ticks = self._sent = 0
        self._people = [self._join(0, place) for place in range(people)]

    def run(self, seconds: float) -> None:
        """Continue for ``seconds`` of the call."""
        for _ in range(round(seconds / _TICK_S)):
            self._ticks += 1
            now = self._ticks * _TICK_S
            while self._sent * _PACKET_S < now:
                self._send(self._sent)
                self._sent += 1
            self._hear(now)

    def hang_up(self) -> None:
        """Everybody leaves."""
        for person in self._people:
            self._leave(person)
        self._people = []

    def held(self) -> dict[str, int]:
        """The objects that are still held for people who left."""
        streams = self._engine._streams, self._intake._packets._streams, self._intake._packets._busy
        return {"streams": len(streams[0]), "packet_streams": len(streams[1]) + len(streams[2])}

    def _join(self, n: int, place: int) -> Person:
        self.joined += 1
        key = StreamKey("call", f"p{self.joined}", f"s{self.joined}")
        self._engine.open(key)
        return Person(key, n, n + round(random.uniform(*_STAY_S) / _PACKET_S), place % _TURNS)

    def _send(self, n: int) -> None:
        for place, person in enumerate(self._people):
            if n == person.end:
                self._leave(person)
                person = self._people[place] = self._join(n, place)
            step = n - person.begin
            payload = person.packet(n, self._spoken, self._noise)
            if step and random.random() < _LOSS:
                continue
            came = n * _PACKET_S + random.uniform(0, _JITTER_S)
            numbers = (person.sequence + step) & 0xFFFF, (person.timestamp + step * _TICKS) & 0xFFFFFFFF
            self._flying.append((came, person.key, Arrival(person.ssrc, *numbers, payload, came)))

    def _hear(self, now: float) -> None:
        self._flying.sort(key=lambda each: each[0])
        while self._flying and self._flying[0][0] <= now:
            _, key, arrival = self._flying.pop(0)
            self._intake.put(key, arrival)
        wanted = {person.key for person in self._people}
        for key, chunks in self._intake.take(now, wanted, None):
            for chunk in chunks:
                self._engine.push(key, chunk)
        self._note(self._engine.tick())
        self.faults += len(self._intake.take_failed())

    def _leave(self, person: Person) -> None:
        person.end = min(person.end, self._sent)
        for chunk in self._intake.flush(person.key):
            self._engine.push(person.key, chunk)
        self._note(self._engine.flush(person.key))
        self._intake.forget(person.key)
        turns = list(person.turns(len(self._spoken)))
        for begin, end in person.segments:
            inside = (a - _SLACK_S <= begin and end <= b + _SLACK_S for a, b in self._all_turns(person))
            self.misplaced += not any(inside)
        for a, b in turns:
            self.missing += not any(a - _SLACK_S <= begin < b for begin, _ in person.segments)
        self.found += len(person.segments)

    def _all_turns(self, person: Person) -> list[tuple[float, float]]:
        """Their turns, including those during which they joined or left."""
        length = len(self._spoken)
        first, last = person.begin // length, person.end // length + 1
        return [
            ((turn * length - person.begin) * _PACKET_S, ((turn + 1) * length - person.begin) * _PACKET_S)
            for turn in range(first, last)
            if turn % _TURNS == person.turn
        ]

    def _note(self, events: list[EngineEvent]) -> None:
        by_key = {person.key: person for person in self._people}
        for event in events:
            if isinstance(event, SpeechEnded):
                by_key[event.key].segments.append((event.start_s, event.end_s))
            self.faults += type(event).__name__ == "Fault"


def rss_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def soak(hours: float, people: int, samples: int = 8) -> dict[str, Any]:
    """Simulate, and report."""
    call = Soak(people)
    memory = list[float]()
    for _ in range(samples):
        call.run(hours * 3600 / samples)
        gc.collect()
        memory.append(round(rss_mb(), 1))
    call.hang_up()
    return {
        "hours": hours,
        "people": people,
        "joined": call.joined,
        "segments": call.found,
        "misplaced": call.misplaced,
        "missing": call.missing,
        "faults": call.faults,
        "rss_mb": memory,
        "held_afterwards": call.held(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--people", type=int, default=8)
    args = parser.parse_args()
    print(json.dumps(soak(args.hours, args.people)))


if __name__ == "__main__":
    main()
