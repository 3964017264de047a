"""Model and dataset hubs: what is called what there, and how it gets here whole."""

from lf_wrap.hub.fetch import Fetched, fetch, fetched
from lf_wrap.hub.names import SHORTCUTS, HubId, HubName, Kind, default_folder, is_hub_url, parse, parse_url
from lf_wrap.hub.push import push, push_target
from lf_wrap.hub.reach import HUBS, endpoint, why_not, without_login

__all__ = [
    "HUBS",
    "SHORTCUTS",
    "Fetched",
    "HubId",
    "HubName",
    "Kind",
    "default_folder",
    "endpoint",
    "fetch",
    "fetched",
    "is_hub_url",
    "parse",
    "parse_url",
    "push",
    "push_target",
    "why_not",
    "without_login",
]
