"""Ids in addresses: whatever an event may carry can be asked for, changed and deleted, slashes included."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.convertors import Convertor, register_url_convertor

from matinee.events import MAX_TEXT
from matinee.service.schemas import Id

Known = Annotated[str, Path(min_length=1, max_length=MAX_TEXT)]  # may be of a log that took what is refused today
New = Annotated[Id, Path()]


class _Rest(Convertor[str]):
    regex = r"[\s\S]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _Rest())  # as in "/titles/{item_id:id}"
