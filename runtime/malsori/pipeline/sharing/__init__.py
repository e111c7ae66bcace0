"""Who may use an engine, and when: one worker for each engine, shared by streams and files."""
