"""Meetings that the analysis peer takes part in: here, the rooms of our own server."""
