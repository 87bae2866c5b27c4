"""One folder for each kind of meeting. A new kind changes nothing outside its own folder."""
