"""RTP packets in, 16 kHz mono samples with their media time out: order, loss concealment, decoding."""
