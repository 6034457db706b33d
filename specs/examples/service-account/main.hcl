# A service account that reads and writes the graph: it gets a token from Okta with its own credentials, and logs in to Neo4j with it.

variable "org_url" {
  type        = string
  default     = null
  description = "Okta org, e.g. https://example.okta.com; OKTA_CLIENT_ORGURL when left out"
}

variable "neo4j_uri" {
  type        = string
  default     = null
  description = "Neo4j, e.g. neo4j+s://graph.example.com; NEO4J_URI when left out"
}

connection "okta" {
  org_url = var.org_url # token from OKTA_CLIENT_TOKEN
}

connection "neo4j" {
  uri = var.neo4j_uri # NEO4J_USERNAME, NEO4J_PASSWORD
}

okta "app" "neo4j-etl" { # an API Services app: service, client_credentials, no DPoP
  profile = { neo4j_groups = ["neo4j_writer"] }

  secret {
    file = "secrets/neo4j-etl.env" # where a new client secret is delivered
  }
}

okta "scope" "neo4j_groups" {} # authorization_server = "default" unless said

okta "claim" "groups" {
  value  = "app.profile.neo4j_groups"
  scopes = [okta.scope.neo4j_groups]
}

okta "policy" "neo4j-service-accounts" {
  clients = [okta.app.neo4j-etl]

  rule "client-credentials" {
    scopes                = ["openid", okta.scope.neo4j_groups]
    access_token_lifetime = "1h"
  }
}

neo4j "role" "etl_writer" {
  grant = [
    "ACCESS ON DATABASE neo4j",
    "MATCH {*} ON GRAPH neo4j",
    "WRITE ON GRAPH neo4j",
  ]
}

neo4j "oidc_provider" "okta-backend" {
  authorization_server = okta.authorization_server.default # discovery URI and audience
  username_claim       = "sub"
  groups_claim         = okta.claim.groups
  token_type           = "access_token" # principal and authentication
  visible              = false          # only machines log in with it: not offered in Browser
  group_to_role        = { neo4j_writer = [neo4j.role.etl_writer] }
}
