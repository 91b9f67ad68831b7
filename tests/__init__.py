"""What newsstance and its training promise."""
