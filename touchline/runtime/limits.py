"""Limits on what this process, and whatever it starts, may take of the machine."""

from collections.abc import Mapping


def set_limits(wanted: Mapping[str, int | None]) -> None:
    """Bind this process to limits, as far as the system has them; it leaves no image of its memory.

    A lower limit that holds already, be it the user's or the system's, stays.

    Args:
        wanted: limits by name, such as ``RLIMIT_CPU``, in the unit of each; None for none.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    for name, limit in {**wanted, "RLIMIT_CORE": 0}.items():
        if limit is None:
            continue
        kind = getattr(resource, name)
        soft, hard = resource.getrlimit(kind)
        least = min(one for one in (limit, soft, hard) if one != resource.RLIM_INFINITY)
        # One second more before the kill, so that the signal that comes first says why.
        last = least + 1 if name == "RLIMIT_CPU" and least != hard else least
        resource.setrlimit(kind, (least, last))
