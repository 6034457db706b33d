package oktatest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"keymaker/okta/oktatest"
)

func TestRefusals(t *testing.T) {
	c := start(t, &oktatest.Server{Token: "right"})
	for _, row := range []struct {
		name, method, path, auth, kind, body string
		status                               int
		code, summary                        string
	}{
		{"no token", "GET", "/api/v1/apps", "", "", "", 401, "E0000011", "Invalid token provided"},
		{"wrong token", "GET", "/api/v1/apps", "SSWS wrong", "", "", 401, "E0000011", "Invalid token provided"},
		{"not emulated", "GET", "/api/v1/users", "SSWS right", "", "", 501, "E0000060", "not emulated: GET /api/v1/users"},
		{"wrong method", "PATCH", "/api/v1/apps", "SSWS right", "", "", 405, "E0000022", "The endpoint does not support the provided HTTP method"},
		{"double slash", "GET", "//api/v1/apps", "SSWS right", "", "", 501, "E0000060", "not emulated: GET //api/v1/apps"},
		{"not JSON by its type", "POST", "/api/v1/apps", "SSWS right", "text/plain", "{}", 400, "E0000021", "Bad request. Accept and/or Content-Type headers likely do not match supported values."},
		{"unknown server's keys", "GET", "/oauth2/nope/v1/keys", "", "", "", 404, "E0000007", "Not found: Resource not found: nope (AuthorizationServer)"},
	} {
		a := c.request(row.method, row.path, row.auth, row.kind, row.body)
		if a.status != row.status || a.text("errorCode") != row.code || a.text("errorSummary") != row.summary {
			t.Errorf("%s: got %d %s", row.name, a.status, a.raw)
		}
		if a.at("errorCauses") == nil {
			t.Errorf("%s: errorCauses must be an array", row.name)
		}
	}
}

func TestFaults(t *testing.T) {
	org := &oktatest.Server{}
	c := start(t, org)
	id := c.must(200, "POST", "/api/v1/apps?activate=false", serviceApp).text("id")
	for _, row := range []struct {
		name        string
		fault       oktatest.Fault
		method      string
		path        string
		statuses    []int
		code        string
		wantNoReset bool
	}{
		{"the second call", oktatest.Fault{Method: "GET", PathPrefix: "/api/v1/apps", Nth: 2, Status: 503}, "GET", "/api/v1/apps", []int{200, 503, 200}, "E0000010", false},
		{"twice", oktatest.Fault{Path: "/api/v1/apps/*", Repeat: 2, Status: 500}, "GET", "/api/v1/apps/" + id, []int{500, 500, 200}, "E0000009", false},
		{"for ever", oktatest.Fault{Repeat: -1, Status: 423}, "GET", deflt, []int{423, 423, 423}, "E0000239", false},
		{"429 with reset", oktatest.Fault{Status: 429}, "GET", deflt, []int{429, 200}, "E0000047", false},
		{"429 without reset", oktatest.Fault{Status: 429, Header: http.Header{"X-Rate-Limit-Reset": nil}}, "GET", deflt, []int{429, 200}, "E0000047", true},
		{"glob does not cross a slash", oktatest.Fault{Path: "/api/v1/*", Status: 500}, "GET", "/api/v1/apps/" + id, []int{200}, "", false},
		{"other method", oktatest.Fault{Method: "POST", Status: 500}, "GET", deflt, []int{200}, "", false},
		{"own body", oktatest.Fault{Status: 502, Body: `{"errorCode":"mine"}`}, "GET", deflt, []int{502}, "mine", false},
	} {
		org.ClearFaults()
		org.Fault(row.fault)
		for i, want := range row.statuses {
			a := c.api(row.method, row.path, "")
			if a.status != want || want != 200 && a.text("errorCode") != row.code {
				t.Errorf("%s: call %d: got %d %s, want %d", row.name, i+1, a.status, a.raw, want)
			}
			if want == 429 && (a.header.Get("X-Rate-Limit-Reset") == "") != row.wantNoReset {
				t.Errorf("%s: reset is %q", row.name, a.header.Get("X-Rate-Limit-Reset"))
			}
		}
	}
	org.ClearFaults()
	org.Fault(oktatest.Fault{Method: "POST", Path: "/api/v1/apps", After: true, Status: 500})
	c.must(500, "POST", "/api/v1/apps", edited(t, serviceApp, "label", "made anyway"))
	if got := len(c.must(200, "GET", "/api/v1/apps?q=made", "").json.([]any)); got != 1 {
		t.Errorf("a fault after the effect: found %d apps, want 1", got)
	}
	org.Fault(oktatest.Fault{Method: "DELETE", Status: 500})
	c.must(500, "DELETE", "/api/v1/apps/"+id, "")
	c.must(200, "GET", "/api/v1/apps/"+id, "")
}

