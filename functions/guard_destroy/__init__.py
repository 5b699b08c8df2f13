"""The Lambda function that stands before the stack's destruction; only ``handler.py`` is deployed."""
