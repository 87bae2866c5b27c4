"""Recorded meetings in their servers' own formats: timed packets, replayed as a call would have received them."""
