"""The machine and this process on it: memory, processes, signals, imports."""
