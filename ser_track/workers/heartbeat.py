"""A worker's report, which the front requests once a second; both sides use this format."""

from dataclasses import dataclass

REPORT = "/internal/report"
"""The path of the report; the front forwards no outside request to it."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The state of a worker at one moment."""

    rooms: dict[str, int]
    """People in each room."""
    meetings: dict[str, int]
    """People in each meeting on another server that the bot is in, by the name of its place."""
    meeting_ids: list[str]
    """Ids of all meetings that can be queried, including those being joined, and those that ended recently."""
    engine_alive: bool
