"""What goes to the broker: work, questions to workers, and how chords are counted."""
