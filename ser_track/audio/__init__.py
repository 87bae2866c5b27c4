"""Audio as it comes and as the engine takes it: bytes, frames and tracks to 16 kHz mono."""