func TestBrokenConnections(t *testing.T) {
	org := &oktatest.Server{}
	c := start(t, org)
	post := func() (string, error) {
		req, err := http.NewRequest("POST", org.URL+"/api/v1/apps", strings.NewReader(serviceApp))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "SSWS "+org.Token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return string(text), err
	}
	count := func() int { return len(c.must(200, "GET", "/api/v1/apps?q=etl", "").json.([]any)) }
	org.Fault(oktatest.Fault{Method: "POST", Drop: true})
	if text, err := post(); err == nil || count() != 0 {
		t.Errorf("dropped before the effect: got %q, %v, %d apps", text, err, count())
	}
	org.Fault(oktatest.Fault{Method: "POST", Drop: true, After: true})
	if text, err := post(); err == nil || count() != 1 {
		t.Errorf("dropped after the effect: got %q, %v, %d apps", text, err, count())
	}
	org.Fault(oktatest.Fault{Method: "POST", Truncate: true})
	if text, err := post(); err == nil || text == "" || count() != 2 {
		t.Errorf("truncated: got %d bytes, %v, %d apps", len(text), err, count())
	}
}

func TestRateLimits(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	c := start(t, &oktatest.Server{Clock: func() time.Time { return now }, RateLimits: oktatest.Integrator})
	a := c.must(200, "POST", "/api/v1/apps", serviceApp)
	id := a.text("id")
	expect := func(name string, a answer, limit, remaining int, reset int64) {
		t.Helper()
		got := []string{a.header.Get("X-Rate-Limit-Limit"), a.header.Get("X-Rate-Limit-Remaining"), a.header.Get("X-Rate-Limit-Reset")}
		want := []string{strconv.Itoa(limit), strconv.Itoa(remaining), strconv.FormatInt(reset, 10)}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	expect("first call starts the window", a, 10, 9, 1_800_000_060)
	now = now.Add(10 * time.Second)
	expect("secrets share the apps bucket", c.must(200, "GET", "/api/v1/apps/"+id+"/credentials/secrets", ""), 10, 8, 1_800_000_060)
	expect("one app has its own", c.must(200, "GET", "/api/v1/apps/"+id, ""), 50, 49, 1_800_000_070)
	expect("authorization servers share one", c.must(200, "GET", deflt, ""), 50, 49, 1_800_000_070)
	expect("authorization servers share one", c.must(200, "GET", deflt+"/claims", ""), 50, 48, 1_800_000_070)
	for range 8 {
		c.must(200, "GET", "/api/v1/apps", "")
	}
	over := c.must(429, "GET", "/api/v1/apps", "")
	expect("over", over, 10, 0, 1_800_000_060)
	if over.text("errorCode") != "E0000047" || over.header.Get("Retry-After") != "" || over.header.Get("Date") != now.UTC().Format(http.TimeFormat) {
		t.Errorf("429: %v %s", over.header, over.raw)
	}
	c.must(200, "GET", "/api/v1/apps/"+id, "")
	now = now.Add(50 * time.Second)
	expect("next window", c.must(200, "GET", "/api/v1/apps", ""), 10, 9, 1_800_000_120)
	if k := c.request("GET", "/oauth2/default/v1/keys", "", "", ""); k.header.Get("X-Rate-Limit-Limit") != "" {
		t.Error("keys are not rate limited")
	}
}

func TestCalls(t *testing.T) {
	org := &oktatest.Server{}
	c := start(t, org)
	c.api("GET", "/api/v1/apps?limit=5&q=x", "")
	c.request("GET", "/api/v1/apps", "", "", "")
	c.form("/oauth2/v1/token?client_secret=hidden&scope=a", "", "client_secret", "hidden")
	want := []oktatest.Call{
		{Method: "GET", Path: "/api/v1/apps", Query: "limit=5&q=x", Status: 200, Bucket: "/api/v1/apps", Token: true},
		{Method: "GET", Path: "/api/v1/apps", Status: 401, Bucket: "/api/v1/apps"},
		{Method: "POST", Path: "/oauth2/v1/token", Query: "scope=a", Status: 400, Bucket: "/oauth2/v1/token"},
	}
	got := org.Calls()
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("call %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
	org.ResetCalls()
	if len(org.Calls()) != 0 {
		t.Error("ResetCalls must forget")
	}
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sandbox"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	org := &oktatest.Server{TLS: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}}
	start(t, org)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Get(org.URL + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.ProtoMajor != 2 || !strings.HasPrefix(org.URL, "https://127.0.0.1:") {
		t.Errorf("got %s over %s at %s", resp.Status, resp.Proto, org.URL)
	}
}

// TestConcurrent is for the race detector, and checks that parallel creates keep priorities dense.
func TestConcurrent(t *testing.T) {
	org := &oktatest.Server{NoDefaultPolicy: true}
	c := start(t, org)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c.api("POST", "/api/v1/apps", serviceApp)
			c.api("GET", "/api/v1/apps", "")
			c.api("POST", deflt+"/policies", `{"type":"OAUTH_AUTHORIZATION_POLICY","description":"d","priority":1,"name":"p`+strconv.Itoa(i)+`"}`)
			c.api("GET", "/api/v1/logs", "")
			c.request("GET", "/oauth2/default/v1/keys", "", "", "")
			org.Calls()
		})
	}
	wg.Wait()
	list := c.must(200, "GET", deflt+"/policies", "")
	for i, x := range list.json.([]any) {
		if x.(map[string]any)["priority"] != float64(i+1) {
			t.Errorf("priority of policy %d: %v", i, x)
		}
	}
	if n := len(list.json.([]any)); n != 8 {
		t.Errorf("got %d policies, want 8", n)
	}
}
