package okta

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"keymaker/okta/oktatest"
	"keymaker/reconcile"
)

// bearer turns a login with a private key into one with the access token that it gets.
func (l *lab) bearer(env map[string]string) map[string]string {
	l.t.Helper()
	req, err := l.open(Options{Env: envOf(env)}).client.request(l.t.Context(), call{method: http.MethodPut, path: "/api/v1/apps"})
	if err != nil {
		l.t.Fatal(err)
	}
	_, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	return map[string]string{"OKTA_CLIENT_ORGURL": l.org.URL, "OKTA_CLIENT_AUTHORIZATIONMODE": modeBearer, "OKTA_CLIENT_TOKEN": token}
}

// The app that a session is logged in as, by its key or by a token that it was given, is neither deleted nor pruned, and no plan takes its rights; what leaves them alone is
// changed as on any other app.
func TestOwnApp(t *testing.T) {
	for _, mode := range []string{modeKey, modeBearer} {
		t.Run(mode, func(t *testing.T) {
			l := newLab(t, &oktatest.Server{})
			_, env := l.manager()
			if mode == modeBearer {
				env = l.bearer(env)
			}
			l.sys = l.open(Options{Env: envOf(env)})
			own := func(a args, inner ...reconcile.Block) []reconcile.Object {
				if a == nil {
					a = args{}
				}
				a[attrClientID] = txt("manager-client")
				return declare(t, block("app", "manager", a, inner...))
			}
			removed := own(nil)
			removed[0].Absent = true
			for what, deletes := range map[string]func() reconcile.Drift{
				"removed": func() reconcile.Drift { _, d := l.drift(removed); return d },
				"destroy": func() reconcile.Drift { _, d := l.drift(own(nil)); return d },
			} {
				if changes, kept, _ := reconcile.Police(deletes(), reconcile.Policy{Destroy: what == "destroy"}); len(changes) > 0 || len(kept) != 1 || kept[0].Why != ownAppKept {
					t.Errorf("%s: changes %v, kept %v", what, changes, kept)
				}
			}
			l.drift(declare(t, block("app", "other", nil)))
			extra := l.extra(reconcile.Own{System: systemName, Kind: kindApp, Match: "manager"}, nil)
			if len(extra) != 1 || extra[0].Protected != ownAppKept {
				t.Errorf("to be pruned: %+v", extra)
			}
			for name, a := range map[string]args{
				attrStatus: {attrStatus: txt(inactive)}, words(attrMethod): {attrMethod: txt(methodPost)}, attrKeys: {attrKeys: keySet("n")}, words(attrKeysURI): {attrKeysURI: txt("https://example.com/keys")},
				"network.connection": {attrNetwork: reconcile.Map{"connection": txt("ZONE"), "include": reconcile.List(texts("nzo1"))}},
				words(attrDPoP):      {attrDPoP: reconcile.Flag(true)},
			} {
				l.org.ResetCalls()
				_, _, err := l.tryPlan(own(a), reconcile.Policy{})
				if err == nil || !strings.Contains(err.Error(), "okta.app.manager") || !strings.Contains(err.Error(), ownApp) || !strings.Contains(err.Error(), "change of its "+name) {
					t.Errorf("%s: got %v", name, err)
				}
				for _, c := range l.org.Calls() {
					if c.Method != http.MethodGet && !strings.HasPrefix(c.Path, "/oauth2/") {
						t.Errorf("%s: made %s %s", name, c.Method, c.Path)
					}
				}
			}
			want := own(args{attrLabel: txt("renamed"), attrProfile: reconcile.Map{"team": txt("data")}, attrStatus: txt(active), attrMethod: txt(methodKey)},
				block(attrKey, "", args{"file": txt(l.pem())})) // another key joins the one in use
			l.apply(want)
			l.settled(want)
		})
	}
}

// An API token belongs to an administrator: no app is protected for it, whatever a variable of another mode says of a client id.
func TestNoOwnApp(t *testing.T) {
	for token, want := range map[string]string{"": "", "00abc": "", "a.b.c": "", "e30.e30.sig": "", "e30." + segment(`{"cid":"0oa1"}`) + ".sig": "0oa1", "e30." + segment(`{"cid":7}`) + ".sig": ""} {
		s := settings{mode: modeBearer, token: reconcile.NewSecret("test", func() (string, error) { return token, nil })}
		if got := selfOf(s); got != want {
			t.Errorf("%q is %q, want %q", token, got, want)
		}
		s.mode = modeSSWS
		if got := selfOf(s); got != "" {
			t.Errorf("an API token is %q", got)
		}
	}
}

