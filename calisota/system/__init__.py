"""The running system on one machine: credentials, engine, processes, setup and self-check."""
