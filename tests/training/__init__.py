"""Tests of the training code that the figures rest on."""
