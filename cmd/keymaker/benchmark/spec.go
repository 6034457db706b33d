package main

import "fmt"

// spec is as many accounts that share a policy and, unless they are alone, as many roles with ten privileges each. All names begin with prefix. A provider maps a group to one of
// the roles.
func (c trial) spec(prefix string, provider bool) string {
	text := fmt.Sprintf(`locals {
  names = toset(slice([for p in setproduct(range(100), range(100)) : format("%[1]s_%%02d_%%02d", p[0], p[1])], 0, %[2]d))
}

okta "app" "svc" {
  for_each  = local.names
  label     = each.key
  client_id = each.key
  profile   = { neo4j_groups = ["%[1]s_writer"] }
}

okta "scope" "%[1]s_groups" {}

okta "claim" "%[1]s_groups" {
  value  = "app.profile.neo4j_groups"
  scopes = [okta.scope.%[1]s_groups]
}

okta "policy" "%[1]s" {
  clients = values(okta.app.svc)

  rule "cc" {
    scopes = [okta.scope.%[1]s_groups]
  }
}
`, prefix, c.accounts)
	if c.alone {
		return text
	}
	text += `
neo4j "role" "writer" {
  for_each = local.names
  name     = each.key
  grant = [
    "ACCESS ON DATABASE neo4j", "MATCH {*} ON GRAPH neo4j NODES A, B, C, D, E", "TRAVERSE ON GRAPH neo4j RELATIONSHIPS R, S, T", "WRITE ON GRAPH neo4j",
  ]
}
`
	if provider {
		text += fmt.Sprintf(`
neo4j "oidc_provider" "%[1]s" {
  authorization_server = okta.authorization_server.default
  username_claim       = "sub"
  groups_claim         = okta.claim.%[1]s_groups
  token_type           = "access_token"
  visible              = false
  group_to_role        = { %[1]s_writer = [neo4j.role.writer["%[1]s_00_00"]] }
}
`, prefix)
	}
	return text
}

// terraformSpec is the Okta side of spec, as people write it for Okta's provider.
func (c trial) terraformSpec(prefix string) string {
	return fmt.Sprintf(`terraform {
  required_providers {
    okta = { source = "okta/okta" }
  }
}

provider "okta" {}

data "okta_auth_server" "default" { name = "default" }

resource "okta_app_oauth" "svc" {
  count          = %[2]d
  label          = format("%[1]s-tf-%%05d", count.index)
  type           = "service"
  grant_types    = ["client_credentials"]
  response_types = ["token"]
  profile        = jsonencode({ neo4j_groups = ["%[1]s_writer"] })
}

resource "okta_auth_server_scope" "scope" {
  auth_server_id = data.okta_auth_server.default.id
  name           = "%[1]s_tf_groups"
  consent        = "IMPLICIT"
}

resource "okta_auth_server_claim" "claim" {
  auth_server_id = data.okta_auth_server.default.id
  name           = "%[1]s_tf_groups"
  claim_type     = "RESOURCE"
  value          = "app.profile.neo4j_groups"
  scopes         = [okta_auth_server_scope.scope.name]
}

resource "okta_auth_server_policy" "policy" {
  auth_server_id   = data.okta_auth_server.default.id
  name             = "%[1]s-tf"
  description      = "%[1]s-tf"
  priority         = 1
  client_whitelist = okta_app_oauth.svc[*].client_id
}

resource "okta_auth_server_policy_rule" "rule" {
  auth_server_id       = data.okta_auth_server.default.id
  policy_id            = okta_auth_server_policy.policy.id
  name                 = "cc"
  priority             = 1
  grant_type_whitelist = ["client_credentials"]
  scope_whitelist      = [okta_auth_server_scope.scope.name]
}
`, prefix, c.accounts)
}
