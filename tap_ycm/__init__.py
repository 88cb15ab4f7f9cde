"""Singer tap for Yeastar Central Management (YCM)."""
