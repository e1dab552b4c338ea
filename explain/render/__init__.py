"""Report -> terminal, HTML, Markdown, JSON, tables, pictures: one file per form.  No facts are made here."""
