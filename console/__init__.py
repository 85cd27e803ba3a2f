"""What a person types and sees."""

PROGRAM = "sales-pipeline"
