"""The sockets that the exchange listens on."""

import errno
import socket

_BACKLOG = 1024


def listen_at(host: str, port: int, setting: str) -> socket.socket:
    """Bind an address; "::" means every address of this machine, also of IPv4.

    Raises OSError, which names the address and ``setting``, the setting for another port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server(
            (host, port),
            family=family,
            backlog=_BACKLOG,
            reuse_port=False,
            dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        why = f"is in use; choose another with {setting}"
        if error.errno != errno.EADDRINUSE:
            why = f"cannot be listened on: {error.strerror or error}"
        raise OSError(f"{host} port {port} {why}") from None
