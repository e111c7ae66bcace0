"""The process of the service: addresses, models, signals, and the order in which it begins and ends."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from ..errors import MalsoriError, OptionError
from ..pipeline import load
from ..pipeline.sharing.scheduler import Scheduler
from .application import application
from .deadlines import protocols
from .notify import ServiceManager
from .refusal import Refusal
from .registry import Registry, served
from .serve_options import ServeOptions, within
from .service_log import blame, log, start_logging
from .startup import prepare
from .state import Service
from .telemetry import Metrics
from .wyoming import serve_wyoming

UNSTARTED = 3  # exit code of a service that could not start, as uvicorn's own
START_S = 600.0  # seconds that a start may take before systemd counts it as failed: large models, small boxes
SWEEP_S = 1.0  # seconds between two looks at idle models
FORCED_S = 1.0  # seconds from the second signal to the end of the process
BACKLOG = 2_048  # connections that the system holds before they are accepted


def run(options: ServeOptions) -> int:
    """Run the service until a signal ends it; return 0, or 3 where it could not start.

    Raises as `malsori.service.serve`.
    """
    found, default, partials = served(options.model, options.partials, options.models, options.language)
    start_logging(options.log_format, options.log_level)
    metrics = Metrics()
    scheduler = Scheduler(waited=metrics.waited)

    def loaded(each: Any) -> Any:
        return load(
            each.folder,
            device=options.device,
            compute_type=options.compute_type,
            threads=options.threads,
            memory=options.memory,  # type: ignore[arg-type]
            verify=options.verify,
        )

    def told(what: str, name: str, seconds: float) -> None:
        if what == "load":
            metrics.loaded(seconds)
        log(what, model=name, seconds=round(seconds, 3))

    registry = Registry(
        found,
        default,
        partials,
        scheduler,
        loaded,
        most=options.loaded,
        load_seconds=options.limits.load_seconds,
        told=told,
    )
    listening = listen_at(options.host, options.port)
    return asyncio.run(_serve(options, registry, scheduler, metrics, listening))


def listen_at(host: str, port: int) -> socket.socket:
    """Return a socket that listens there. Raises `OptionError` where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP by name: asyncio sends at once (TCP_NODELAY) only on sockets that say so, and on others an answer's body waits
    # 40 ms for the client to acknowledge its head.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        hint = "; --port N is another one, 0 any that is free" if error.errno == errno.EADDRINUSE else ""
        raise OptionError(f"--host {host} --port {port}: {reason}{hint}") from error
    return listening


async def _serve(
    options: ServeOptions, registry: Registry, scheduler: Scheduler, metrics: Metrics, listening: socket.socket
) -> int:
    service = Service(options, registry, scheduler, metrics)
    manager = ServiceManager()
    server = DrainingServer(service, manager, _config(service))
    server.handle_signals()
    tasks = [asyncio.create_task(_sweep(service)), asyncio.create_task(manager.keep_alive())]
    async with contextlib.AsyncExitStack() as closing:
        closing.callback(service.close)
        if options.wyoming is not None:
            wyoming = await serve_wyoming(service, options.wyoming)
            closing.push_async_callback(wyoming.close)
        tasks.append(asyncio.create_task(_prepare(service, server, manager)))
        host, port = listening.getsockname()[:2]
        if not options.is_local and options.api_key_file is None:
            told = "everybody who reaches this address may use it, web pages by way of a browser too; see --allow-host"
            log("open", "warning", host=options.host, message=told)
        log("listening", url=f"http://{f'[{host}]' if ':' in host else host}:{port}", model=registry.default)
        await server.serve(sockets=[listening])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return server.code


async def _prepare(service: Service, server: DrainingServer, manager: ServiceManager) -> None:
    """Make the service ready, or end it where it cannot be."""
    manager.status(f"loading {service.registry.default}")
    manager.extend(START_S)
    try:
        await prepare(service)
    except (MalsoriError, Refusal) as error:
        log("failed", level="error", message=str(error))
        server.fail()
    except Exception as error:
        log("failed", level="error", **blame(error))
        server.fail()
    else:
        log("ready", models=",".join(service.registry.loaded), streams=service.places.most)
        manager.ready(f"{service.places.most or 'any number of'} live sessions")


async def _sweep(service: Service) -> None:
    """Unload idle models, now and then."""
    while True:
        await asyncio.sleep(SWEEP_S)
        service.registry.unload_idle(service.options.idle_unload)


def _config(service: Service) -> uvicorn.Config:
    http, socket_ = protocols(service.limits)
    return uvicorn.Config(
        application(service),
        http=http,
        ws=socket_,
        ws_max_size=service.limits.realtime_bytes or 1 << 40,
        ws_per_message_deflate=False,  # 56 kB a socket, and a message that inflates to any size
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,  # the service has waited already
    )


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which lets the service drain before it closes connections. A second signal ends it at once."""

    def __init__(self, service: Service, manager: ServiceManager, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._service, self._manager = service, manager
        self.code = 0

    def handle_signals(self) -> None:
        """Take SIGINT and SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)

    def stop(self) -> None:
        """End in order; called again, end within `FORCED_S`."""
        if self.should_exit:
            self.force_exit = True
            # Python waits for threads, and a model that is being loaded or measured may keep one for a minute.
            asyncio.get_running_loop().call_later(FORCED_S, os._exit, self.code)
        self.should_exit = True

    def fail(self) -> None:
        """End because the service could not start."""
        self.code, self.should_exit = UNSTARTED, True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals as they are; uvicorn would raise them again at the end, and the process not end with 0."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then close."""
        log("draining", sessions=self._service.places.taken, uploads=self._service.work.waiting)
        self._manager.stopping()
        draining = asyncio.create_task(self._service.drain(within(self._service.limits.drain_seconds)))
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=0.1)
        draining.cancel()
        await super().shutdown(sockets)
        log("stopped", code=self.code)
