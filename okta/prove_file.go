package okta

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"keymaker/reconcile"
)

// FileToken is a JWT that somebody holds, taken apart and not yet believed.
type FileToken struct {
	Token     reconcile.Secret
	Algorithm string // of the header, alg
	KeyID     string // of the header, kid
	Claims    map[string]reconcile.Value

	raw string
}

// Issuer is who the token says that it comes from, "" when it does not say.
func (t FileToken) Issuer() string { return textOf(t.Claims["iss"]) }

// jwtPattern is a compact JWS: a header and a payload that begin as JSON objects do, and a signature.
var jwtPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$`)

// ReadToken finds the one token in a file: a JWT by itself, behind "Bearer", or as access_token in the JSON that a token endpoint answers. from names the file. An error says
// what the file holds instead, and never quotes it.
func ReadToken(from string, text []byte) (FileToken, error) {
	fail := func(format string, args ...any) (FileToken, error) {
		return FileToken{}, fmt.Errorf("%s: "+format, append([]any{from}, args...)...)
	}
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	switch {
	case len(text) == 0:
		return fail("is empty: it should hold one token")
	case !utf8.Valid(text):
		return fail("is no text: a token is one line of letters, digits, - and _, with two dots")
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return fail("is a PEM file, which holds a key or a certificate, and no token")
	case bytes.Contains(text, []byte(keySecret)) || bytes.Contains(text, []byte("client_secret")):
		return fail("holds a client secret, and no token: keymaker verify gets a token with it")
	case text[0] == '{':
		var said struct {
			AccessToken string `json:"access_token"`
			Error       string `json:"error"`
		}
		if err := json.Unmarshal(text, &said); err != nil || said.AccessToken == "" {
			if said.Error != "" {
				return fail("is a token endpoint's refusal (%s), and holds no token", clean(said.Error))
			}
			return fail("is JSON without an access_token")
		}
		text = []byte(said.AccessToken)
	}
	words := strings.Fields(string(text))
	if len(words) == 2 && strings.EqualFold(words[0], "Bearer") {
		words = words[1:]
	}
	if len(words) == 2 && strings.EqualFold(words[0], "DPoP") {
		return fail("holds a DPoP-bound token: Neo4j takes bearer tokens only")
	}
	if len(words) > 1 {
		n := 0
		for _, w := range words {
			if jwtPattern.MatchString(w) && len(w) > 20 {
				n++
			}
		}
		if n > 1 {
			return fail("holds %d tokens: keep one", n)
		}
		return fail("holds more than a token: it should be one word")
	}
	t, err := takeApart(words[0])
	if err != nil {
		return fail("%v", err)
	}
	t.Token = reconcile.NewSecret("file "+from, func() (string, error) { return t.raw, nil })
	return t, nil
}

func takeApart(word string) (FileToken, error) {
	parts := strings.Split(word, ".")
	switch {
	case len(parts) == 5:
		return FileToken{}, errors.New("holds an encrypted token (JWE): nobody but its addressee can read it, and Neo4j takes signed ones (JWS)")
	case len(parts) == 1:
		return FileToken{}, errors.New("holds an opaque token, or another secret: Neo4j takes JWTs only, which have two dots. Okta's own API tokens and refresh tokens are opaque")
	case len(parts) != 3 || !jwtPattern.MatchString(word):
		return FileToken{}, errors.New("holds no JWT: that is three parts in base64url, with a dot between them")
	}
	var header struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
		Encrypted string `json:"enc"`
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil || json.Unmarshal(text, &header) != nil {
		return FileToken{}, errors.New("holds no JWT: its first part is no JSON header in base64url")
	}
	claims, err := claimsIn(word)
	if err != nil {
		return FileToken{}, fmt.Errorf("holds no JWT that can be read: %w", err)
	}
	return FileToken{Algorithm: clean(header.Algorithm), KeyID: clean(header.KeyID), Claims: claims, raw: word}, nil
}
