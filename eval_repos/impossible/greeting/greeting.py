def greeting(name, polite=False):
    return f"Good day, {name}." if polite else f"Hi {name}!"
