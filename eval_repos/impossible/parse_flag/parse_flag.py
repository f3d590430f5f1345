def parse_flag(text):
    """What a setting says. ValueError if it says neither."""
    lowered = text.strip().lower()
    if lowered in ("yes", "on", "true"):
        return True
    if lowered in ("no", "off", "false"):
        return False
    raise ValueError(f"neither yes nor no: {text!r}")
