package okta

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// look is what drift does with one system: compare, watch, weigh, ask the log.
func (l *lab) look(s *System, want []reconcile.Object) (reconcile.Drift, []string) {
	l.t.Helper()
	live, err := s.Read(l.t.Context(), want)
	if err != nil {
		l.t.Fatal(err)
	}
	since := time.Now().Add(-24 * time.Hour)
	drift := reconcile.Compare(s.Kinds(), want, live)
	systems := []reconcile.System{s}
	drift, remarks := reconcile.Oversee(l.t.Context(), systems, drift, reconcile.Inquiry{Log: true, Since: since})
	drift = reconcile.Weigh(systems, reconcile.Everything([]reconcile.Live{live}, drift), drift)
	return reconcile.Attribute(l.t.Context(), systems, drift, since), remarks
}

func (l *lab) stage() ([]reconcile.Object, oktatest.Cast) {
	l.sys = l.open(Options{UserAgent: "keymaker/test"})
	blocks := l.serviceBlocks("neo4j_writer")
	blocks[0].Fields[attrStatus] = reconcile.Argument{Value: txt(active)}
	blocks[1].Fields["consent"] = reconcile.Argument{Value: txt(consentImplied)}
	blocks[3].Blocks[0].Fields[attrStatus] = reconcile.Argument{Value: txt(active)}
	want := declare(l.t, blocks...)
	l.apply(want)
	return want, oktatest.Cast{App: "neo4j-etl", Server: "default", Scope: "neo4j_groups", Claim: "groups", Policy: "neo4j-service-accounts", Rule: "client-credentials"}
}

// Each story is seen, graded, and laid to the administrator at the console who told it, with an event that is in the log, and to nobody else: keymaker made the same
// objects a moment before.
func TestStoriesAreGradedAndAttributed(t *testing.T) {
	graded := map[string]reconcile.Gravity{
		"widen-profile": reconcile.Widens, "widen-claim": reconcile.Widens, "dpop-on": reconcile.Narrows, "second-secret": reconcile.Widens, "extra-claim": reconcile.Neutral,
		"rule-above": reconcile.Widens, "open-policy": reconcile.Widens, "long-tokens": reconcile.Widens, "ask-consent": reconcile.Neutral, "deactivate-rule": reconcile.Narrows,
		"deactivate-app": reconcile.Narrows, "rename-app": reconcile.Narrows, "delete-claim": reconcile.Narrows, "delete-policy": reconcile.Narrows, "delete-app": reconcile.Narrows,
	}
	for _, story := range oktatest.Stories() {
		t.Run(story.Name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, &oktatest.Server{})
			want, cast := l.stage()
			s := l.sys
			if d, remarks := l.look(s, want); d.Count(reconcile.InSync) != len(want) || len(remarks) > 0 {
				t.Fatalf("before the story: %+v, %q", d, remarks)
			}
			if err := story.Tell(l.org, cast); err != nil {
				t.Fatal(err)
			}
			d, _ := l.look(s, want)
			seen, gravity := 0, reconcile.Neutral
			for _, it := range d.Items {
				if it.State == reconcile.InSync {
					continue
				}
				if it.Addr.Kind == kindPolicy && (story.Name == "delete-app" || story.Name == "rename-app") {
					continue // it names an app that is not there under that name, and nobody touched it
				}
				seen++
				if it.Gravity.Compare(gravity) > 0 {
					gravity = it.Gravity
				}
				by := it.Culprits()
				if len(by) == 0 || by[0].Actor != "console@sandbox.example" || by[0].Event == "" || by[0].At.IsZero() {
					t.Errorf("%s by %+v", it.Addr, by)
					continue
				}
				if it.Addr.Kind != kindRule && by[0].Confidence != reconcile.ConfidenceExact {
					t.Errorf("%s by %+v, want it exact", it.Addr, by[0])
				}
			}
			if seen == 0 || gravity != graded[story.Name] {
				t.Errorf("%d objects are told, of gravity %s, want %s: %+v", seen, gravity, graded[story.Name], d)
			}
			if slices.ContainsFunc(l.org.Calls(), func(c oktatest.Call) bool { return strings.Contains(c.Path, "credentials/secrets") }) {
				t.Error("secrets were read")
			}
		})
	}
}

// A secret that is planted under keymaker's name is told, and said to be that: keymaker adds none to an app that is there.
func TestForgedSecretIsTold(t *testing.T) {
	t.Parallel()
	l := newLab(t, &oktatest.Server{})
	want, cast := l.stage()
	if d, _ := l.look(l.sys, want); d.Count(reconcile.InSync) != len(want) {
		t.Fatalf("before: %+v", d)
	}
	id := textOf(itemAt(first(l.look(l.sys, want)), cast.App).Live.Facts["id"])
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.org.URL+"/api/v1/apps/"+id+"/credentials/secrets", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Authorization": "SSWS " + canaryToken, "User-Agent": "keymaker/test", "Content-Type": "application/json", "Accept": "application/json"} {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		t.Fatalf("planting: %s", answer.Status)
	}
	d, _ := l.look(l.sys, want)
	it := itemAt(d, cast.App)
	i := slices.IndexFunc(it.Diffs, func(d reconcile.Diff) bool { return d.Name == watchSecrets })
	if i < 0 {
		t.Fatalf("the secret is not told: %+v", it)
	}
	if means := strings.Join(it.Diffs[i].Means, "; "); it.Diffs[i].Gravity != reconcile.Widens || !strings.Contains(means, "calls itself keymaker") {
		t.Errorf("got %s: %s", it.Diffs[i].Gravity, means)
	}
}

