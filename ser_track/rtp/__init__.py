"""Tracks and frames in, 16 kHz mono samples with their media time out."""
