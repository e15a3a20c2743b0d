"""What the stand-ins of the algorithms for images share."""
