package neo4j

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keymaker/neo4j/neo4jtest"
	"keymaker/reconcile"
)

const testPassword = "correct-horse"

// rig is an emulated DBMS and a System that talks to it over real sockets.
type rig struct {
	t      *testing.T
	server *neo4jtest.Server
	sys    *System
	conf   string
	env    map[string]string
}

type rigOption func(*neo4jtest.Server, *reconcile.Block, *Options)

// withConf gives Keymaker the conf file, and the means to restart.
func withConf(server *neo4jtest.Server, conn *reconcile.Block, _ *Options) {
	conn.Fields["conf_file"] = reconcile.Argument{Value: reconcile.Text("neo4j.conf")}
}

func withMembers(n int) rigOption {
	return func(server *neo4jtest.Server, _ *reconcile.Block, _ *Options) { server.Members = n }
}

func withVersion(v string) rigOption {
	return func(server *neo4jtest.Server, _ *reconcile.Block, _ *Options) { server.Version = v }
}

func newRig(t *testing.T, options ...rigOption) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, conf: filepath.Join(dir, "neo4j.conf"), env: map[string]string{"NEO4J_PASSWORD": testPassword}}
	// Beside a real server the emulated ones are of its version, so that it can judge what they are sent.
	r.server = &neo4jtest.Server{Password: testPassword, ConfFile: r.conf, Version: os.Getenv("NEO4J_REAL_VERSION")}
	conn := reconcile.Block{Fields: map[string]reconcile.Argument{}, Dir: dir}
	opts := Options{Env: func(name string) (string, bool) { v, ok := r.env[name]; return v, ok }}
	for _, o := range options {
		o(r.server, &conn, &opts)
	}
	r.must(r.server.Start())
	t.Cleanup(func() { r.keepSent(); _ = r.server.Close() })
	r.env["NEO4J_URI"] = r.server.URL
	if r.server.Members > 1 {
		var members reconcile.List
		for _, u := range r.server.URLs {
			members = append(members, reconcile.Text(u))
		}
		conn.Fields["members"] = reconcile.Argument{Value: members}
	}
	if conn.Value("conf_file") != nil && opts.Restart == nil && len(conn.Blocks) == 0 {
		opts.Restart = r.restart
	}
	sys, err := Open(context.Background(), conn, opts)
	r.must(err)
	t.Cleanup(func() { _ = sys.Close(context.Background()) })
	sys.restart.settle = 0
	r.sys = sys
	return r
}

func (r *rig) restart(_ context.Context, member string) error {
	for i, u := range r.server.URLs {
		if strings.TrimPrefix(strings.TrimPrefix(u, "bolt://"), "bolt+s://") == member {
			return r.server.RestartMember(i)
		}
	}
	return os.ErrNotExist
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) writeConf(text string) {
	r.t.Helper()
	r.must(os.WriteFile(r.conf, []byte(text), 0o640))
}

func (r *rig) readConf() string {
	r.t.Helper()
	data, err := os.ReadFile(r.conf)
	r.must(err)
	return string(data)
}

// admin runs statements as an administrator, beside Keymaker.
func (r *rig) admin(statements ...string) []row {
	r.t.Helper()
	var rows []row
	for _, s := range statements {
		var err error
		rows, err = r.sys.client.query(context.Background(), r.sys.uri.String(), s, nil)
		r.must(err)
	}
	return rows
}

// plan goes from wanted objects to a plan, as the commands do.
func (r *rig) plan(want ...reconcile.Object) reconcile.Plan {
	r.t.Helper()
	plan, err := r.tryPlan(reconcile.Policy{}, want...)
	r.must(err)
	return plan
}

func (r *rig) tryPlan(policy reconcile.Policy, want ...reconcile.Object) (reconcile.Plan, error) {
	r.t.Helper()
	live, err := r.sys.Read(context.Background(), want)
	if err != nil {
		return reconcile.Plan{}, err
	}
	drift := reconcile.Compare(r.sys.Kinds(), want, live)
	changes, _, diags := reconcile.Police(drift, policy)
	if diags.HasErrors() {
		return reconcile.Plan{}, diags
	}
	return reconcile.BuildPlan([]reconcile.System{r.sys}, []reconcile.Live{live}, drift, changes)
}

