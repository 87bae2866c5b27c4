"""The HTTP side: pages, API, health, metrics."""
