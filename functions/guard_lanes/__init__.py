"""The Lambda function that opens a stack's lanes and closes them; only ``handler.py`` is deployed."""
