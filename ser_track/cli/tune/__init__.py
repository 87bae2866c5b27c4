"""``ser-track tune``: a head of the user's own on a shipped embedding."""

from ser_track.cli.tune.command import add_arguments, run

__all__ = ["add_arguments", "run"]
