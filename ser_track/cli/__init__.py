"""The commands of `ser-track`: serve, listen, join, analyze, classify, evaluate and models."""
