"""What `make up` and `make test` stand on: the environment, PostgreSQL, the broker, the supervisor. Imports no app.

`bootstrap` runs on the system's Python with its standard library only; everything else runs in `.venv`.
"""