func segment(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// A member of a profile that is null in the spec is there as null, or not at all, as Okta likes it: neither is drift.
func TestProfileNulls(t *testing.T) {
	for _, drops := range []bool{false, true} {
		t.Run(fmt.Sprint(drops), func(t *testing.T) {
			l := newLab(t, &oktatest.Server{DropProfileNulls: drops})
			l.apply(declare(t, block("app", "etl", args{attrProfile: reconcile.Map{"old": txt("value"), "deep": reconcile.Map{"a": txt("x")}, "kept": txt("k")}})))
			want := declare(t, block("app", "etl", args{attrProfile: reconcile.Map{"old": reconcile.Null{}, "never": reconcile.Null{},
				"deep": reconcile.Map{"a": reconcile.Null{}, "b": reconcile.List{reconcile.Map{"c": reconcile.Null{}, "d": reconcile.Int(1)}}}, "empty": txt(""), "none": reconcile.List{}}}))
			l.apply(want)
			l.settled(want)
			profile, _ := l.mine("etl")[0].at(attrProfile).(reconcile.Map)
			if reconcile.Equal(profile["old"], txt("value")) || profile["kept"] != txt("k") || profile["empty"] != txt("") {
				t.Errorf("the profile is %v", profile)
			}
			only := declare(t, block("app", "bare", args{attrProfile: reconcile.Map{"old": reconcile.Null{}}}))
			l.apply(only)
			l.settled(only)
			filled := declare(t, block("app", "etl", args{attrProfile: reconcile.Map{"old": txt("again")}}))
			l.apply(filled)
			l.settled(filled)
		})
	}
}

// Claims that Okta fills itself are seen and never planned, whatever asks for them.
func TestSystemClaimsAreNeverPlanned(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	email := block(kindClaim, "email", args{attrClaimType: txt(claimIdentity), "value": txt("app.id")})
	live, err := l.sys.Read(t.Context(), declare(t, email))
	if err != nil || live.Unread[email.Addr] == nil || !strings.Contains(live.Unread[email.Addr].Error(), "built into Okta") {
		t.Errorf("got %v, %v", live.Unread, err)
	}
	if extra := l.extra(reconcile.Own{System: systemName, Kind: kindClaim, Match: "*"}, nil); len(extra) > 0 {
		t.Errorf("extra: %v", extra)
	}
	custom := raw{"name": "x", "valueType": valueSystem}
	if k := (key{kind: kindClaim, name: "x"}); !k.builtIn(custom) || ownable(kindClaim, custom) {
		t.Error("a claim of type SYSTEM is somebody's")
	}
	l.settled(remove(t, email))
}

// What Okta does not show of a key is no drift: use, and the curve of an EC key, come back as null.
func TestKeySetSettles(t *testing.T) {
	l := newLab(t, &oktatest.Server{})
	ec := reconcile.Map{"kty": txt("EC"), "kid": txt("ec1"), "use": txt("sig"), "crv": txt("P-256"),
		"x": txt("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"), "y": txt("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM")}
	spec := func(label string, keys ...reconcile.Value) []reconcile.Object {
		return declare(t, block("app", "etl", args{attrMethod: txt(methodKey), attrKeys: reconcile.Map{"keys": reconcile.List(keys)}, attrNotes: reconcile.Map{"admin": txt(label)}}))
	}
	l.apply(spec("one", ec))
	l.settled(spec("one", ec))
	l.apply(spec("two", ec)) // the key goes back as it was shown, and stays
	l.settled(spec("two", ec))
	text, err := makeKey()
	if err != nil {
		t.Fatal(err)
	}
	rsa, err := publicHalf(reconcile.NewSecret("test", func() (string, error) { return string(text), nil }), "RS256")
	if err != nil {
		t.Fatal(err)
	}
	l.apply(spec("two", rsa, ec))
	l.settled(spec("two", rsa, ec))
	l.apply(spec("two", rsa))
	l.settled(spec("two", rsa))
	address := declare(t, block("app", "etl", args{attrMethod: txt(methodKey), attrKeysURI: txt("https://example.com/keys")}))
	l.apply(address) // in place of the keys
	l.settled(address)
	l.apply(spec("two", rsa)) // and the keys in place of the address
	l.settled(spec("two", rsa))
}
