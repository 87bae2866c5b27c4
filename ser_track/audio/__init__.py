"""Converts incoming audio (bytes, frames, tracks) to 16 kHz mono for the engine."""
