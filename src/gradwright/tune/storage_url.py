"""Addresses of databases, and messages about them, without the passwords in them."""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["scrubbed", "without_password"]

_SECRET = re.compile(r"pass|pwd|secret|token|key", re.IGNORECASE)


def without_password(url: str) -> str:
    """Return an address as it may be shown and recorded.

    Examples
    --------
    >>> without_password("postgresql://ann:geheim@db.example/studies?sslmode=require&sslpassword=x")
    'postgresql://ann:***@db.example/studies?sslmode=require&sslpassword=***'
    >>> without_password("sqlite:///studies.db")
    'sqlite:///studies.db'
    """
    scheme, sign, rest = url.partition("://")
    rest, question, query = rest.partition("?")
    # a password may hold any sign, an @ or a / too: all up to the last @ is the user's
    user, at, place = rest.rpartition("@")
    if ":" in user:
        user = f"{user.partition(':')[0]}:***"
    if "@" in query:  # a question mark in a password that should have been written %3F
        return f"{scheme}{sign}***@{query.rpartition('@')[2]}"
    parts = [f"{k}{e}***" if e and _SECRET.search(k) else f"{k}{e}{v}" for k, e, v in _pairs(query)]
    return f"{scheme}{sign}{user}{at}{place}{question}{'&'.join(parts)}"


def scrubbed(message: str, url: str) -> str:
    """Return a message of a database's driver without the secrets of the address, however they are written.

    Examples
    --------
    >>> scrubbed("no such host: a%40b or a@b", "postgresql://ann:a%40b@db/x")
    'no such host: *** or ***'
    """
    message = message.replace(url, without_password(url))
    rest, _, query = url.partition("://")[2].partition("?")
    secrets = [rest.rpartition("@")[0].partition(":")[2], *(v for k, _, v in _pairs(query) if _SECRET.search(k))]
    for secret in sorted({form for s in secrets for form in (s, unquote(s), unquote(s.replace("+", " ")))}, key=len):
        if secret:
            message = message.replace(secret, "***")
    return message


def _pairs(query: str) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in query.split("&")] if query else []
