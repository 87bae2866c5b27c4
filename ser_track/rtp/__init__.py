"""Turns RTP packets into 16 kHz mono samples with media time: order, loss concealment, decoding."""
