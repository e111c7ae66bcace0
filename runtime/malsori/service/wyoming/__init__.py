"""Wyoming, the protocol of Home Assistant's voice services: one turn of speech a connection, over TCP or a Unix socket.

    wyoming_server.py   listens, counts and ends connections
    dialogue.py         what is said on a connection
    turn.py             one turn: sound in, a transcript out
    framing.py          messages on the socket, each within its limits
    chunk_sound.py      chunks of any rate, width and channels as sound
    wyoming_info.py     what a client is told of the models
    home_names.py       names of rooms and devices to listen for
    discovery.py        announced on the network

It follows the protocol's description (github.com/OHF-Voice/wyoming, 1.10.2), not that package's code, which is used in
tests alone.
"""

from __future__ import annotations

from .wyoming_server import WyomingServer, serve_wyoming

__all__ = ["WyomingServer", "serve_wyoming"]
