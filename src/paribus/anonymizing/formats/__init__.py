"""The kinds of files that tables come in and go out as. One file a format."""
