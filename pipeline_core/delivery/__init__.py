"""A published run, delivered to where people look: tables of a PostgreSQL, or a workbook."""
