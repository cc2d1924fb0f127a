"""Addresses of HTTP servers, whose passwords are shown nowhere."""

import urllib.parse
from dataclasses import dataclass, field

from tasks.errors import SettingInvalid


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where an HTTP server is; as text it is `http://host:port`, because the rest may hold a password or a key."""

    base: str
    path: str = field(repr=False)
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)

    @classmethod
    def from_url(cls, url: str, *, setting: str) -> "Address":
        """Take `http://user:password@host:port/path`. Raises SettingInvalid, which names the setting only."""
        try:
            parts = urllib.parse.urlsplit(url)
            where, port = parts.hostname, parts.port
        except ValueError:
            raise _unreadable(setting) from None
        rest = urllib.parse.urlunsplit(("", "", parts.path.rstrip("/"), parts.query, ""))
        # A password with an unescaped / ? or # spills into what comes after the host.
        is_spilt = "@" in rest + parts.fragment or " " in url or not url.isprintable()
        if parts.scheme not in ("http", "https") or not where or is_spilt:
            raise _unreadable(setting)
        host = f"[{where}]" if ":" in where else where
        return cls(
            base=f"{parts.scheme}://{host}:{port}" if port else f"{parts.scheme}://{host}",
            path=rest,
            user=urllib.parse.unquote(parts.username) if parts.username else None,
            password=urllib.parse.unquote(parts.password) if parts.password else None,
        )

    def __str__(self) -> str:
        return self.base


def _unreadable(setting: str) -> SettingInvalid:
    return SettingInvalid(
        f"{setting} is no address of an HTTP server (it is not shown: it may hold a password)",
        hint="write it as http://user:password@host:9091, special characters of the password as %XX",
    )
