"""What the page may do: show what it holds. No address is opened, and only this style and this script run."""

import base64
import hashlib


def content_policy(style: str, script: str) -> str:
    """The content-security policy of a page with one style sheet and one script, which are named by their SHA-256.

    >>> content_policy("", "").split("; ")[0]
    "default-src 'none'"
    """
    return "; ".join((
        "default-src 'none'", "img-src data:", f"style-src {_named(style)}", f"script-src {_named(script)}",
        "base-uri 'none'", "form-action 'none'",
    ))  # fmt: skip


def _named(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
