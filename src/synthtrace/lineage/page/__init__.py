"""report/lineage.html: the same walk to click through."""
