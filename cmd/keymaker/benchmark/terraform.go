package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// terraform measures what the Okta side of the same accounts costs with Okta's provider: init once, then plan, apply, and plan again. Requests are not counted: neither
// program tells them.
func (r *runner) terraform(ctx context.Context, c trial) ([]row, error) {
	binary, err := lookTerraform()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.dir, "terraform")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(c.terraformSpec()), 0o600); err != nil {
		return nil, err
	}
	env, err := providerEnv(r.env)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, step := range []struct {
		what string
		args []string
	}{
		{"", []string{"init", "-input=false"}},
		{"plan of all new", []string{"plan", "-input=false", "-out=plan.tfplan"}},
		{"apply", []string{"apply", "-input=false", "plan.tfplan"}},
		{"plan of no change", []string{"plan", "-input=false", "-detailed-exitcode"}},
		{"", []string{"destroy", "-input=false", "-auto-approve"}},
	} {
		cmd := exec.CommandContext(ctx, binary, step.args...)
		var said bytes.Buffer
		cmd.Dir, cmd.Env, cmd.Stderr = dir, env, &said
		began := time.Now()
		if err := cmd.Run(); err != nil {
			return rows, fmt.Errorf("%s %s: %w\n%s", binary, strings.Join(step.args, " "), err, said.String())
		}
		if step.what != "" {
			rows = append(rows, row{trial: c, what: filepath.Base(binary) + ", Okta only: " + step.what, seconds: time.Since(began).Seconds(), peak: peakOf(cmd.ProcessState)})
		}
	}
	return rows, nil
}

func lookTerraform() (string, error) {
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("-terraform: neither terraform nor tofu is on the PATH")
}

// providerEnv adds the variables by which Okta's provider knows the org, made of keymaker's.
func providerEnv(env []string) ([]string, error) {
	values := make(map[string]string)
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		values[name] = value
	}
	url, token := values["OKTA_CLIENT_ORGURL"], values["OKTA_CLIENT_TOKEN"]
	scheme, host, ok := strings.Cut(url, "://")
	name, base, dotted := strings.Cut(host, ".")
	if !ok || token == "" || !dotted {
		return nil, errors.New("-terraform needs OKTA_CLIENT_ORGURL and OKTA_CLIENT_TOKEN")
	}
	env = append(env, "OKTA_ORG_NAME="+name, "OKTA_BASE_URL="+base, "OKTA_API_TOKEN="+token)
	if scheme == "http" {
		env = append(env, "OKTA_HTTP_PROXY="+url) // the provider's way to an org without TLS
	}
	return env, nil
}

// terraformSpec is the Okta side of spec, as people write it for Okta's provider.
func (c trial) terraformSpec() string {
	return fmt.Sprintf(`terraform {
  required_providers {
    okta = { source = "okta/okta" }
  }
}

provider "okta" {}

data "okta_auth_server" "default" { name = "default" }

resource "okta_app_oauth" "svc" {
  count          = %d
  label          = format("bench-tf-%%05d", count.index)
  type           = "service"
  grant_types    = ["client_credentials"]
  response_types = ["token"]
  profile        = jsonencode({ neo4j_groups = ["bench_writer"] })
}

resource "okta_auth_server_scope" "scope" {
  auth_server_id = data.okta_auth_server.default.id
  name           = "bench_tf_groups"
  consent        = "IMPLICIT"
}

resource "okta_auth_server_claim" "claim" {
  auth_server_id = data.okta_auth_server.default.id
  name           = "bench_tf_groups"
  claim_type     = "RESOURCE"
  value          = "app.profile.neo4j_groups"
  scopes         = [okta_auth_server_scope.scope.name]
}

resource "okta_auth_server_policy" "policy" {
  auth_server_id   = data.okta_auth_server.default.id
  name             = "bench-tf"
  description      = "bench-tf"
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
`, c.accounts)
}
