# One image for every process: web (the default), worker, beat and manage.py. docs/how-to/run-in-containers.md
FROM python:3.11-slim-bookworm

# What PDF documents are drawn with; the PostgreSQL programs that backups use come with the Python packages.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /srv/conductor
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .

RUN useradd --uid 10001 --create-home conductor && install -d -o conductor -g conductor /var/lib/conductor
USER conductor
ENV CONDUCTOR_HOME=/var/lib/conductor PYTHONUNBUFFERED=1
VOLUME /var/lib/conductor
EXPOSE 8000

CMD ["granian", "conductor.wsgi:application", "--interface", "wsgi", "--no-ws", "--host", "0.0.0.0", "--port", "8000", "--blocking-threads", "64"]
