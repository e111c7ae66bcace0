"""Texts and subtitles to their times in a recording, by a CTC model."""
