"""One folder for each kind of meeting; a new one edits nothing outside its own."""
