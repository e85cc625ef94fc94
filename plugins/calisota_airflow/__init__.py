"""Operators and links: Airflow's side of CALISOTA."""
