"""Addresses: any id that an event may carry can stand in one, and no parameter in it is passed over."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request
from starlette.convertors import Convertor, register_url_convertor

from matinee.events import MAX_TEXT
from matinee.service.problems import Problem
from matinee.service.requests import Id

Known = Annotated[str, Path(min_length=1, max_length=MAX_TEXT)]  # may be of a log that took what is refused today
New = Annotated[Id, Path()]


async def no_unknown_parameter(request: Request) -> None:
    """Raises `Problem` 422 for a parameter that the call does not know: a misspelt one may be a guarantee."""
    known = [one.alias for one in request.scope["route"].dependant.query_params]
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        remedy = f"use those it knows: {', '.join(known)}" if known else "leave it out"
        raise Problem(422, "invalid", f"query.{unknown[0][:60]}: the call knows no such parameter", remedy)


class _Rest(Convertor[str]):
    regex = r"[\s\S]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _Rest())  # as in "/titles/{item_id:id}"
