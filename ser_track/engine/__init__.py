"""The pure middle: samples in, events out. No clock, no threads, no asyncio, no network."""
