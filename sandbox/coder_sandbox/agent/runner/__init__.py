"""What runs in the process of the tests: on the target's interpreter, beside the target's own code, unseen by it."""
