"""Views of a record. One file per format, each with one function ``render(record, **options)``."""
