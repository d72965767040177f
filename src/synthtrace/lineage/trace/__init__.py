"""From a number, a file or an image back to raw scans."""
