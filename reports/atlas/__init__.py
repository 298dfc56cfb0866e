"""The atlas: its data as files, maps of who wins where, and the rows of its pages."""
