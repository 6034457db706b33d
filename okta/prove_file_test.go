package okta

import (
	"encoding/base64"
	"strings"
	"testing"
)

func encoded(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func someToken() string {
	return encoded(`{"alg":"RS256","kid":"k1"}`) + "." + encoded(`{"iss":"https://i","sub":"canary-subject"}`) + "." + encoded("canary-signature")
}

// A token is found where people put one, and of all else it is said what it is.
func TestReadToken(t *testing.T) {
	jwt := someToken()
	for _, c := range []struct{ name, text, want string }{
		{"alone", jwt, ""},
		{"with blanks and a mark", "\ufeff \n" + jwt + "\r\n\n", ""},
		{"behind Bearer", "bearer " + jwt, ""},
		{"a token endpoint's answer", `{"token_type":"Bearer","access_token":"` + jwt + `"}`, ""},
		{"nothing", " \n", "is empty"},
		{"bytes", "\xff\xfe\x00", "is no text"},
		{"a key", "-----BEGIN PRIVATE KEY-----\ncanary\n", "is a PEM file"},
		{"a secret's file", "OKTA_CLIENT_ID=a\nOKTA_CLIENT_SECRET=canary\n", "holds a client secret"},
		{"a secret's file as JSON", `{"client_secret":"canary"}`, "holds a client secret"},
		{"a refusal", `{"error":"invalid_client"}`, "is a token endpoint's refusal (invalid_client)"},
		{"other JSON", `{"a":"canary"}`, "JSON without an access_token"},
		{"broken JSON", `{"canary`, "JSON without an access_token"},
		{"opaque", "00canaryOpaqueToken", "opaque"},
		{"two tokens", jwt + "\n" + jwt, "holds 2 tokens"},
		{"words", "this canary text", "more than a token"},
		{"DPoP", "DPoP " + jwt, "DPoP-bound"},
		{"encrypted", "a.b.c.d.e", "encrypted token (JWE)"},
		{"an address", "canary.example.com", "its first part is no JSON header"},
		{"two dots with blanks of others", "a.b!.c", "three parts in base64url"},
		{"no object", encoded(`{"alg":"RS256"}`) + "." + encoded(`["canary"]`) + ".c", "no JSON object"},
	} {
		got, err := ReadToken("f.jwt", []byte(c.text))
		if c.want == "" {
			if err != nil || got.KeyID != "k1" || got.Algorithm != "RS256" || got.Issuer() != "https://i" {
				t.Errorf("%s: %v, %v", c.name, got, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "f.jwt: ") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// Whatever a file holds, it is read or refused, and no message quotes it.
func FuzzReadToken(f *testing.F) {
	for _, seed := range []string{"", "a.b.c", someToken(), "Bearer x", `{"access_token":"a.b.c"}`, "-----BEGIN ", "a.b.c.d.e"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := ReadToken("f", text)
		if err == nil && (got.Claims == nil || got.Token.IsZero()) {
			t.Errorf("%q is a token without claims", text)
		}
	})
}
