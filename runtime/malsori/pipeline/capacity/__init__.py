"""How many live streams an engine bears on this machine."""

LIMIT_S = 1.0  # seconds after the end of speech within which a final is to come, where nobody says
MOST_STALE = 0.1  # share of the partials that may be dropped, where nobody says
