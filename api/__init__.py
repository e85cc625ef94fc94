"""The REST facade: speaks HTTP, starts Dag runs, reads reports."""
