"""Where the hubs are, and whether they answer."""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

from lf_wrap.errors import UserError
from lf_wrap.hub.names import HubName

HUBS: dict[HubName, str] = {"modelscope": "ModelScope", "huggingface": "Hugging Face"}
SECONDS_TO_ANSWER = 5.0
# The variables that the hubs' own SDKs read, first come first served, and what they go to without them.
ENDPOINTS: dict[HubName, tuple[tuple[str, ...], str]] = {
    "modelscope": (("MODELSCOPE_ENDPOINT", "MODELSCOPE_DOMAIN"), "https://www.modelscope.cn"),
    "huggingface": (("HF_ENDPOINT",), "https://huggingface.co"),
}


def endpoint(hub: HubName) -> str:
    """The address at which the hub's SDK will ask, mirrors considered.

    Raises:
        UserError: a variable holds something that is no web address.
    """
    variables, usual = ENDPOINTS[hub]
    said = next(((name, os.environ[name]) for name in variables if os.environ.get(name, "").strip()), None)
    if said is None:
        return usual
    variable, address = said[0], said[1].strip().rstrip("/")
    if hub == "modelscope" and "://" not in address:
        address = f"https://{address}"
    if urlsplit(address).scheme not in {"http", "https"} or not urlsplit(address).hostname:
        raise UserError(f"{variable}={without_login(address)} is no web address", fix=f"export {variable}={usual}")
    return address


def without_login(address: str) -> str:
    """The address as it may be printed: without a user's name and password."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def why_not(hub: HubName, seconds: float = SECONDS_TO_ANSWER) -> str | None:
    """Why the hub cannot be asked, in words; None when it can."""
    if hub == "huggingface" and os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in {"1", "true", "yes", "on"}:
        return "HF_HUB_OFFLINE is set"
    address = endpoint(hub)
    said = reaches(address, seconds)
    return said and f"{HUBS[hub]} does not answer at {without_login(address)}: {said}"


def reaches(address: str, seconds: float = SECONDS_TO_ANSWER) -> str | None:
    """None when a server answers at `address` within so many seconds, whatever it says; else why not."""
    import urllib.error
    import urllib.request

    request = urllib.request.Request(address, method="HEAD", headers={"User-Agent": "lfw"})  # noqa: S310 (http, https)
    try:
        with urllib.request.urlopen(request, timeout=seconds):  # noqa: S310
            return None
    except urllib.error.HTTPError:
        return None
    except urllib.error.URLError as error:
        return str(error.reason)
    except (OSError, ValueError) as error:
        return str(error) or type(error).__name__
