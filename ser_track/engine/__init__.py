"""The pure core: samples in, events out. No clock, no threads, no asyncio, no network."""
