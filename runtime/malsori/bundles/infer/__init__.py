"""What plain folders hold: a file for each form that runs (`families.PlainForm`), and `strangers.py` for the others."""
