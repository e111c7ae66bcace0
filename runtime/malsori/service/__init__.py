"""The local service: HTTP, WebSockets and Wyoming around shared engines."""
