package neo4j

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"keymaker/reconcile"
)

// issuer signs tokens and serves its discovery document and keys, as an authorization server does.
type issuer struct {
	*httptest.Server
	key *rsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	is := &issuer{key: key}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc(discoveryPath, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": is.URL, "jwks_uri": is.URL + "/keys", "authorization_endpoint": is.URL + "/authorize", "token_endpoint": is.URL + "/token", "userinfo_endpoint": is.URL + "/userinfo"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}}})
	})
	is.Server = httptest.NewServer(mux)
	t.Cleanup(is.Close)
	return is
}

// token signs claims and gives the evidence that another system's prover would hand on.
func (is *issuer) token(t *testing.T, change map[string]any) *reconcile.Evidence {
	t.Helper()
	claims := map[string]any{
		"iss": is.URL, "aud": "api://default", "sub": "0oa1b2c3", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "groups": []any{"neo4j_writer"},
	}
	for k, v := range change {
		if claims[k] = v; v == nil {
			delete(claims, k)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: is.key, KeyID: "k1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	jwt, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	e := &reconcile.Evidence{Token: reconcile.NewSecret("test issuer", func() (string, error) { return jwt, nil }), Issuer: is.URL, Claims: map[string]reconcile.Value{}}
	for k, v := range claims {
		e.Claims[k] = claimValue(v)
	}
	return e
}

func claimValue(v any) reconcile.Value {
	switch v := v.(type) {
	case string:
		return reconcile.Text(v)
	case int64:
		return reconcile.Int(v)
	case []any:
		var list reconcile.List
		for _, m := range v {
			list = append(list, claimValue(m))
		}
		return list
	}
	return reconcile.Map{}
}

// prove gives the hops as text, and whether all went well.
func prove(t *testing.T, r *rig, state []reconcile.Object, e *reconcile.Evidence) ([]reconcile.Hop, bool) {
	t.Helper()
	var hops []reconcile.Hop
	good := r.sys.Prove(t.Context(), reconcile.Account{}, state, e, func(h reconcile.Hop) { hops = append(hops, h) })
	return hops, good
}

func provenRig(t *testing.T, is *issuer, options ...rigOption) (*rig, []reconcile.Object) {
	t.Helper()
	r := newRig(t, append([]rigOption{withConf}, options...)...)
	state := []reconcile.Object{etlWriter(r), provider(r, fields{"well_known_discovery_uri": reconcile.Text(is.URL + discoveryPath)})}
	r.converge(state...)
	return r, state
}

func TestProof(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	for _, version := range []string{"5.26.30", "2026.08.1"} {
		t.Run(version, func(t *testing.T) {
			r, state := provenRig(t, is, withVersion(version), withMembers(2))
			e := is.token(t, nil)
			hops, good := prove(t, r, state, e)
			if !good || len(hops) != len(r.sys.Hops()) {
				t.Fatalf("hops %+v", hops)
			}
			for i, want := range r.sys.Hops() {
				if hops[i].Name != want || hops[i].Status != reconcile.HopOK {
					t.Errorf("hop %d: %+v, want %s", i, hops[i], want)
				}
			}
			want := "{'user': '0oa1b2c3', 'roles': ['etl_writer', 'PUBLIC'], 'passwordChangeRequired': False, 'suspended': False, 'home': None}"
			if e.Row != want {
				t.Errorf("row %s, want %s", e.Row, want)
			}
		})
	}
}

func TestProofWithoutMapping(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	r := newRig(t, withConf)
	state := []reconcile.Object{etlWriter(r), provider(r, fields{"well_known_discovery_uri": reconcile.Text(is.URL + discoveryPath), "group_to_role": nil})}
	r.converge(state...)
	e := is.token(t, map[string]any{"groups": []any{"etl_writer", "nobody"}})
	if hops, good := prove(t, r, state, e); !good {
		t.Errorf("hops %+v", hops)
	}
}

func TestBrokenProofs(t *testing.T) {
	t.Parallel()
	is, other := newIssuer(t), newIssuer(t)
	r, state := provenRig(t, is)
	r.admin("CREATE USER `0oaNative` SET PASSWORD 'some-password' CHANGE NOT REQUIRED", "GRANT ROLE reader TO `0oaNative`")
	missing := []reconcile.Object{state[0], provider(r, fields{"well_known_discovery_uri": reconcile.Text(is.URL + discoveryPath), "group_to_role": reconcile.Map{"neo4j_writer": setOf("etl_writer", "not_there")}})}
	for _, tt := range []struct {
		name   string
		state  []reconcile.Object
		claims map[string]any
		issuer *issuer
		hop    string
		likely []string // first ones
		other  string
	}{
		{"audience", state, map[string]any{"aud": "api://other"}, is, hopLogin, []string{`aud is ["api://other"], and the provider takes ["api://default"]`}, ""},
		{"issuer", state, map[string]any{"iss": is.URL + "/"}, is, hopLogin, []string{`iss is "` + is.URL + `/", and the provider takes "` + is.URL + `"`}, ""},
		{"expired", state, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}, is, hopLogin, []string{"the token has expired"}, ""},
		{"no sub", state, map[string]any{"sub": nil}, is, hopLogin, []string{"the token has no text claim sub"}, ""},
		{"no provider", state, nil, other, hopProvider, []string{"the provider is not applied yet"}, is.URL},
		{"no group", state, map[string]any{"groups": nil}, is, hopRoles, nil, ""},
		{"group unknown here", missing, nil, is, hopRoles, []string{"role not_there does not exist"}, ""},
		{"native roles", state, map[string]any{"sub": "0oaNative"}, is, hopRoles, []string{"native is in authorization_providers"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hops, good := prove(t, r, tt.state, tt.issuer.token(t, tt.claims))
			if tt.name == "no group" { // the session gets PUBLIC, which is what the mapping says
				if !good {
					t.Fatalf("hops %+v", hops)
				}
				return
			}
			last := hops[len(hops)-1]
			if good || last.Name != tt.hop || last.Status != reconcile.HopFail || last.Expected == "" || last.Came == "" {
				t.Fatalf("broken at %+v, want %s", last, tt.hop)
			}
			for i, want := range tt.likely {
				if i >= len(last.Likely) || !strings.Contains(last.Likely[i], want) {
					t.Errorf("likely %q, want %q", last.Likely, want)
				}
			}
			if !strings.Contains(last.Came, tt.other) {
				t.Errorf("came %q", last.Came)
			}
		})
	}
}

// A member that was not restarted does not know the provider, and the proof says which.
func TestProofNamesTheMember(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	r, state := provenRig(t, is, withMembers(2))
	mapping := "dbms.security.oidc.okta-backend.authorization.group_to_role_mapping"
	r.must(r.sys.setOn(r.server.URLs[1], mapping, `"neo4j_writer"=reader`))
	hops, good := prove(t, r, state, is.token(t, nil))
	last := hops[len(hops)-1]
	if member := strings.TrimPrefix(r.server.URLs[1], "bolt://"); good || last.Name != hopRoles || !strings.Contains(last.Text, member) || !strings.Contains(last.Came, "reader") {
		t.Errorf("broken at %+v", last)
	}
}

func TestProofOfAServerThatIsGone(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	r, state := provenRig(t, is)
	r.must(r.server.Close())
	hops, good := prove(t, r, state, is.token(t, nil))
	if good || len(hops) != 1 || hops[0].Name != hopServer || !strings.Contains(hops[0].Came, "cannot be reached") {
		t.Errorf("hops %+v", hops)
	}
}

// Nothing that a proof says holds the token.
func TestProofHidesTheToken(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	r, state := provenRig(t, is)
	e := is.token(t, map[string]any{"aud": "api://other"})
	jwt, err := e.Token.Open()
	r.must(err)
	hops, _ := prove(t, r, state, e)
	text, err := json.Marshal(hops)
	r.must(err)
	for _, part := range strings.Split(jwt, ".") {
		if strings.Contains(string(text), part) {
			t.Error("a hop holds a part of the token")
		}
	}
}

func TestPythonRow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   any
		want string
	}{
		{nil, "None"}, {true, "True"}, {int64(3), "3"}, {"a", "'a'"}, {"it's", `"it's"`}, {`both ' and "`, `'both \' and "'`}, {"a\nb\x1b\u202e\\é", `'a\nb\x1b\u202e\\é'`},
		{[]any{"x", nil, false}, "['x', None, False]"}, {"\U000e0001", `'\U000e0001'`},
	} {
		if got := pythonValue(tt.in); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.in, got, tt.want)
		}
	}
	if got := pythonRow(row{keys: []string{"a", "b"}, values: []any{"x", int64(1)}}); got != "{'a': 'x', 'b': 1}" {
		t.Error(got)
	}
}
