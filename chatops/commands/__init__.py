"""The language of the incident command: verbs, sentences, forms, and what each verb does. Knows no transport."""
