"""The session cookie.

Pages cannot read it, other sites cannot have it sent, and over HTTPS its name binds it to exactly this host
(RFC 6265bis, section 4.1.3.2). It goes when the browser is closed; how long the session lasts at most is the
server's to say.
"""

from __future__ import annotations

from tamas.console.caller import Caller

NAME = "tamas_session"
_SECURE_NAME = f"__Host-{NAME}"
MAX_TOKEN = 128
"""Characters; ours are shorter."""


def session_token(caller: Caller) -> str | None:
    """The session's token that a browser sent. Over HTTPS the cookie of plain HTTP is not looked at."""
    name = _name(caller)
    for part in caller.headers.get("cookie", "").split(";"):
        key, equals, value = part.strip().partition("=")
        if equals and key == name:
            return value if 0 < len(value) <= MAX_TOKEN else None
    return None


def set_cookie(caller: Caller, token: str) -> str:
    """Value of ``Set-Cookie`` for a new session."""
    return f"{_name(caller)}={token}{_attributes(caller)}"


def clear_cookie(caller: Caller) -> str:
    """Value of ``Set-Cookie`` that takes the cookie away."""
    return f"{_name(caller)}=; Max-Age=0{_attributes(caller)}"


def _name(caller: Caller) -> str:
    return _SECURE_NAME if caller.secure else NAME


def _attributes(caller: Caller) -> str:
    return f"; Path=/; HttpOnly; SameSite=Strict{'; Secure' if caller.secure else ''}"
