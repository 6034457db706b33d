package render

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rec "keymaker/reconcile"
)

// browser is a headless Chromium that is spoken to over two pipes, in the DevTools protocol.
type browser struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	id      int
	network int // requests for anything but the page itself
	errors  []string
}

// startBrowser starts Chromium, and skips the test where there is none: KEYMAKER_BROWSER names it, else the usual names are looked for.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	path := os.Getenv("KEYMAKER_BROWSER")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); path == "" && err == nil {
			path = found
		}
	}
	if path == "" {
		t.Skip("no Chromium here: the page is not looked at in a browser (KEYMAKER_BROWSER names one)")
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	back, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{theirs, answers}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	answers.Close()
	t.Cleanup(func() {
		ours.Close()
		stuck := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // it ends when its pipe does
		stuck.Stop()
		back.Close()
	})
	_ = back.SetReadDeadline(time.Now().Add(2 * time.Minute))
	b := &browser{t: t, in: ours, out: bufio.NewReaderSize(back, 1<<20)}
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Network", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

type message struct {
	ID     int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *struct{ Message string }
}

// call sends a command and waits for its answer; events in between are noted.
func (b *browser) call(method string, params map[string]any, into any) {
	b.t.Helper()
	b.id++
	text, err := json.Marshal(map[string]any{"id": b.id, "method": method, "params": params, "sessionId": b.session})
	if b.session == "" {
		text, err = json.Marshal(map[string]any{"id": b.id, "method": method, "params": params})
	}
	if err == nil {
		_, err = b.in.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	for {
		m := b.next()
		if m.ID != b.id {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if into != nil {
			if err := json.Unmarshal(m.Result, into); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

func (b *browser) next() message {
	b.t.Helper()
	text, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatal("the browser says nothing: ", err)
	}
	var m message
	if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
		b.t.Fatal(err)
	}
	switch m.Method {
	case "Network.requestWillBeSent":
		if !strings.Contains(string(m.Params), `"url":"file://`) {
			b.network++
		}
	case "Runtime.exceptionThrown", "Log.entryAdded":
		b.errors = append(b.errors, string(m.Params))
	}
	return m
}

func (b *browser) open(file string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": "file://" + file}, nil)
	for b.next().Method != "Page.loadEventFired" {
	}
}

// eval gives what an expression of the page comes to.
func (b *browser) eval(expression string) any {
	b.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Text string }
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails.Text)
	}
	return r.Result.Value
}

// shot keeps a picture where KEYMAKER_SHOTS says, for somebody to look at.
func (b *browser) shot(name string, whole bool) {
	dir := os.Getenv("KEYMAKER_SHOTS")
	if dir == "" {
		return
	}
	var r struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &r)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// manyFindings is a report of n objects in every state, with who did it.
func manyFindings(n int) Findings {
	f := Findings{Version: "1.0.0", At: time.Date(2026, 11, 20, 17, 42, 0, 0, time.UTC), Targets: targets(), Edges: someEdges(), Remarks: []string{"Okta: client secrets are not watched, since the System Log was not asked."}}
	gravities := []rec.Gravity{rec.Widens, rec.Narrows, rec.Neutral, rec.Changes}
	reads, admin := rec.Node{Kind: rec.NodeGroup, Name: "neo4j_reader"}, rec.Node{Kind: rec.NodeGroup, Name: "neo4j_admin"}
	for i := range n {
		account := rec.Node{Kind: rec.NodeAccount, Name: fmt.Sprintf("service-%04d", i)}
		f.Edges = append(f.Edges, rec.Edge{From: account, To: reads, Via: addr("okta", "app", account.Name)})
		if i%5 == 0 {
			f.Edges = append(f.Edges, rec.Edge{From: account, To: admin, Via: addr("okta", "app", account.Name)})
		}
		it := rec.DriftItem{Addr: addr("okta", "app", fmt.Sprintf("service-%04d", i)), State: rec.InSync, Want: rec.Object{Range: at(fmt.Sprintf("specs/team-%02d.hcl", i%17), i+1)}, Gravity: rec.Neutral}
		switch i % 5 {
		case 0:
			it.State, it.Gravity = rec.Drifted, gravities[i/5%4]
			it.Diffs = []rec.Diff{{Name: "profile.neo4j_groups", Live: rec.List{rec.Text("neo4j_reader"), rec.Text("neo4j_admin")}, Want: rec.List{rec.Text("neo4j_reader")}, Removed: []rec.Value{rec.Text("neo4j_admin")},
				Gravity: it.Gravity, Means: []string{it.Addr.Name + " gains role admin"}, By: &rec.Attribution{Confidence: rec.ConfidenceExact, System: "okta", Actor: "mallory@example.com", At: f.At, Event: fmt.Sprintf("8f1c-%d", i)}}}
			if i%10 == 0 {
				it.Diffs = append(it.Diffs, rec.Diff{Name: "secrets", Live: rec.TextSet("ocs1"), Want: rec.Set{}, Removed: []rec.Value{rec.Text("ocs1")}, Watched: true, Gravity: rec.Widens,
					Means: []string{"whoever has secret ocs1 logs in as " + it.Addr.Name}, Remedy: "delete the secret in Okta, or accept it with ignore_changes = [secrets] in its lifecycle block",
					By: &rec.Attribution{Confidence: rec.ConfidenceExact, System: "okta", Actor: "trudy@example.com", At: f.At, Event: fmt.Sprintf("9a00-%d", i)}})
				it.Gravity = rec.Widens
			}
			f.Access = append(f.Access, rec.AccessChange{Account: it.Addr.Name, Loses: []rec.Node{{Kind: rec.NodeRole, Name: "admin"}}})
		case 1:
			if i%3 == 0 {
				it.State, it.Gravity, it.Means = rec.Missing, rec.Narrows, []string{"app " + it.Addr.Name + " is deleted"}
				it.By = &rec.Attribution{Confidence: rec.ConfidenceNone, System: "okta", Why: "no change to it is in the System Log since 2026-08-22"}
			}
		case 2:
			it.Ignored = []string{"label"}
		}
		f.Drift.Items = append(f.Drift.Items, it)
	}
	return f
}

// The page works in a real browser, small and (where KEYMAKER_BROWSER is set) large: nothing is fetched, nothing fails, it can be sorted and searched, reads the same without scripts, and prints.
func TestPageInABrowser(t *testing.T) {
	b := startBrowser(t)
	sizes := []int{10}
	if os.Getenv("KEYMAKER_BROWSER") != "" { // the large page takes a small machine twenty seconds
		sizes = append(sizes, 2000)
	}
	for _, n := range sizes {
		page, err := DriftHTML(manyFindings(n))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "drift.html")
		if err := os.WriteFile(file, page, 0o644); err != nil {
			t.Fatal(err)
		}
		b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
		began := time.Now()
		b.open(file)
		t.Logf("%d objects: %d kB, loaded in %s", n, len(page)>>10, time.Since(began).Round(time.Millisecond))
		b.shot(fmt.Sprintf("drift-%d-light", n), n < 100)
		b.usable(n)
		b.looks(n)
		b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
		b.open(file)
		if got := b.eval(`document.querySelectorAll('#objects-section tbody tr').length + ' ' + document.querySelectorAll('th button').length + ' ' + getComputedStyle(document.querySelector('.find')).display`); got != fmt.Sprintf("%d 0 none", n) {
			t.Errorf("%d objects, without scripts: %v", n, got)
		}
		b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
	}
	if b.network > 0 || len(b.errors) > 0 {
		t.Errorf("%d requests went elsewhere, and the console says %q", b.network, b.errors)
	}
}

