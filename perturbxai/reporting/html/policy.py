"""What the page may do: show what it holds. No address is opened, and only these styles and scripts run."""

import base64
import hashlib
from collections.abc import Sequence


def content_policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """The content-security policy of a page with these style sheets and scripts, which are named by their SHA-256.

    >>> content_policy([""], [""]).split("; ")[0]
    "default-src 'none'"
    """
    return "; ".join((
        "default-src 'none'", "img-src data:", f"style-src {_named(styles)}", f"script-src {_named(scripts)}",
        "base-uri 'none'", "form-action 'none'",
    ))  # fmt: skip


def _named(texts: Sequence[str]) -> str:
    digests = [hashlib.sha256(text.encode("utf-8")).digest() for text in texts]
    return " ".join(f"'sha256-{base64.b64encode(one).decode('ascii')}'" for one in digests)
