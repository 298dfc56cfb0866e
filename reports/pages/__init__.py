"""Pages of the report and the site."""
