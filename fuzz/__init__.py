"""Fuzzing: feeds damaged input to everything that parses what comes from outside, within bounds of time and memory."""
