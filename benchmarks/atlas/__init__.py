"""The atlas: which cells of the suite and which maps are measured for it, resumable in a store."""
