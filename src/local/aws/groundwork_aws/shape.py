"""What a resource looks like when nobody has described its kind: its attributes, plain, sorted, without what is volatile."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import Enum
from typing import Any

VOLATILE = re.compile(
    r"(^|_)(time|times|date|created|updated|modified|timestamp|timestamps|accessed|used)$|(_at|_on)$|^last_|[a-z](At|Time|Date|Timestamp)$|^(creation|launch|attach)"
)
DEEPEST = 6


def identity(one: Any) -> str | None:
    """The name by which a resource is known."""
    for name in ("arn", "id", "name", "uuid", "key_id", "user_name"):
        value = getattr(one, name, None)
        if isinstance(value, str) and value:
            return value
    return None


def is_resource(value: Any) -> bool:
    """Whether a value is an object of moto's or ours that stands for something of AWS's."""
    module = type(value).__module__
    return module.startswith(("moto.", "groundwork_aws.")) and not isinstance(value, type) and hasattr(value, "__dict__")


def plain(value: Any, depth: int = 0) -> Any:
    """A value in JSON's terms; volatile members are left out, deep or foreign objects become their names."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if depth >= DEEPEST:
        return identity(value) or str(type(value).__name__)
    if isinstance(value, dict):
        items = {str(key): plain(inner, depth + 1) for key, inner in value.items() if not VOLATILE.search(str(key))}
        return dict(sorted((key, inner) for key, inner in items.items() if inner is not None))
    if isinstance(value, list | tuple | set | frozenset):
        inner = [plain(one, depth + 1) for one in value]
        return sorted(inner, key=repr) if isinstance(value, set | frozenset) else inner
    if is_resource(value):
        name = identity(value)
        return name if name is not None and depth else attributes(value, depth)
    return None


def attributes(one: Any, depth: int = 0) -> dict[str, Any]:
    """The attributes of a resource."""
    found: dict[str, Any] = {}
    for name, value in sorted(vars(one).items()):
        if name.endswith("backend") or callable(value) or VOLATILE.search(name):
            continue
        inner = plain(value, depth + 1)
        if inner is not None:
            found[name.lstrip("_")] = inner
    return found
