# What Okta's Terraform provider does with the emulator: an app, a scope, a claim, a policy and a rule on a server of their own.
terraform {
  required_providers {
    okta = {
      source = "okta/okta"
    }
  }
}

variable "org_name" { type = string }
variable "base_url" { type = string }
variable "http_proxy" { type = string }
variable "api_token" {
  type      = string
  sensitive = true
}

provider "okta" {
  org_name   = var.org_name
  base_url   = var.base_url
  api_token  = var.api_token
  http_proxy = var.http_proxy
}

resource "okta_app_oauth" "etl" {
  label                      = "terraform-etl"
  type                       = "service"
  grant_types                = ["client_credentials"]
  response_types             = ["token"]
  token_endpoint_auth_method = "client_secret_basic"
  profile                    = jsonencode({ neo4j_groups = ["reader"] })
}

resource "okta_auth_server" "graph" {
  name      = "terraform-graph"
  audiences = ["api://terraform-graph"]
}

resource "okta_auth_server_scope" "groups" {
  auth_server_id = okta_auth_server.graph.id
  name           = "neo4j_groups"
  consent        = "IMPLICIT"
}

resource "okta_auth_server_claim" "groups" {
  auth_server_id = okta_auth_server.graph.id
  name           = "groups"
  claim_type     = "RESOURCE"
  value          = "app.profile.neo4j_groups"
  scopes         = [okta_auth_server_scope.groups.name]
}

resource "okta_auth_server_policy" "services" {
  auth_server_id   = okta_auth_server.graph.id
  name             = "services"
  description      = "services"
  priority         = 1
  client_whitelist = [okta_app_oauth.etl.client_id]
}

resource "okta_auth_server_policy_rule" "machines" {
  auth_server_id       = okta_auth_server.graph.id
  policy_id            = okta_auth_server_policy.services.id
  name                 = "machines"
  priority             = 1
  grant_type_whitelist = ["client_credentials"]
  scope_whitelist      = [okta_auth_server_scope.groups.name]
}