// usable sorts and searches as a person would.
func (b *browser) usable(n int) {
	b.t.Helper()
	const table = `document.querySelector('#objects-section table')`
	b.eval(table + `.tHead.rows[0].cells[1].querySelector('button').click()`)
	b.eval(table + `.tHead.rows[0].cells[1].querySelector('button').click()`)
	if got := b.eval(`document.getElementById('sorted').textContent`); got != "Sorted by Gravity, descending" {
		b.t.Errorf("%d objects: a screen reader hears %q", n, got)
	}
	if got := b.eval(table + `.tBodies[0].rows[0].cells[1].textContent + ' ' + ` + table + `.tHead.rows[0].cells[1].getAttribute('aria-sort')`); got != "widens descending" {
		b.t.Errorf("%d objects: sorted by gravity, the first is %v", n, got)
	}
	b.eval(`(function () { var f = document.getElementById('find'); f.value = 'Service-0005 '; f.dispatchEvent(new Event('input')); })()`)
	shown := `Array.prototype.filter.call(` + table + `.tBodies[0].rows, function (r) { return r.offsetParent !== null; }).length`
	if got := b.eval(shown); got != 1.0 {
		b.t.Errorf("%d objects: a search shows %v rows", n, got)
	}
	if got := b.eval(`Array.prototype.filter.call(document.querySelectorAll('.grave li'), function (e) { return e.offsetParent !== null; }).length`); got != 0.0 {
		b.t.Errorf("%d objects: a search leaves %v of what widens, and it does not widen", n, got)
	}
	if got, _ := b.eval(`document.getElementById('found').textContent`).(string); !strings.Contains(got, "match") {
		b.t.Errorf("the search says %q", got)
	}
	if n > openMost && b.eval(`document.querySelectorAll('.fold').length > 0`) != true {
		b.t.Errorf("%d objects: nothing is folded", n)
	}
	b.shot(fmt.Sprintf("drift-%d-search", n), false)
	if got := b.eval(`Array.prototype.filter.call(document.querySelectorAll('article'), function (e) { return e.offsetParent !== null && e.checkVisibility(); }).length`); got != 1.0 {
		b.t.Errorf("%d objects: a search shows the details of %v, want 1", n, got)
	}
	b.eval(`(function () { var f = document.getElementById('find'); f.value = ''; f.dispatchEvent(new Event('input')); })()`)
}

