"""What a worker says of itself when the front asks, once a second; both sides read it here."""

from dataclasses import dataclass

REPORT = "/internal/report"
"""Where it is asked for; the front passes no request from outside on to it."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A worker at one moment."""

    rooms: dict[str, int]
    """People in each room."""
    meetings: dict[str, int]
    """People in each meeting on another server that the bot is in, by the name of its place."""
    meeting_ids: list[str]
    """Of all meetings that can be asked about: also those that are just being joined, and those that ended lately."""
    engine_alive: bool
