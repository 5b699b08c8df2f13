"""The page that shows how runs went, and the same facts as CSV, from a story that somebody else tells."""
