"""CALISOTA: models propose, execution decides, the verdict is honest."""