func first(d reconcile.Drift, _ []string) reconcile.Drift { return d }

// Without the right, with nothing in the log, or with keymaker's own writes only, the reason is told and the drift is the same.
func TestNobodyIsNamedWithoutReason(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	want, cast := l.stage()
	for i, o := range want {
		if o.Addr.Kind == kindApp { // the spec changes, and nobody touched the org
			profile := reconcile.Attr{Name: attrProfile, Value: reconcile.Map{"neo4j_groups": reconcile.List{txt("neo4j_reader")}}}
			want[i].Set(profile)
		}
	}
	d, _ := l.look(l.sys, want)
	if by := itemAt(d, cast.App).Culprits(); len(by) != 1 || by[0].Confidence != reconcile.ConfidenceNone || !strings.Contains(by[0].Why, "only keymaker itself") {
		t.Errorf("after our own write only: %+v", by)
	}
	if d, _ = l.look(l.open(Options{UserAgent: "other/1"}), want); itemAt(d, cast.App).Culprits()[0].Actor != "admin@sandbox.example" {
		t.Error("somebody else with the same login is not named")
	}
	items := slices.DeleteFunc(slices.Clone(d.Items), func(it reconcile.DriftItem) bool { return it.State == reconcile.InSync })
	if by := l.sys.Who(t.Context(), items, time.Now().Add(time.Hour))[items[0].Addr].Object; !strings.Contains(by.Why, "no change to it is in the System Log since") {
		t.Errorf("where the log has nothing: %+v", by)
	}
	l.org.Fault(oktatest.Fault{Method: "GET", Path: logPath, Status: 403, Repeat: -1})
	d, remarks := l.look(l.sys, want)
	if by := itemAt(d, cast.App).Culprits(); itemAt(d, cast.App).State != reconcile.Drifted || len(by) != 1 || !strings.Contains(by[0].Why, rightLogs) {
		t.Errorf("without the right: %+v", by)
	}
	if len(remarks) != 1 || !strings.Contains(remarks[0], "client secrets are not watched") {
		t.Errorf("remarks %q", remarks)
	}
}

func itemAt(d reconcile.Drift, name string) reconcile.DriftItem {
	for _, it := range d.Items {
		if it.Addr.Name == name {
			return it
		}
	}
	return reconcile.DriftItem{}
}

// The log is asked in batches, page after page, however many objects drifted.
func TestLogIsReadInBatchesAndPages(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	l.sys = l.open(Options{UserAgent: "keymaker/test"})
	var blocks []reconcile.Block
	for i := range logBatch + 5 {
		blocks = append(blocks, block(kindApp, fmt.Sprintf("app-%02d", i), args{attrLabel: txt(fmt.Sprintf("app-%02d", i)), attrProfile: reconcile.Map{"g": reconcile.List{txt("a")}}}))
	}
	want := declare(t, blocks...)
	l.apply(want)
	for i := range logBatch + 5 {
		if err := l.org.EditApp(fmt.Sprintf("app-%02d", i), func(app map[string]any) { app["profile"] = map[string]any{"g": []any{"b"}} }); err != nil {
			t.Fatal(err)
		}
	}
	l.org.ResetCalls()
	d, _ := l.look(l.sys, want)
	for _, it := range d.Items {
		if by := it.Culprits(); len(by) != 1 || by[0].Confidence != reconcile.ConfidenceExact {
			t.Errorf("%s by %+v", it.Addr, by)
		}
	}
	n := 0
	for _, c := range l.org.Calls() {
		if c.Path == logPath {
			n++
		}
	}
	if n != 3 { // two batches, and the one query about secrets
		t.Errorf("%d calls to the log", n)
	}
}

// An id cannot end the text that it stands in, nor the parameter: the filter stays one of the ids that were asked for.
func TestLogFilterIsNotInjected(t *testing.T) {
	for _, id := range []string{`a" or target.id pr or target.id eq "b`, `a\" or "`, `a&limit=1&after=x`, "a b", "ü\n"} {
		text := anyOf("target.id", []string{id, "0oa1"})
		unquoted, err := strconv.Unquote(strings.TrimSuffix(strings.TrimPrefix(text, "(target.id eq "), ` or target.id eq "0oa1")`))
		if err != nil && !strings.Contains(id, "\n") || err == nil && unquoted != id {
			t.Errorf("%q becomes %s", id, text)
		}
		sent, err := url.ParseQuery(url.Values{"filter": {text}, "limit": {"9"}}.Encode())
		if err != nil || len(sent) != 2 || sent.Get("filter") != text || sent.Get("limit") != "9" {
			t.Errorf("%q is sent as %v, %v", id, sent, err)
		}
	}
}
