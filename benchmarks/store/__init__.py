"""The result store: files of records, appended and never rewritten. Imports no other room."""
