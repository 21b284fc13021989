"""Where a request comes from: an open service answers its own machine only, and no page of another site."""

from __future__ import annotations

import re
from collections.abc import Sequence

from matinee.service.problems import Problem

Headers = Sequence[tuple[bytes, bytes]]

LOCAL = re.compile(rb"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?", re.IGNORECASE)
SAFE = ("GET", "HEAD")


def require_local_name(headers: Headers) -> None:
    """Raises `Problem` 421 unless every Host is a name of this machine: a foreign name may be any web site's."""
    hosts = [value for name, value in headers if name == b"host"]
    if not hosts or not all(LOCAL.fullmatch(host) for host in hosts):
        seen = hosts[-1][:100].decode("latin-1") if hosts else ""
        remedy = "ask for localhost or 127.0.0.1, or start the service with keys"
        raise Problem(421, "refused", f"an open service answers its own machine only, not the host {seen!r}", remedy)


def require_own_site(headers: Headers, method: str, path: str) -> None:
    """Raises `Problem` 403 for what a page of another site asks, unless a person follows a link to one of our pages."""
    sent = dict(headers)
    if not _foreign(sent):
        return
    follows = sent.get(b"sec-fetch-mode", b"navigate") == b"navigate"
    if method in SAFE and follows and not path.startswith("/v1/"):
        return
    remedy = "open the service's own page, or start the service with keys and call it from a server"
    raise Problem(403, "refused", "a page of another site asks, and the service is open", remedy)


def _foreign(sent: dict[bytes, bytes]) -> bool:
    """Whether the browser says so; older ones name the page's origin only."""
    origin = sent.get(b"origin")
    elsewhere = origin is not None and not LOCAL.fullmatch(origin.partition(b"://")[2])
    return sent.get(b"sec-fetch-site") == b"cross-site" or elsewhere
