package render

import (
	"bytes"
	"strings"
	"testing"

	rec "keymaker/reconcile"
)

// eventLines are what verify --json prints of proofs.
func eventLines(t *testing.T, ps []rec.Proof) [][]byte {
	t.Helper()
	var b bytes.Buffer
	events := NewEvents(&b)
	for _, p := range ps {
		for _, h := range p.Hops {
			events.Observe(rec.Hopped{Account: p.Account, Hop: h})
		}
		events.Observe(rec.Proven{Proof: p})
	}
	events.Verdict(verification(ps))
	if err := events.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(b.Bytes(), []byte("\n")), []byte("\n"))
}

// Each line of verify --json is as the published schema has it, which takes nothing else.
func TestVerifyJSONSchema(t *testing.T) {
	schema := compiled(t, "urn:keymaker:schema:verify:1", VerifySchema())
	tried := 0
	for name, ps := range proofs() {
		for _, line := range eventLines(t, ps) {
			if err := valid(schema, line); err != nil {
				t.Errorf("%s: %v in %s", name, err, line)
			}
			for from, to := range map[string]string{
				`"type":"hop"`: `"type":"hops"`, `"status":"ok"`: `"status":"OK"`, `"status":"FAIL"`: `"status":"ok"`, `"proven":true`: `"proven":false`, `"proven":false`: `"proven":true`,
				`"accounts":1`: `"accounts":-1`, `"hop":"`: `"hops":"`, `"broken":[`: `"breaks":[`, `"line":33`: `"line":0`,
			} {
				if broken := strings.Replace(string(line), from, to, 1); broken != string(line) {
					tried++
					if valid(schema, []byte(broken)) == nil {
						t.Errorf("%s: the schema takes %s", name, broken)
					}
				}
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d breaks were tried", tried)
	}
}
