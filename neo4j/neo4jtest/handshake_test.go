package neo4jtest

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestHandshakeProposals holds the answers of Neo4j 5.26 Community.
func TestHandshakeProposals(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	const none = "00000000"
	tests := []struct{ name, proposals, want string }{
		{"6.0", "00000006", none},
		{"6.1", "00000106", none},
		{"5.8", "00000805", "00000805"},
		{"5.8-5.0", "00080805", "00000805"},
		{"5.20-5.0", "00141405", "00000805"},
		{"5.4", "00000405", "00000405"},
		{"4.4-4.2", "00020404", "00000404"},
		{"4.1", "00000104", "00000104"},
		{"5.5", "00000505", none},
		{"5.9", "00000905", none},
		{"3.0", "00000003", none},
		{"1", "00000001", none},
		{"7.0", "00000007", none},
		{"manifest v2", "000002ff", none},
		{"5.5-5.4", "00010505", "00000405"},
		{"4.4, then 5.4", "00000404 00000405", "00000404"},
		{"5.8-5.0, then manifest", "00080805 000001ff", "00000805"},
		{"unknown, then 5.4", "00000009 00000405", "00000405"},
		{"range below zero", "00ff0205", "00000205"},
		{"nothing", none, none},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, address)
			proposals := unhex(t, tt.proposals)
			c.raw([]byte(magic), proposals, make([]byte, 16-len(proposals)))
			if got := hex.EncodeToString(c.bytes(4)); got != tt.want {
				t.Fatalf("got %s, want %s", got, tt.want)
			}
			if tt.want == none {
				c.closed()
				return
			}
			c.success(tagHello, map[string]any{"user_agent": "x", "bolt_agent": map[string]any{}, "scheme": "basic", "principal": "a", "credentials": "secret"})
		})
	}
}

func TestHandshakeManifest(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	offer := unhex(t, "000001ff 03 00040404 00040405 00020805 00")
	tests := []struct {
		name, choice string
		want         bool
	}{
		{"5.8", "00000805 00", true},
		{"4.0", "00000004 00", true},
		{"5.5", "00000505 00", false},
		{"6.0", "00000006 00", false},
		{"none", "00000000 00", false},
		{"a range", "00020805 00", false},
		{"a capability", "00000805 01", false},
		{"endless mask", "00000805 ffffffffffffffffffff01", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dial(t, address)
			c.raw([]byte(magic), unhex(t, "000001ff 00080805 00020404 00000003"))
			if got := c.bytes(len(offer)); !bytes.Equal(got, offer) {
				t.Fatalf("offer: got %x, want %x", got, offer)
			}
			c.raw(unhex(t, tt.choice))
			if !tt.want {
				c.closed()
				return
			}
			c.success(tagHello, map[string]any{"user_agent": "x", "bolt_agent": map[string]any{}, "scheme": "basic", "principal": "a", "credentials": "secret"})
		})
	}
}

func TestHandshakeLimitedVersions(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{versions: []version{{5, 4}, {5, 6}, {4, 4}, {5, 5}, {9, 9}}})
	c := dial(t, address)
	c.raw([]byte(magic), unhex(t, "000001ff 00000000 00000000 00000000"))
	want := unhex(t, "000001ff 03 00000404 00000405 00000605 00")
	if got := c.bytes(len(want)); !bytes.Equal(got, want) {
		t.Errorf("manifest: got %x, want %x", got, want)
	}
	c = dial(t, address)
	c.raw([]byte(magic), unhex(t, "00080805 00000000 00000000 00000000"))
	if got := hex.EncodeToString(c.bytes(4)); got != "00000605" {
		t.Errorf("got %s, want 5.6", got)
	}
}

func TestHandshakeStrangers(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	for _, hello := range []string{"SSH-2.0-x\r\n", "\x16\x03\x01\x02\x00\x01\x00", "POST / HTTP/1.1\r\n\r\n", "\x60\x60\xB0\x18", "\x00\x00\x00\x00\x00\x00"} {
		c := dial(t, address)
		c.raw([]byte(hello))
		c.closed()
	}
}

func TestHandshakeHTTP(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	tests := []struct {
		upgrade, kind, body string
		status              int
	}{
		{"", "application/json", "", http.StatusOK},
		{"websocket", "text/plain", "Bolt over WebSocket is not emulated.\n", http.StatusNotImplemented},
	}
	for _, tt := range tests {
		req, err := http.NewRequest(http.MethodGet, "http://"+address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.upgrade != "" {
			req.Header.Set("Connection", "Upgrade")
			req.Header.Set("Upgrade", tt.upgrade)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(body) != tt.body || resp.StatusCode != tt.status {
			t.Errorf("got %d %q, %v, want %d %q", resp.StatusCode, body, err, tt.status, tt.body)
		}
		for key, want := range map[string]string{"Content-Type": tt.kind, "Vary": "Accept", "Access-Control-Allow-Origin": "*"} {
			if got := resp.Header.Get(key); got != want {
				t.Errorf("%s: got %q, want %q", key, got, want)
			}
		}
	}
}
