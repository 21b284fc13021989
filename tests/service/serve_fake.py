"""Serve the fake policies on a real socket: `python serve_fake.py LOG PORT [TITLES [WRITE_KEY]]`."""

from __future__ import annotations

import sys
from pathlib import Path

from service_fakes import GenrePolicy, outreach_of, small_catalog

from matinee.data.log import EventLog
from matinee.service.app import create_app
from matinee.service.deployment import Deployment
from matinee.service.keys import Keys
from matinee.service.run import listen, run


def main(path: str, port: str, titles: str = "60", *keys: str) -> None:
    """Serve until killed."""
    catalog = small_catalog(int(titles))
    fallback = [("genres", GenrePolicy(catalog))]
    policies = {"home": fallback, "similar": fallback, "outreach": [("plain", outreach_of(catalog))]}
    deployment = Deployment(EventLog(Path(path)), catalog, policies, keys=Keys.of(write=keys))
    with listen("127.0.0.1", int(port)) as sock:
        run(create_app(deployment), sock, lambda url: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
