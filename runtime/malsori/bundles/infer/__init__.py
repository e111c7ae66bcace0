"""Infers manifests of folders that have none: a file for each form that runs (`families.PlainForm`).

`strangers.py` describes the forms that do not run.
"""