func (r *rig) apply(plan reconcile.Plan) reconcile.Report {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return reconcile.Apply(ctx, nil, plan, map[string]reconcile.System{systemName: r.sys}, reconcile.NewIndex(nil), nil)
}

// converge applies what the wants need, and fails the test when anything is left to do afterwards.
func (r *rig) converge(want ...reconcile.Object) reconcile.Plan {
	r.t.Helper()
	plan := r.plan(want...)
	r.applied(plan)
	r.insync(want...)
	return plan
}

func (r *rig) applied(plan reconcile.Plan) {
	r.t.Helper()
	for _, res := range r.apply(plan).Results {
		if res.Status != reconcile.StatusDone {
			r.t.Fatalf("%s: %s: %v (%s)", res.Addr, res.Status, res.Err, res.Call)
		}
	}
}

func (r *rig) insync(want ...reconcile.Object) {
	r.t.Helper()
	again := r.plan(want...)
	for _, s := range again.Steps {
		r.t.Errorf("left to do: %s", describe(s))
	}
}

// describe is a step as text, for goldens.
func describe(s reconcile.Step) string {
	var b strings.Builder
	stage := map[reconcile.Stage]string{reconcile.Restrict: "restrict", reconcile.Converge: "converge", reconcile.Retire: "retire"}[s.Stage]
	b.WriteString(string(s.Change.Action()) + " " + s.Change.Addr().String() + " " + stage + "\n")
	if u, ok := s.Change.(reconcile.Update); ok {
		for _, d := range u.Diffs {
			live := "absent"
			if d.Live != nil {
				live = d.Live.String()
			}
			b.WriteString("  diff " + d.Name + " " + live + " -> " + d.Want.String() + "\n")
		}
	}
	for _, op := range s.Ops {
		b.WriteString(indent(op.String()))
	}
	for _, n := range s.Notes {
		b.WriteString("  note " + n.Label + ": " + n.Text + "\n")
	}
	for _, h := range s.Hazards {
		b.WriteString("  hazard " + string(h.Kind) + ": " + h.Text + "\n")
	}
	for _, p := range s.Pending {
		b.WriteString("  pending " + p + "\n")
	}
	for _, name := range s.Later {
		b.WriteString("  later " + name + "\n")
	}
	for _, a := range s.After {
		b.WriteString("  after " + a.String() + "\n")
	}
	return b.String()
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") + "\n" }

func describePlan(p reconcile.Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		b.WriteString(describe(s))
	}
	return b.String()
}

var update = flag.Bool("update", false, "write the golden files of this package anew")

// golden compares a text with testdata/NAME.golden. What differs from run to run (ports, folders) has its name instead.
func (r *rig) golden(name, got string) {
	r.t.Helper()
	got = strings.ReplaceAll(got, r.conf, "/etc/neo4j/neo4j.conf")
	for i, u := range r.server.URLs {
		got = strings.ReplaceAll(got, strings.TrimPrefix(u, "bolt://"), fmt.Sprintf("member%d:7687", i))
	}
	goldenText(r.t, name, got)
}

func goldenText(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got:\n%s\nwant:\n%s", file, got, want)
	}
}

// fields are a block's attributes.
type fields map[string]reconcile.Value

func blockOf(kind, name string, f fields) reconcile.Block {
	b := reconcile.Block{Addr: reconcile.Addr{System: systemName, Kind: kind, Name: name}, Name: name, Fields: map[string]reconcile.Argument{}}
	for k, v := range f {
		b.Fields[k] = reconcile.Argument{Value: v}
	}
	return b
}

// declare makes a block the object it wants; mistakes end the test.
func (r *rig) declare(kind, name string, f fields) reconcile.Object {
	r.t.Helper()
	objects, diags := Language{}.Declare(blockOf(kind, name, f))
	if diags.HasErrors() {
		r.t.Fatal(diags)
	}
	return objects[0]
}

func setOf(ss ...string) reconcile.Value { return reconcile.TextSet(ss...) }
