package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// terraform runs terraform or tofu on the Okta side of the same accounts.
type terraform struct {
	binary, name, dir string
	env               []string
	gate              *gateway
}

// terraformToo measures what the Okta side of the same accounts costs with Okta's provider: plan, apply, and plan again. Where it cannot be measured, that is noted once.
func (l *lab) terraformToo(ctx context.Context, r *runner, c trial, prefix string, tell func(row)) error {
	if l.noTF {
		return nil
	}
	t, err := l.openTerraform(ctx, r, c, prefix)
	if err != nil {
		l.noTF = true
		l.note("Terraform was not measured: " + brief(err))
		return ctx.Err()
	}
	defer t.gate.close()
	c.alone = true // no roles
	begun := false
	defer func() {
		if begun {
			if _, err := t.run(context.WithoutCancel(ctx), "destroy", "-input=false", "-auto-approve"); err != nil {
				l.keep = true
				l.note("What Terraform made is still there, and its state in " + t.dir + ": " + brief(err))
			}
		}
	}()
	for _, step := range []struct {
		what string
		args []string
	}{
		{planNew, []string{"plan", "-input=false", "-out=plan.tfplan"}},
		{applyNew, []string{"apply", "-input=false", "plan.tfplan"}},
		{planNone, []string{"plan", "-input=false", "-detailed-exitcode"}},
	} {
		begun = begun || step.what == applyNew
		one, err := t.run(ctx, step.args...)
		if err != nil {
			l.noTF = true
			l.note("Terraform was not measured further: " + brief(err))
			return ctx.Err()
		}
		one.trial, one.what = c, t.name+": "+step.what
		tell(one)
	}
	return nil
}

// brief is an error on one line, without what Terraform says before it comes to the point.
func brief(err error) string {
	text := err.Error()
	if first, said, ok := strings.Cut(text, "\n"); ok {
		if _, point, ok := strings.Cut(said, "Error: "); ok {
			said = point
		}
		text = first + ": " + said
	}
	return strings.Join(strings.Fields(text), " ")
}

// openTerraform finds the program and the provider, and the way to the org.
func (l *lab) openTerraform(ctx context.Context, r *runner, c trial, prefix string) (*terraform, error) {
	binary, err := lookTerraform()
	if err != nil {
		return nil, err
	}
	t := &terraform{binary: binary, dir: filepath.Join(r.dir, "terraform")}
	if err := os.MkdirAll(t.dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(t.dir, "main.tf"), []byte(c.terraformSpec(prefix)), 0o600); err != nil {
		return nil, err
	}
	org, token := valueIn(r.env, "OKTA_CLIENT_ORGURL"), valueIn(r.env, "OKTA_CLIENT_TOKEN")
	if org == "" || token == "" {
		return nil, errors.New("it takes OKTA_CLIENT_ORGURL and OKTA_CLIENT_TOKEN, which are not set")
	}
	if t.gate, err = openGateway(org, !l.live); err != nil {
		return nil, err
	}
	t.env = append(slices.Clone(r.env), "OKTA_API_TOKEN="+token, "OKTA_ORG_NAME=benchmark", "OKTA_BASE_URL=okta.com", "OKTA_HTTP_PROXY="+t.gate.url, "CHECKPOINT_DISABLE=1")
	if err := l.getProvider(ctx, t); err != nil {
		t.gate.close()
		return nil, err
	}
	t.name = t.version(ctx)
	return t, nil
}

func lookTerraform() (string, error) {
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("neither terraform nor tofu is on the PATH")
}

// getProvider lets Terraform fetch Okta's provider, or use the file that was named. That is a development override, with which Terraform's documentation says to leave init out.
func (l *lab) getProvider(ctx context.Context, t *terraform) error {
	if l.provider == "" {
		if _, err := t.run(ctx, "init", "-input=false"); err != nil {
			return fmt.Errorf("it did not get Okta's provider (-terraform-provider names the file of one): %w", err)
		}
		return nil
	}
	path, err := filepath.Abs(l.provider)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(filepath.Base(path), "terraform-provider-okta") {
		return fmt.Errorf("-terraform-provider: Terraform looks for a file whose name begins with terraform-provider-okta, and not %s", filepath.Base(path))
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("-terraform-provider: %w", err)
	}
	config := filepath.Join(t.dir, "cli.tfrc")
	t.env = append(t.env, "TF_CLI_CONFIG_FILE="+config)
	return os.WriteFile(config, fmt.Appendf(nil, "provider_installation {\n  dev_overrides {\n    \"okta/okta\" = %q\n  }\n  direct {}\n}\n", filepath.Dir(path)), 0o600)
}

// version is the program's name and number.
func (t *terraform) version(ctx context.Context) string {
	name := filepath.Base(t.binary)
	cmd := command(ctx, t.binary, "version", "-json")
	cmd.Dir, cmd.Env = t.dir, t.env
	text, err := cmd.Output()
	var doc struct {
		Version string `json:"terraform_version"`
	}
	if err == nil && json.Unmarshal(text, &doc) == nil && doc.Version != "" {
		name += " " + doc.Version
	}
	return name
}

// run runs one command, and counts the requests that came through meanwhile.
func (t *terraform) run(ctx context.Context, args ...string) (row, error) {
	t.gate.since()
	cmd := command(ctx, t.binary, append(args, "-no-color")...)
	if args[len(args)-1] == "plan.tfplan" { // flags come before it
		cmd.Args = append([]string{t.binary, args[0], "-no-color"}, args[1:]...)
	}
	cmd.Dir, cmd.Env = t.dir, t.env
	_, one, err := timed(cmd, true)
	one.okta, one.neo4j = t.gate.since(), -1
	one.busy = 0 // the provider is another process, whose time nobody tells
	return one, err
}

// valueIn is the last value of a variable.
func valueIn(env []string, name string) string {
	for _, e := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}
