package okta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// lab is an emulated org on a real socket, and a System that is connected to it.
type lab struct {
	t   *testing.T
	org *oktatest.Server
	sys *System
	dir string
}

// token is the canary that must not appear in anything that is shown.
const canaryToken = "canary-management-token-0123456789"

func newLab(t *testing.T, org *oktatest.Server) *lab {
	t.Helper()
	org.Token = canaryToken
	if err := org.Seed(bytes.NewReader(freshOrg())); err != nil {
		t.Fatal(err)
	}
	if err := org.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = org.Close() })
	l := &lab{t: t, org: org, dir: t.TempDir()}
	l.sys = l.open(Options{})
	return l
}

// freshOrg is an org as it comes, with its keys: making those takes longer than all else.
var freshOrg = sync.OnceValue(func() []byte {
	org := &oktatest.Server{Token: canaryToken}
	var b bytes.Buffer
	if err := errors.Join(org.Start(), org.Snapshot(&b), org.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
})

func (l *lab) open(opts Options) *System {
	l.t.Helper()
	opts.Backoff, opts.NeoURI = 5*time.Millisecond, "neo4j://localhost:7687"
	if opts.Env == nil {
		opts.Env = envOf(map[string]string{"OKTA_CLIENT_ORGURL": l.org.URL + "/", "OKTA_CLIENT_TOKEN": canaryToken})
	}
	s, err := Open(context.Background(), reconcile.Block{}, opts)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func envOf(m map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

// drift reads and compares.
func (l *lab) drift(want []reconcile.Object) (reconcile.Live, reconcile.Drift) {
	l.t.Helper()
	live, err := l.sys.Read(context.Background(), want)
	if err != nil {
		l.t.Fatalf("read: %v", err)
	}
	return live, reconcile.Compare(l.sys.Kinds(), want, live)
}

func (l *lab) tryPlan(want []reconcile.Object, p reconcile.Policy) (reconcile.Plan, *reconcile.Index, error) {
	l.t.Helper()
	live, drift := l.drift(want)
	changes, _, diags := reconcile.Police(drift, p)
	if diags.HasErrors() {
		l.t.Fatal(diags)
	}
	plan, err := reconcile.BuildPlan([]reconcile.System{l.sys}, []reconcile.Live{live}, drift, changes)
	return plan, reconcile.NewIndex(live.Objects), err
}

func (l *lab) plan(want []reconcile.Object, p reconcile.Policy) (reconcile.Plan, *reconcile.Index) {
	l.t.Helper()
	plan, index, err := l.tryPlan(want, p)
	if err != nil {
		l.t.Fatalf("plan: %v", err)
	}
	return plan, index
}

func (l *lab) run(plan reconcile.Plan, index *reconcile.Index) reconcile.Report {
	l.t.Helper()
	return reconcile.Apply(context.Background(), make(chan struct{}), plan, map[string]reconcile.System{systemName: l.sys}, index, nil)
}

// apply plans and applies, and demands that everything is done.
func (l *lab) apply(want []reconcile.Object) reconcile.Plan {
	l.t.Helper()
	plan, index := l.plan(want, reconcile.Policy{})
	l.done(l.run(plan, index))
	return plan
}

func (l *lab) done(r reconcile.Report) {
	l.t.Helper()
	for _, res := range r.Results {
		if res.Status != reconcile.StatusDone {
			l.t.Errorf("%s: %s: %v (%s, after %s)", res.Addr, res.Status, res.Err, res.Call, res.After)
		}
	}
}

// settled demands that a plan is empty.
func (l *lab) settled(want []reconcile.Object) {
	l.t.Helper()
	plan, _ := l.plan(want, reconcile.Policy{})
	if len(plan.Steps) > 0 {
		l.t.Errorf("the plan after apply is not empty:\n%s", text(plan))
	}
}

// raws lists a collection as the org has it.
func (l *lab) raws(path string) []raw {
	l.t.Helper()
	all, _, err := l.sys.client.list(context.Background(), path, "limit=200")
	if err != nil {
		l.t.Fatal(err)
	}
	return all
}

// mine lists the apps with a label.
func (l *lab) mine(label string) []raw {
	l.t.Helper()
	var found []raw
	for _, r := range l.raws("/api/v1/apps") {
		if r.text("label") == label {
			found = append(found, r)
		}
	}
	return found
}

// text prints a plan: what is done in which stage and order, with the calls.
func text(p reconcile.Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%d %c %s", s.Stage, s.Change.Action(), s.Change.Addr())
		for _, a := range s.After {
			fmt.Fprintf(&b, " after %s", a)
		}
		b.WriteByte('\n')
		for _, op := range s.Ops {
			fmt.Fprintf(&b, "    %s\n", op)
		}
		for _, h := range s.Hazards {
			fmt.Fprintf(&b, "    ! %s: %s\n", h.Kind, h.Text)
		}
		for _, n := range s.Notes {
			fmt.Fprintf(&b, "    # %s: %s\n", n.Label, n.Text)
		}
	}
	return b.String()
}

// args are a block's attributes.
type args map[string]reconcile.Value

func txt(s string) reconcile.Value { return reconcile.Text(s) }

func set(ss ...string) reconcile.Value { return reconcile.TextSet(ss...) }

func block(kind, name string, a args, inner ...reconcile.Block) reconcile.Block {
	b := reconcile.Block{Name: name, Type: kind, Fields: map[string]reconcile.Argument{}, Blocks: inner, Range: hcl.Range{Filename: "main.hcl"}}
	b.Addr = reconcile.Addr{System: systemName, Kind: kind, Name: name}
	for n, v := range a {
		b.Fields[n] = reconcile.Argument{Value: v, Range: hcl.Range{Filename: "main.hcl"}}
	}
	return b
}

// needs adds what a block's expressions refer to.
func needs(b reconcile.Block, addrs ...reconcile.Addr) reconcile.Block {
	b.Needs = append(b.Needs, addrs...)
	return b
}

func at(kind, name string) reconcile.Addr {
	return reconcile.Addr{System: systemName, Kind: kind, Name: name}
}

func declare(t *testing.T, blocks ...reconcile.Block) []reconcile.Object {
	t.Helper()
	var objects []reconcile.Object
	for _, b := range blocks {
		os, diags := Language{}.Declare(b)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		objects = append(objects, os...)
	}
	return objects
}

// service is the example spec's Okta side.
func (l *lab) service(groups ...string) []reconcile.Object {
	l.t.Helper()
	return declare(l.t, l.serviceBlocks(groups...)...)
}

func (l *lab) serviceBlocks(groups ...string) []reconcile.Block {
	app := block("app", "neo4j-etl", args{"profile": reconcile.Map{"neo4j_groups": reconcile.List(texts(groups...))}},
		block("secret", "", args{"file": txt(l.file())}))
	rule := block("rule", "client-credentials", args{"scopes": set("openid", "neo4j_groups"), "access_token_lifetime": txt("1h0m0s")})
	return []reconcile.Block{
		app,
		block("scope", "neo4j_groups", nil),
		needs(block("claim", "groups", args{"value": txt("app.profile.neo4j_groups"), "scopes": set("neo4j_groups")}), at("scope", "neo4j_groups")),
		needs(block("policy", "neo4j-service-accounts", args{"clients": reconcile.SetOf(reconcile.Ref{Addr: at("app", "neo4j-etl"), Attr: "client_id"})}, rule),
			at("app", "neo4j-etl"), at("scope", "neo4j_groups")),
	}
}

func (l *lab) file() string { return filepath.Join(l.dir, "etl.env") }

func texts(ss ...string) []reconcile.Value {
	vs := make([]reconcile.Value, len(ss))
	for i, s := range ss {
		vs[i] = reconcile.Text(s)
	}
	return vs
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
