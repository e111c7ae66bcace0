"""/v1/realtime: who comes, with which model and in which dialect."""

from __future__ import annotations

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from ..access import header
from ..refusal import Refusal
from ..socket_talk import CODES, POLICY, ClientLeft, SocketTalk
from ..state import Service
from .conversation import Conversation
from .realtime_session import RealtimeSession
from .server_events import error_event

BETA = "realtime=v1"  # of the header OpenAI-Beta


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of this room."""

    async def endpoint(websocket: WebSocket) -> None:
        talk = SocketTalk(websocket, service, service.limits.realtime_bytes)
        try:
            await talk.accept()
            await Conversation(service, talk, _session(service, websocket)).run()
        except ClientLeft:
            await talk.close()
        except Refusal as refusal:
            await talk.send(error_event(refusal))
            await talk.close(CODES.get(refusal.status, POLICY), refusal.code)

    return [WebSocketRoute("/v1/realtime", endpoint)]


def _session(service: Service, websocket: WebSocket) -> RealtimeSession:
    """Return the session that the address and the headers ask for. Raises `Refusal`."""
    query = websocket.query_params
    if query.get("intent", "transcription") != "transcription":
        message = "intent: expected transcription: this service writes down speech, and does not answer"
        raise Refusal(400, "invalid_value", message, "intent")
    beta = BETA in (header(websocket.scope, b"openai-beta") or "")
    model = query.get("model")
    return RealtimeSession(service.registry, service.limits, model=model, language=service.options.language, beta=beta)
