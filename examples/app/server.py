"""Counts visits, in PostgreSQL for ever and in Redis while it lives, and says the word of the day."""
import json
import os
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2

PASSWORD = open("/run/secrets/db-password").read().strip()


def database():
    return psycopg2.connect(host=os.environ["DB_HOST"], user="postgres", password=PASSWORD, connect_timeout=5)


def redis(*words):
    """One command; the answer's line without its mark."""
    text = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    with socket.create_connection((os.environ["CACHE_HOST"], 6379), timeout=5) as connection:
        connection.sendall(text.encode())
        return connection.makefile().readline()[1:].strip()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        try:
            status, body = 200, self.health() if self.path == "/healthz" else self.visit()
        except (OSError, psycopg2.Error) as error:
            status, body = 503, {"error": type(error).__name__}
        text = (json.dumps(body) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def health(self):
        with database() as connection, connection.cursor() as cursor:
            cursor.execute("select 1")
        return {"cache": redis("PING")}

    def visit(self):
        with database() as connection, connection.cursor() as cursor:
            cursor.execute("insert into visits default values")
            cursor.execute("select count(*) from visits")
            (visits,) = cursor.fetchone()
        return {"visits": visits, "since the cache came": int(redis("INCR", "visits")), "motd": open("/srv/motd.txt").read().strip()}


with database() as first, first.cursor() as cursor:
    cursor.execute("create table if not exists visits (at timestamptz default now())")
first.close()
ThreadingHTTPServer(("", 8000), Handler).serve_forever()
