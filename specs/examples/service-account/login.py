#!/usr/bin/env python3
"""Gets a token from Okta with the delivered client secret, and logs in to Neo4j with it.

Source the .env file that `keymaker apply` delivered first; needs the official driver (pip install neo4j).
"""
import base64
import json
import os
import urllib.parse
import urllib.request

from neo4j import GraphDatabase, bearer_auth

env = os.environ
# https, but for the sandbox without --tls, which listens on loopback in the clear.
scheme = "http" if env.get("OKTA_CLIENT_ORGURL", "").startswith("http://") else "https"
basic = base64.b64encode(f"{env['OKTA_CLIENT_ID']}:{env['OKTA_CLIENT_SECRET']}".encode()).decode()
request = urllib.request.Request(
    f"{scheme}://{env['OKTA_DOMAIN']}/oauth2/default/v1/token",
    data=urllib.parse.urlencode({"grant_type": "client_credentials", "scope": env["OKTA_SCOPE"]}).encode(),
    headers={"Authorization": f"Basic {basic}", "Accept": "application/json"},
)
with urllib.request.urlopen(request) as answer:
    token = json.load(answer)["access_token"]

with GraphDatabase.driver(env["NEO4J_URI"], auth=bearer_auth(token)) as driver:
    records, _, _ = driver.execute_query("SHOW CURRENT USER", database_="system")
    print(records[0].data())
