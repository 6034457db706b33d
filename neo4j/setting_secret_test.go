package neo4j

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"keymaker/reconcile"
)

func withSecret(r *rig, value string) reconcile.Object {
	return provider(r, fields{
		"token_params":  reconcile.Map{"audience": reconcile.Text("graph")},
		"token_secrets": reconcile.Map{"client_secret": reconcile.NewSecret("env OKTA_SECRET", func() (string, error) { return value, nil })},
	})
}

// A secret in a setting reaches the server and the file, and nothing that people read.
func TestSecretInASetting(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf, withMembers(2))
	o := withSecret(r, canary)
	plan := r.plan(etlWriter(r), o)
	r.golden("provider-secret", describePlan(plan))
	r.applied(plan)
	r.insync(etlWriter(r), o)
	if !strings.Contains(r.readConf(), ".token_params=audience=graph;client_secret="+canary+"\n") {
		t.Error("the file does not have the secret")
	}
	if info, err := os.Stat(r.conf); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}

	// Another secret is a difference, and is set on every member at once.
	next := withSecret(r, "next-canary")
	plan = r.plan(etlWriter(r), next)
	r.golden("provider-secret-rotated", describePlan(plan))
	r.applied(plan)
	r.insync(etlWriter(r), next)
	if text := r.readConf(); strings.Contains(text, canary) || !strings.Contains(text, "next-canary") {
		t.Error("the file has the old secret")
	}

	// What another spec knows nothing of is not shown either.
	stranger := provider(r, fields{"token_params": reconcile.Map{"audience": reconcile.Text("graph")}})
	again := r.plan(etlWriter(r), stranger)
	for _, p := range []reconcile.Plan{plan, again} {
		doc, err := json.Marshal(p)
		r.must(err)
		for _, text := range []string{describePlan(p), string(doc), fmt.Sprintf("%#v", p)} {
			if strings.Contains(text, canary) || strings.Contains(text, "next-canary") {
				t.Errorf("a secret in: %s", text)
			}
		}
	}

	// A file that others can read is refused, by the plan already, and stays as it is.
	made := r.plan(etlWriter(r), o)
	r.must(os.Chmod(r.conf, 0o640))
	before := r.readConf()
	_, err := r.tryPlan(reconcile.Policy{}, etlWriter(r), o)
	wantError(t, err, "chmod 600", "mode 0640")
	sealed := provider(r, fields{"token_secrets": reconcile.Map{"client_secret": reconcile.NewSecret("env ELSEWHERE", func() (string, error) { return "", os.ErrNotExist })}})
	_, err = r.tryPlan(reconcile.Policy{}, etlWriter(r), sealed)
	wantError(t, err, "chmod 600", "mode 0640")
	for _, res := range r.apply(made).Results {
		wantError(t, res.Err, "chmod 600", "mode 0640")
	}
	if r.readConf() != before {
		t.Error("the file was written")
	}
}

// A secret that the server refuses, or that no setting can hold, is not quoted.
func TestRefusedSecretIsNotQuoted(t *testing.T) {
	t.Parallel()
	r := newRig(t, withConf)
	for _, value := range []string{canary + ";x=1", canary + "\n"} {
		_, err := r.tryPlan(reconcile.Policy{}, etlWriter(r), withSecret(r, value))
		wantError(t, err, "no map setting can hold")
		if strings.Contains(err.Error(), canary) {
			t.Errorf("quoted: %v", err)
		}
		// Where the plan is made nobody has the secret: it is refused when it is written.
		opened := false
		late := reconcile.NewSecret("env OKTA_SECRET", func() (string, error) {
			if !opened {
				return "", os.ErrNotExist
			}
			return value, nil
		})
		plan := r.plan(etlWriter(r), provider(r, fields{"token_secrets": reconcile.Map{"client_secret": late}}))
		opened = true
		for _, res := range r.apply(plan).Results {
			if res.Addr.Kind != kindProvider {
				continue
			}
			wantError(t, res.Err, "no map setting can hold")
			if strings.Contains(res.Err.Error(), canary) {
				t.Errorf("quoted: %v", res.Err)
			}
		}
	}
	if _, err := ConfLines([]reconcile.Object{withSecret(r, canary)}); err == nil || !strings.Contains(err.Error(), "(secret from env OKTA_SECRET)") {
		t.Errorf("rendered: %v", err)
	}
	if got := unsaid("Bad value 'a="+canary+"'", map[string]string{canary: "(x)"}); got != "Bad value 'a=(x)'" {
		t.Error(got)
	}
	for name, f := range map[string]fields{
		"written out": {"token_params": reconcile.Map{"client_secret": reconcile.Text("abc")}},
		"in auth":     {"auth_params": reconcile.Map{"client_Secret": reconcile.Text("abc")}},
		"twice":       {"token_params": reconcile.Map{"x": reconcile.Text("abc")}, "token_secrets": reconcile.Map{"x": password("abc")}},
	} {
		f["audience"], f["well_known_discovery_uri"] = setOf("a"), reconcile.Text("https://a/x")
		_, diags := Language{}.Declare(blockOf(kindProvider, "p", f))
		if !diags.HasErrors() || strings.Contains(diags.Error(), "abc") {
			t.Errorf("%s: %v", name, diags)
		}
	}
}
