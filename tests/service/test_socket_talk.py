"""A socket's manners: whatever becomes of its client, nothing is left behind."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from starlette.websockets import WebSocketDisconnect, WebSocketState

from malsori.service.refusal import Refusal
from malsori.service.socket_talk import SocketTalk


class LostSocket:
    """A socket whose client has left without a word, so that nothing comes and nothing can be sent."""

    application_state = WebSocketState.CONNECTED

    async def send_text(self, text: str) -> None:
        raise WebSocketDisconnect(1006)

    async def close(self, code: int, reason: str) -> None:
        raise WebSocketDisconnect(1006)

    async def receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}


def test_a_client_that_left_before_it_was_refused_leaves_no_task_behind() -> None:
    async def refused() -> set[asyncio.Task[Any]]:
        service = SimpleNamespace(ending=asyncio.Event())
        talk = SocketTalk(LostSocket(), service, 1_000)  # type: ignore[arg-type]
        assert await talk.receive(0.01) is None
        await talk.refuse(Refusal(400, "config_required", "nothing came"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(refused()) == set()
