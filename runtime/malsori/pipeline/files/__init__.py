"""Recordings to transcripts: read, cut into stretches of speech, pooled, stitched together, with nothing left out."""
