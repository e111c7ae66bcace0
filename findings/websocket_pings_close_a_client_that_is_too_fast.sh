#!/usr/bin/env bash
# websockets 17.4 and uvicorn 0.54.0: keepalive closes a healthy client whose only fault is that it streams ahead.
#
# A live recognizer that takes sound slower than a client sends it needs nothing more: the server stops reading, TCP
# fills up and the client waits. But the pong stands in the same line, behind all the sound that waits in the buffers
# of two sockets (megabytes), and the time of the ping runs on: the server closes with 1011 "keepalive ping timeout",
# while client and application work and no single message takes long. What was sent and not yet taken is lost. uvicorn
# with either of its protocols and the server of websockets itself do the same; a client that sends no faster than the
# application hears is never closed. Defaults are 20 s and 20 s: a file streamed at once, to a model that needs longer
# than that for what the buffers hold, is enough. Without a ping timeout (ws_ping_timeout=None) all of it comes.
#
# Seen, Python 3.11, Linux, 200 messages of 16,000 bytes, 20 ms of work for each, a ping each 0.5 s, 0.5 s for its pong:
#   uvicorn websockets-sansio: sent ahead: 1011 keepalive ping timeout; at the pace of the application: all heard
#   uvicorn wsproto: sent ahead: 1011 keepalive ping timeout; at the pace of the application: all heard
#   websockets: sent ahead: 1011 keepalive ping timeout; at the pace of the application: all heard
#   uvicorn websockets-sansio without a ping timeout: sent ahead: all heard
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check uvicorn==0.54.0 websockets==17.4 wsproto==1.3.2
cat > "$folder/stream.py" <<'PY'
import asyncio
from contextlib import asynccontextmanager

import uvicorn
import websockets
from websockets.asyncio.server import serve

MESSAGES, SIZE, WORK, LIMIT = 200, 16_000, 0.02, 0.5


async def application(scope, receive, send):
    """Hear the messages one by one, and say so when all have come."""
    await receive()
    await send({"type": "websocket.accept"})
    heard = 0
    while (await receive())["type"] == "websocket.receive":
        await asyncio.sleep(WORK)
        heard += 1
        if heard == MESSAGES:
            await send({"type": "websocket.send", "text": "all heard"})


async def handler(connection):
    """Do the same with a connection of websockets."""
    heard = 0
    try:
        async for _ in connection:
            await asyncio.sleep(WORK)
            heard += 1
            if heard == MESSAGES:
                await connection.send("all heard")
    except websockets.ConnectionClosed:
        pass


@asynccontextmanager
async def by_uvicorn(protocol, limit=LIMIT):
    config = uvicorn.Config(
        application, port=0, ws=protocol, ws_ping_interval=LIMIT, ws_ping_timeout=limit, lifespan="off",
        log_level="critical",
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.05)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


@asynccontextmanager
async def by_websockets():
    async with serve(handler, "127.0.0.1", 0, ping_interval=LIMIT, ping_timeout=LIMIT) as server:
        yield server.sockets[0].getsockname()[1]


async def streamed(port, pause):
    """Send all messages; return what the server says to them. The library answers pings by itself."""
    async with websockets.connect(f"ws://127.0.0.1:{port}", ping_interval=None) as connection:
        try:
            for _ in range(MESSAGES):
                await connection.send(bytes(SIZE))
                await asyncio.sleep(pause)
            return await connection.recv()
        except websockets.ConnectionClosedError as error:
            return f"{error.rcvd.code} {error.rcvd.reason}"


async def main():
    servers = {
        "uvicorn websockets-sansio": by_uvicorn("websockets-sansio"),
        "uvicorn wsproto": by_uvicorn("wsproto"),
        "websockets": by_websockets(),
    }
    for name, server in servers.items():
        async with server as port:
            ahead, paced = await streamed(port, 0), await streamed(port, 2 * WORK)
        print(f"{name}: sent ahead: {ahead}; at the pace of the application: {paced}")
        assert ahead == "1011 keepalive ping timeout" and paced == "all heard"
    async with by_uvicorn("websockets-sansio", limit=None) as port:
        ahead = await streamed(port, 0)
    print(f"uvicorn websockets-sansio without a ping timeout: sent ahead: {ahead}")
    assert ahead == "all heard"


asyncio.run(main())
PY
"$folder/venv/bin/python" "$folder/stream.py"
