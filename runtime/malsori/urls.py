"""What is a URL, and not a path of this machine."""

from __future__ import annotations


def is_url(place: str) -> bool:
    """Return whether a place is a URL: s3://, gs://, memory://, https://, ..."""
    return "://" in place
