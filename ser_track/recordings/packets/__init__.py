"""Recorded meetings in their servers' own form: packets with their times, replayed as a call would have heard them."""
