"""The Lambda function that reads the export queue's metric; only ``handler.py`` is deployed."""
