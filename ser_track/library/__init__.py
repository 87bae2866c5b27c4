"""For programs: typed events of files, arrays and async sources. `ser_track` itself exports all that is here."""
