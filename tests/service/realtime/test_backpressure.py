"""A client that is faster than the engine waits; it is not taken for lost, however long that is."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
import websockets

from malsori.service.deadlines import protocols
from malsori.service.serve_options import ServiceLimits

MESSAGES = 5


async def slow(scope: Any, receive: Any, send: Any) -> None:
    """Take messages much more slowly than pings are answered, then say that all are there."""
    await receive()
    await send({"type": "websocket.accept"})
    for _ in range(MESSAGES):
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await asyncio.sleep(0.4)
    await send({"type": "websocket.send", "text": "all"})
    await send({"type": "websocket.close"})


async def talk() -> str:
    config = uvicorn.Config(
        slow,
        port=0,
        ws=protocols(ServiceLimits())[1],
        ws_ping_interval=0.1,
        ws_ping_timeout=0.1,
        lifespan="off",
        log_config=None,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with websockets.connect(f"ws://127.0.0.1:{port}", ping_interval=None) as socket:
            for _ in range(MESSAGES):
                await socket.send(b"x" * 100_000)
            return str(await asyncio.wait_for(socket.recv(), 20))
    finally:
        server.should_exit = True
        await running


def test_a_client_whose_answers_wait_behind_its_messages_is_not_lost() -> None:
    assert asyncio.run(talk()) == "all"
