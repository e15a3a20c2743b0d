"""Names that AWS limits in length and that are still told apart when they are cut."""

import hashlib

_DIGEST_CHARACTERS = 4


def short_name(name: str, length: int) -> str:
    """The name if it fits, else its beginning and a digest of all of it.

    Without the digest two workloads whose names begin alike would share a prefix, and with it the
    permissions on each other's jobs.
    """
    if len(name) <= length:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{name[: length - _DIGEST_CHARACTERS - 1].rstrip('-')}-{digest}"
