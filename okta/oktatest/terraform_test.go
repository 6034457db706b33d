package oktatest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keymaker/okta/oktatest"
)

// TestTerraform applies a configuration with Okta's Terraform provider, plans it again, which has to be empty, and takes it away. It needs terraform or
// tofu, and the provider in a folder that KEYMAKER_TERRAFORM_PROVIDERS names (made by `terraform providers mirror`).
func TestTerraform(t *testing.T) {
	program := ""
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	mirror := os.Getenv("KEYMAKER_TERRAFORM_PROVIDERS")
	if program == "" || mirror == "" {
		t.Skip("needs terraform or tofu, and KEYMAKER_TERRAFORM_PROVIDERS naming a folder made by `terraform providers mirror` with the provider okta/okta in it")
	}
	org := &oktatest.Server{}
	start(t, org)
	dir := t.TempDir()
	config, err := os.ReadFile(filepath.Join("testdata", "terraform", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE=", "TF_VAR_org_name=emulator", "TF_VAR_base_url=okta.com",
			"TF_VAR_http_proxy="+org.URL, "TF_VAR_api_token="+org.Token)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, strings.ReplaceAll(string(out), org.Token, "(token)"))
		}
	}
	run("init", "-input=false", "-no-color", "-plugin-dir="+mirror)
	run("apply", "-input=false", "-no-color", "-auto-approve")
	run("plan", "-input=false", "-no-color", "-detailed-exitcode") // 2, and so an error, when it is not empty
	run("destroy", "-input=false", "-no-color", "-auto-approve")
}
