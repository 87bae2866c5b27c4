"""``ser-track analyze``: recordings in, events and documents out."""

from ser_track.cli.analyze.command import add_arguments, run

__all__ = ["add_arguments", "run"]