// looks holds the page to contrast in both themes, to a narrow window, and to what print does.
func (b *browser) looks(n int) {
	b.t.Helper()
	for _, theme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", map[string]any{"media": "screen", "features": []map[string]string{{"name": "prefers-color-scheme", "value": theme}}}, nil)
		if worst, _ := b.eval(contrast).(float64); worst < 4.5 { // WCAG 2.2, success criterion 1.4.3
			b.t.Errorf("%d objects, %s: a text has a contrast of %.2f", n, theme, worst)
		}
		if theme == "dark" {
			b.shot(fmt.Sprintf("drift-%d-dark", n), n < 100)
		}
	}
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "print"}, nil)
	if got := b.eval(`getComputedStyle(document.querySelector('.find')).display + ' ' + getComputedStyle(document.querySelector('.tall')).overflowY`); got != "none visible" {
		b.t.Errorf("%d objects: printed with %v", n, got)
	}
	if got := b.eval(`Array.prototype.every.call(document.querySelectorAll('article'), function (e) { return e.checkVisibility({contentVisibilityAuto: true}); })`); got != true {
		b.t.Errorf("%d objects: what is folded is not printed", n)
	}
	b.shot(fmt.Sprintf("drift-%d-print", n), false)
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": ""}, nil)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true}, nil)
	if wide, _ := b.eval(`document.documentElement.scrollWidth`).(float64); wide > 390 {
		b.t.Errorf("%d objects: the page is %v wide in a window of 390", n, wide)
	}
	b.shot(fmt.Sprintf("drift-%d-phone", n), false)
}

// contrast is the worst ratio of a text to what is behind it (WCAG 2.2, "contrast ratio").
const contrast = `(function () {
  function parse(c) { var m = c.match(/[\d.]+/g).map(Number); return m.length < 4 ? m.concat(1) : m; }
  function light(c) { var s = c.slice(0, 3).map(function (v) { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); }); return 0.2126 * s[0] + 0.7152 * s[1] + 0.0722 * s[2]; }
  var worst = 21;
  Array.prototype.slice.call(document.querySelectorAll('main *, header *'), 0, 1500).forEach(function (e) {
    if (e.closest('svg') || !e.offsetParent || !Array.prototype.some.call(e.childNodes, function (n) { return n.nodeType === 3 && n.textContent.trim(); })) { return; }
    var back = e, color;
    do { color = parse(getComputedStyle(back).backgroundColor); back = back.parentElement; } while (color[3] === 0 && back);
    if (color[3] === 0) { color = [255, 255, 255, 1]; }
    var a = light(parse(getComputedStyle(e).color)), b = light(color);
    worst = Math.min(worst, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  });
  return worst;
})()`
