"""The HTTP side: pages, signalling, health, metrics."""
