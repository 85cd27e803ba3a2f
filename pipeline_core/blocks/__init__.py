"""Records of many archives, by the block: a file for some neighbours, read and written singly.

::

    blocks/<run_id>.<digest>.json.gz             records of some archives, by the run that wrote it

A block has no archive's number and no run's id in it, and where one ends is decided by the
archives' names: one more archive changes one block, and a run in which nothing is new writes none.
"""
