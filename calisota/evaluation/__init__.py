"""Measuring CALISOTA's parts on public data sets that the user provides."""
