"""What is tested without a gateway: it imports nothing of the contract."""

import json
from dataclasses import dataclass


@dataclass
class Settings:
    greeting: str
    # A forward proxy to send through; None is the direct way.
    proxy_address: str | None


def read(text):
    """The settings in the JSON text of the object under `plugin/http-client`.

    Raises ValueError with the reason why they cannot be used, beginning with the key.
    """
    members = json.loads(text)
    greeting = members.get("greeting")
    if not isinstance(greeting, str):
        raise ValueError("greeting: must be a text")
    return Settings(greeting, members.get("proxy_address"))
