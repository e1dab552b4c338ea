"""Report -> terminal, HTML, Markdown, JSON, tables, pictures: a file or a folder per form.  No facts are made here."""
