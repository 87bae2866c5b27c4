"""Tests of ``ser-track tune``."""
