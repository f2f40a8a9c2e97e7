"""The loop of many an article: log in once, take a credential once, and from then on renew both at half of the TTL, for
ever. A failure is tried again. When token and lease are gone, nothing here brings them back."""

import json
import os
import time
import urllib.request

VAULT = os.environ["VAULT_ADDR"]


def call(method, path, token=None, body=None):
    headers = {"X-Vault-Token": token} if token else {}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{VAULT}/v1/{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=3) as answer:
        return json.load(answer)


def read(variable):
    with open(os.environ[variable], encoding="utf-8") as file:
        return file.read().strip()


login = {"role_id": read("LEASEPROOF_ROLE_ID_FILE"), "secret_id": read("LEASEPROOF_SECRET_ID_FILE")}
token = call("POST", "auth/approle/login", body=login)["auth"]["client_token"]
taken = call("GET", "database/creds/app", token)
with open(os.open("creds.env", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
    file.write(f"PGUSER={taken['data']['username']}\nPGPASSWORD='{taken['data']['password']}'\n")
print("took", taken["data"]["username"], flush=True)

pause = half = taken["lease_duration"] / 2
while True:
    time.sleep(pause)
    try:
        call("PUT", "auth/token/renew-self", token, {})
        call("PUT", "sys/leases/renew", token, {"lease_id": taken["lease_id"]})
        pause = half
    except OSError as error:
        print("trying again:", error, flush=True)
        pause = 1
