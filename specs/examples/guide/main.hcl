# The setup that people otherwise click together by hand, setting for setting: an app that gets tokens from Okta with its own credentials, and Neo4j
# that takes these tokens and makes the group in them a role.

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

okta "app" "neo4j-service-account" {
  profile = { neo4j_groups = ["neo4j_admin"] }

  secret {
    file = "secrets/neo4j-service-account.env" # where a new client secret is delivered
  }
}

okta "scope" "neo4j_groups" {}

okta "claim" "groups" {
  value  = "app.profile.neo4j_groups"
  scopes = [okta.scope.neo4j_groups]
}

okta "policy" "neo4j-service-accounts" {
  clients = [okta.app.neo4j-service-account]

  rule "client-credentials" {
    scopes                = [okta.scope.neo4j_groups]
    access_token_lifetime = "1h"
  }
}

neo4j "oidc_provider" "okta-backend" {
  display_name         = "Okta Backend"
  visible              = false # machines use it, people do not see it at the login
  auth_flow            = "pkce"
  authorization_server = okta.authorization_server.default # discovery URI and audience
  username_claim       = "sub"
  groups_claim         = okta.claim.groups

  params = {
    client_id     = okta.app.neo4j-service-account.client_id
    response_type = "code"
    scope         = "openid profile email neo4j_groups api://default"
  }

  config = {
    principal                 = "sub"
    code_challenge_method     = "S256"
    token_type_principal      = "access_token"
    token_type_authentication = "access_token"
  }

  group_to_role = { neo4j_admin = ["admin"] }
}
