"""Adds a field to the request, and one to the response."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import forward_proxy, outbound

import settings

# There is a new HttpClient for each call: what lasts belongs to the module.
configured = None
send = outbound.send


class HttpClient(exports.HttpClient):
    def configure(self, text):
        """An `Err` with a text stops the gateway's start."""
        global configured, send
        try:
            configured = settings.read(text)
        except ValueError as reason:
            raise Err(str(reason))
        if configured.proxy_address:
            send = transport(configured.proxy_address).send

    def handle(self, request):
        """The `Err` of `send` is one of the contract: it fails this request."""
        request.set_header("x-greeting", configured.greeting.encode())
        response = send(request)
        response.set_header("x-greeted-by", b"hello-python")
        return response


def transport(address):
    """The way through a forward proxy. Opens no connection."""
    try:
        return forward_proxy.Transport.open(address, None)
    except Err as error:
        raise Err(f"proxy_address: {error.value}")
