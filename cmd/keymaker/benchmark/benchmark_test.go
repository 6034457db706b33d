package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	driver "github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

// built are the programs that the tests run.
var built struct{ keymaker, terraform string }

func TestMain(m *testing.M) { os.Exit(withPrograms(m)) }

func withPrograms(m *testing.M) int {
	dir, err := os.MkdirTemp("", "keymaker-benchmark-test")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	built.keymaker, built.terraform = filepath.Join(dir, "keymaker"), filepath.Join(dir, "bin", "terraform")
	for file, pkg := range map[string]string{built.keymaker: "keymaker/cmd/keymaker", built.terraform: "./testdata/terraform"} {
		if out, err := exec.Command("go", "build", "-o", file, pkg).CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v\n%s", err, out))
		}
	}
	return m.Run()
}

// servers are a sandbox in a process of its own, to which the test's environment points.
type servers struct {
	t   *testing.T
	env map[string]string
}

func start(t *testing.T, args ...string) *servers {
	t.Helper()
	cmd := exec.Command(built.keymaker, append([]string{"sandbox", "--dir", t.TempDir()}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	s := &servers{t: t, env: make(map[string]string)}
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "# ready"; {
		if line, ok := strings.CutPrefix(lines.Text(), "export "); ok {
			name, value, _ := strings.Cut(line, "=")
			s.env[name] = strings.Trim(value, "'")
			t.Setenv(name, s.env[name])
		}
	}
	return s
}

// labels are those of the org's apps.
func (s *servers) labels() []string {
	s.t.Helper()
	var page []struct{ Label string }
	s.get("/api/v1/apps?limit=200", &page)
	var all []string
	for _, app := range page {
		all = append(all, app.Label)
	}
	slices.Sort(all)
	return all
}

func (s *servers) get(path string, into any) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, s.env["OKTA_CLIENT_ORGURL"]+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "SSWS "+s.env["OKTA_CLIENT_TOKEN"])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		s.t.Fatal(err)
	}
}

