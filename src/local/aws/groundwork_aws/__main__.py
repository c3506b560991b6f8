"""Start the local cloud's AWS: `python -m groundwork_aws --port PORT`."""

from __future__ import annotations

import argparse
import ipaddress
import os
import signal
import sys
import threading
from pathlib import Path


def _loopback(host: str) -> str:
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise argparse.ArgumentTypeError(f"{host} is not a loopback address")
    return host


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("groundwork_aws", description="AWS for Groundwork's local cloud.")
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 takes a free one")
    parser.add_argument("--host", type=_loopback, default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--settle", type=float, help="seconds that every transition takes")
    parser.add_argument("--speed", type=float, default=1.0, help="factor by which AWS's usual durations are divided")
    parser.add_argument("--port-file", type=Path, help="file to write the port to")
    parser.add_argument(
        "--external-control-plane",
        action="store_true",
        help="an EKS cluster becomes ACTIVE only when its endpoint is told through the admin API",
    )
    return parser.parse_args()


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    arguments = _arguments()
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "MOTO_ACCOUNT_ID"):
        os.environ.pop(name, None)  # they are the clients' and would lead botocore or moto astray in here

    from groundwork_aws import registry
    from groundwork_aws.clock import CLOCK
    from groundwork_aws.server import Handler, Server
    from groundwork_aws.settings import SETTINGS

    CLOCK.settle, CLOCK.speed = arguments.settle, arguments.speed
    SETTINGS.external_control_plane = arguments.external_control_plane
    registry.register()

    server = Server((arguments.host, arguments.port), Handler)
    port = server.server_address[1]
    os.environ["MOTO_PORT"] = str(port)

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if arguments.port_file:
        partial = arguments.port_file.with_suffix(".partial")
        partial.write_text(f"{port}\n")
        partial.replace(arguments.port_file)
    print(f"listening on {arguments.host}:{port}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    sys.stdout.flush()
    os._exit(0)  # connection threads are daemons that may sit in a read; nothing of theirs is worth waiting for


if __name__ == "__main__":
    main()
