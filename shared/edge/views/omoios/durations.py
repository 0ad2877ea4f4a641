"""omoios: how long something took, in words: `5h 30m`."""


def duration(seconds: float) -> str:
    """Return whole minutes as hours and minutes without what is zero: `3h`, `45m`, `5h 30m`; `0m` if nothing is left."""
    hours, minutes = divmod(int(seconds) // 60, 60)
    parts = [f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m")) if number]
    return " ".join(parts) or "0m"
