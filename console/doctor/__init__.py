"""What ``doctor`` looks at: a file a kind of checks."""