// names is all that both servers hold, by name.
func (s *servers) names() string {
	s.t.Helper()
	text := fmt.Sprintln("apps", s.labels())
	for _, kind := range []string{"scopes", "claims", "policies"} {
		var all []struct{ Name string }
		s.get("/api/v1/authorizationServers/default/"+kind, &all)
		text += fmt.Sprintln(kind, all)
	}
	ctx := context.Background()
	d, err := driver.NewDriverWithContext(s.env["NEO4J_URI"], driver.BasicAuth(s.env["NEO4J_USERNAME"], s.env["NEO4J_PASSWORD"], ""))
	if err != nil {
		s.t.Fatal(err)
	}
	defer d.Close(ctx)
	result, err := driver.ExecuteQuery(ctx, d, "SHOW ROLES YIELD role", nil, driver.EagerResultTransformer, driver.ExecuteQueryWithDatabase("system"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range result.Records {
		text += fmt.Sprintln("role", r.Values)
	}
	return text
}

// bench runs the benchmark, and gives its table and what it said.
func bench(ctx context.Context, in string, args ...string) (table, said string, err error) {
	var out, log bytes.Buffer
	err = run(ctx, args, strings.NewReader(in), &out, &log)
	return out.String(), log.String(), err
}

// rows are the numbers of a table's lines: requests and calls, by trial and work.
func rows(table string) map[string]string {
	all := make(map[string]string)
	for _, line := range strings.Split(table, "\n") {
		if cells := strings.Split(line, " | "); len(cells) == 8 && !strings.Contains(line, "work") {
			all[strings.TrimPrefix(cells[0], "| ")+": "+cells[1]] = cells[2] + " and " + cells[3]
		}
	}
	return all
}

// TestLive is runs against servers that were there before, each of which leaves them as they were.
func TestLive(t *testing.T) {
	s := start(t)
	for name, test := range map[string]func(*testing.T, *servers){"asks and measures": liveAsks, "fails": liveFails, "with Terraform": liveTerraform} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

// liveAsks is a run that says what it will do, asks, and measures.
func liveAsks(t *testing.T, s *servers) {
	before := s.names()
	_, said, err := bench(t.Context(), "no\n", "-keymaker", built.keymaker, "-live", "-sizes", "3")
	if err == nil || !strings.Contains(err.Error(), "not approved") || !strings.Contains(said, s.env["OKTA_CLIENT_ORGURL"]+"   up to 3 apps") {
		t.Errorf("a no: got %v, said\n%s", err, said)
	}
	if _, _, err := bench(t.Context(), "", "-keymaker", built.keymaker, "-live", "-sizes", "3"); err == nil {
		t.Error("without an answer it went on")
	}
	table, said, err := bench(t.Context(), "yes\n", "-keymaker", built.keymaker, "-live", "-sizes", "3", "-runs", "1")
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	got := rows(table)
	want := map[string]string{
		"3 accounts and roles: " + planNew: got["3 accounts and roles: "+planNone], "3 accounts and roles: " + planNone: got["3 accounts and roles: "+planNew],
		"3 accounts and roles: " + applyNew: "11 and 8", // 3 apps, a scope, a claim, a policy and a rule, and 2 looks at each of apps and policies; 3 roles, 4 shared statements, a transaction
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || len(got) != 3 {
		t.Errorf("got %v, want %v in\n%s", got, want, table)
	}
	if !strings.Contains(said, "all of it is gone") || !strings.Contains(table, "servers of "+s.env["OKTA_CLIENT_ORGURL"]) {
		t.Errorf("said\n%s\nand the table is\n%s", said, table)
	}
	if after := s.names(); after != before {
		t.Errorf("it left\n%s\nwhere there was\n%s", after, before)
	}
}

// liveFails is a run whose apply says that it failed, and one that cannot take away what it made.
func liveFails(t *testing.T, s *servers) {
	before := s.names()
	_, said, err := bench(t.Context(), "", "-keymaker", wrapped(t, "apply"), "-live", "-yes", "-sizes", "3")
	if err == nil || !strings.Contains(err.Error(), "exit status 7") || !strings.Contains(said, "all of it is gone") {
		t.Errorf("got %v, said\n%s", err, said)
	}
	if after := s.names(); after != before {
		t.Errorf("it left\n%s\nwhere there was\n%s", after, before)
	}

	_, _, err = bench(t.Context(), "", "-keymaker", wrapped(t, "destroy"), "-live", "-yes", "-sizes", "3")
	if err == nil {
		t.Fatal("what could not be taken away is no error")
	}
	way := regexp.MustCompile("names that begin with (kmbench_[a-z0-9]+); `keymaker destroy ([^`]+)` takes it away").FindStringSubmatch(err.Error())
	if way == nil || !strings.Contains(s.names(), way[1]) {
		t.Fatalf("the error does not say what is left and what takes it away: %v", err)
	}
	defer os.RemoveAll(filepath.Dir(filepath.Dir(way[2])))
	if out, err := exec.Command(built.keymaker, "destroy", "--auto-approve", way[2]).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if after := s.names(); after != before {
		t.Errorf("what the error says leaves\n%s\nwhere there was\n%s", after, before)
	}
}

func TestLiveOverTLS(t *testing.T) {
	start(t, "--tls")
	if _, said, err := bench(t.Context(), "", "-keymaker", built.keymaker, "-live", "-yes", "-sizes", "2", "-runs", "1"); err != nil || !strings.Contains(said, "all of it is gone") {
		t.Errorf("got %v, said\n%s", err, said)
	}
}

// Ctrl-C in the middle of an apply takes away what was made by then.
func TestLiveInterrupted(t *testing.T) {
	s := start(t, "--latency", "20ms")
	before := s.names()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wait sync.WaitGroup
	wait.Go(func() {
		defer cancel()
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
			if strings.Contains(fmt.Sprint(s.labels()), "kmbench_") {
				return
			}
		}
		t.Error("no app was made")
	})
	_, said, err := bench(ctx, "", "-keymaker", built.keymaker, "-live", "-yes", "-sizes", "60")
	wait.Wait()
	if err == nil || !strings.Contains(said, "all of it is gone") {
		t.Errorf("got %v, said\n%s", err, said)
	}
	if after := s.names(); after != before {
		t.Errorf("it left\n%s\nwhere there was\n%s", after, before)
	}
}

// wrapped is keymaker, but for a command that fails: apply when it has done its work, any other at once.
func wrapped(t *testing.T, fails string) string {
	t.Helper()
	script := "#!/bin/sh\ncase $1 in\n" + fails + ") exit 7 ;;\n*) exec '" + built.keymaker + "' \"$@\" ;;\nesac\n"
	if fails == "apply" {
		script = strings.Replace(script, "exit 7", "'"+built.keymaker+"' \"$@\"; exit 7", 1)
	}
	file := filepath.Join(t.TempDir(), "keymaker")
	if err := os.WriteFile(file, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// A plan that would touch what is there is none to go on with.
func TestOnlyCreates(t *testing.T) {
	if err := (summary{Create: 9}).onlyCreates(); err != nil {
		t.Error(err)
	}
	for _, s := range []summary{{Create: 9, Update: 1}, {Delete: 1}} {
		if s.onlyCreates() == nil {
			t.Errorf("%+v goes on", s)
		}
	}
}

// The stand-in for Terraform shows that its requests are counted, also those to further pages, that its process is measured, and that what it made goes. It shows nothing of what
// Terraform and its provider cost.
func TestTerraformIsMeasured(t *testing.T) {
	t.Setenv("PATH", filepath.Dir(built.terraform)+string(os.PathListSeparator)+os.Getenv("PATH"))
	table, said, err := bench(t.Context(), "", "-keymaker", built.keymaker, "-sizes", "5", "-runs", "1", "-terraform")
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	got := rows(table)
	own := len(start(t).labels()) // apps that an org has by itself; keymaker and the stand-in make 5 each
	pages := func(apps int) int { return (apps + 1) / 2 }
	// Before each list the stand-in asks who the token's user is.
	for work, n := range map[string]int{planNew: 1 + pages(own+5), applyNew: 5, planNone: 1 + pages(own+10)} {
		want := fmt.Sprintf("%d and ", n)
		if name := "5 accounts: terraform 0.0.0-stand-in: " + work; got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if len(got) != 6 {
		t.Errorf("%d rows:\n%s", len(got), table)
	}
	for _, line := range strings.Split(table, "\n") {
		if strings.Contains(line, "stand-in") && strings.HasSuffix(line, "| 0 |") {
			t.Errorf("no memory was measured: %s", line)
		}
	}
}

// Terraform that is not there, that gets no provider, or that fails is told of, and everything else goes on. What it had made by then goes.
func TestTerraformIsMissing(t *testing.T) {
	git, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	plain := filepath.Dir(git) // which has neither
	for _, c := range []struct{ name, path, fails, provider, want string }{
		{"no program", plain, "", "", "Terraform was not measured: neither terraform nor tofu is on the PATH"},
		{"no provider", filepath.Dir(built.terraform), "init", "", "init -input=false -no-color: exit status 1: Failed to query available provider packages"},
		{"a file that is not there", filepath.Dir(built.terraform), "", "/nowhere/terraform-provider-okta", "-terraform-provider: stat /nowhere/terraform-provider-okta: no such file"},
		{"a file of another name", filepath.Dir(built.terraform), "", "/bin/sh", "whose name begins with terraform-provider-okta, and not sh"},
		{"a failing apply", filepath.Dir(built.terraform), "apply", "", "Terraform was not measured further: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("PATH", c.path)
			t.Setenv("STAND_IN_FAILS", c.fails)
			sizes := "2"
			if c.name == "no program" || c.fails == "apply" {
				sizes = "2,3" // it is not tried again
			}
			table, said, err := bench(t.Context(), "", "-keymaker", built.keymaker, "-sizes", sizes, "-runs", "1", "-terraform", "-terraform-provider", c.provider)
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			if strings.Count(table, c.want) != 1 || strings.Count(said, c.want) != 1 {
				t.Errorf("want %q once in each of\n%s\n%s", c.want, table, said)
			}
			for _, n := range strings.Split(sizes, ",") {
				if name := n + " accounts and roles: " + planNone; rows(table)[name] == "" {
					t.Errorf("there is no %s in\n%s", name, table)
				}
			}
			if strings.Contains(table, "still there") {
				t.Errorf("what Terraform had made did not go:\n%s", table)
			}
		})
	}
}

// liveTerraform: with live servers nothing is answered in the org's place. A request that it refuses is a plan that fails, told of and no reason to stop.
func liveTerraform(t *testing.T, s *servers) {
	before := s.names()
	t.Setenv("PATH", filepath.Dir(built.terraform)+string(os.PathListSeparator)+os.Getenv("PATH"))
	_, said, err := bench(t.Context(), "yes\n", "-keymaker", built.keymaker, "-live", "-sizes", "2", "-runs", "1", "-terraform")
	if err != nil || !strings.Contains(said, "Terraform was not measured further") || !strings.Contains(said, "Terraform does the same to Okta once more") {
		t.Errorf("got %v, said\n%s", err, said)
	}
	if after := s.names(); after != before {
		t.Errorf("it left\n%s\nwhere there was\n%s", after, before)
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-cases some", "quick or all"},
		{"-sizes 0", "no number of accounts"},
		{"-sizes 10001", "no number of accounts"},
		{"-sizes 1,x", `"x"`},
		{"-runs 0", "less than once"},
		{"10", "takes flags only"},
		{"-live -cases quick", "-live takes -sizes"},
		{"-live -readme x", "-readme is for"},
		{"-live -sizes 1 -latency 1s", "latency and limits are what the servers have"},
		{"-latency 1s", "are for -sizes"},
		{"-nothing", "flag provided but not defined"},
	} {
		if _, _, err := bench(t.Context(), "", strings.Fields(c.args)...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.args, err, c.want)
		}
	}
	t.Setenv("OKTA_CLIENT_ORGURL", "")
	if _, _, err := bench(t.Context(), "", "-live"); err == nil || !strings.Contains(err.Error(), "OKTA_CLIENT_ORGURL") {
		t.Errorf("-live without servers: got %v", err)
	}
}

// A table is put between its marks, and nowhere else; README.md has a place for it.
func TestReplace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "doc.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a\n" + tableBegins + "old\n" + tableEnds + "b\n")
	if err := replace(file, "new\n"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(file); string(got) != "a\n"+tableBegins+"new\n"+tableEnds+"b\n" {
		t.Errorf("got\n%s", got)
	}
	write("a\n" + tableBegins)
	if err := replace(file, "new\n"); err == nil {
		t.Error("a document without an end of the table was written")
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, rest, ok := strings.Cut(string(readme), tableBegins); !ok || !strings.HasPrefix(rest, header) || !strings.Contains(rest, tableEnds) {
		t.Errorf("README.md has no table with the columns of this one between %q and %q", tableBegins, tableEnds)
	}
}

func TestRow(t *testing.T) {
	c := trial{accounts: 10000, latency: 50 * time.Millisecond, limits: "enterprise", share: 50}
	got := row{trial: c, what: applyNew, okta: 10013, neo4j: -1, seconds: 12.344, peak: 99.6}.String()
	if want := "| 10,000 accounts and roles, 50 ms away, limits: enterprise, `--rate-share 50` | apply | 10,013 |  | 12.34 |  | 0.62 | 100 |"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n := strings.Count(header, "|"); strings.Count(got, "|")*2 != n {
		t.Errorf("the header has %d columns twice", n)
	}
}

// together sees the memory of what a process starts.
func TestPeakOfChildren(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("there is no /proc here")
	}
	measure := func(children bool) float64 {
		t.Helper()
		_, one, err := timed(exec.Command("sh", "-c", built.keymaker+" version; "+built.keymaker+" validate --help; true"), children)
		if err != nil {
			t.Fatal(err)
		}
		return one.peak
	}
	if own, all := measure(false), measure(true); own <= 0 || all <= own {
		t.Errorf("a shell alone has %.1f MiB, with what it starts %.1f", own, all)
	}
}
