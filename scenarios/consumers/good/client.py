"""An application that looks after its credential: it renews in time, takes another when renewal does not help, lets go of
one that the database refuses, and asks no more often than once a second."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request

VAULT = os.environ["VAULT_ADDR"]
FILE = "creds.json"
BETWEEN_CALLS = 1.0
BETWEEN_USES = 0.5


class NotNow(Exception):
    """Vault did not answer, or told of its own trouble: later it may."""


class Refused(Exception):
    """Vault will not, however often it is asked."""


def call(method, path, token=None, body=None):
    headers = {"X-Vault-Token": token} if token else {}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{VAULT}/v1/{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=3) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code in (400, 403, 404):
            # Not the answer's own words: they could quote what was sent.
            raise Refused(f"{method} {path}: {error.code}") from None
        raise NotNow(f"{method} {path}: {error.code}") from None
    except (OSError, ValueError) as error:
        raise NotNow(f"{method} {path}: {type(error).__name__}") from None


def read(variable):
    with open(os.environ[variable], encoding="utf-8") as file:
        return file.read().strip()


def keep(credential):
    """Writes the credential where others find it: whole, or not at all."""
    with open(os.open(FILE + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump({key: credential[key] for key in ("username", "password")}, file)
    os.replace(FILE + ".new", FILE)


def database_refuses(credential):
    """Uses the credential as an application does. An outage says nothing of it."""
    environment = dict(os.environ, PGUSER=credential["username"], PGPASSWORD=credential["password"], PGCONNECT_TIMEOUT="2")
    query = ["psql", "--no-psqlrc", "--no-password", "--command", "select count(*) from public.items"]
    used = subprocess.run(query, env=environment, capture_output=True, text=True, check=False)
    return used.returncode != 0 and ("authentication failed" in used.stderr or "does not exist" in used.stderr)


class Client:
    """A token, a credential, and when something is to be done about them."""

    def __init__(self):
        self.token = None
        self.credential = None
        self.next_call = 0.0

    def log_in(self):
        login = {"role_id": read("LEASEPROOF_ROLE_ID_FILE"), "secret_id": read("LEASEPROOF_SECRET_ID_FILE")}
        auth = call("POST", "auth/approle/login", body=login)["auth"]
        self.token = auth["client_token"]
        self.token_renew_at = time.monotonic() + auth["lease_duration"] / 2

    def take(self):
        taken = call("GET", "database/creds/app", self.token)
        self.credential = dict(taken["data"], lease=taken["lease_id"])
        self.renews_in(taken["lease_duration"])
        keep(self.credential)
        print("took", self.credential["username"], flush=True)

    def renews_in(self, ttl):
        self.ttl = ttl
        self.renew_at = time.monotonic() + ttl / 2

    def renew(self):
        body = {"lease_id": self.credential["lease"]}
        renewed = call("PUT", "sys/leases/renew", self.token, body)["lease_duration"]
        if renewed < self.ttl:
            # At its maximum: what comes next is another.
            self.credential = None
        else:
            self.renews_in(renewed)

    def turn(self):
        """Does the next thing that is to be done with Vault, if there is one."""
        now = time.monotonic()
        try:
            if self.token is None:
                self.log_in()
            elif now >= self.token_renew_at:
                auth = call("PUT", "auth/token/renew-self", self.token)["auth"]
                self.token_renew_at = now + auth["lease_duration"] / 2
            if self.credential is None:
                self.take()
            elif now >= self.renew_at:
                self.renew()
        except NotNow as why:
            print("later:", why, flush=True)
        except Refused as why:
            # Token and lease end together, so both are taken anew.
            print("anew:", why, flush=True)
            self.token = self.credential = None

    def run(self):
        while True:
            now = time.monotonic()
            if now >= self.next_call:
                self.next_call = now + BETWEEN_CALLS
                self.turn()
            if self.credential and database_refuses(self.credential):
                print("refused:", self.credential["username"], flush=True)
                self.credential = None
            time.sleep(BETWEEN_USES)


Client().run()
