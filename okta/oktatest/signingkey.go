package oktatest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	keyActive  = "ACTIVE"
	keyNext    = "NEXT"
	keyExpired = "EXPIRED"
)

// signingKey is a key pair of an authorization server: RSA 2048, made when first needed (or at Start when there is a state file).
type signingKey struct {
	Kid     string `json:"kid"`
	Status  string `json:"status"`
	Created string `json:"created"`
	PKCS1   []byte `json:"pkcs1,omitempty"`

	pair *rsa.PrivateKey
}

func newSigningKey(now time.Time, status string) *signingKey {
	return &signingKey{Kid: randomOf(idAlphabet+"_-", 43), Status: status, Created: stamp(now)}
}

// private is the pair, read from the state or made now.
func (k *signingKey) private() *rsa.PrivateKey {
	if k.pair != nil {
		return k.pair
	}
	if pair, err := x509.ParsePKCS1PrivateKey(k.PKCS1); err == nil {
		k.pair = pair
		return pair
	}
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(fmt.Sprintf("oktatest: make a signing key: %v", err)) // never: the random source does not fail
	}
	k.pair, k.PKCS1 = pair, x509.MarshalPKCS1PrivateKey(pair)
	return pair
}

// signingKeyView is a key as JWKS (no status, no links) or as the management API lists it.
type signingKeyView struct {
	Kty    string          `json:"kty"`
	Alg    string          `json:"alg"`
	Kid    string          `json:"kid"`
	Use    string          `json:"use"`
	E      string          `json:"e"`
	N      string          `json:"n"`
	Status string          `json:"status,omitempty"`
	Links  map[string]link `json:"_links,omitempty"`
}

func (k *signingKey) view() signingKeyView {
	return signingKeyView{
		Kty: "RSA", Alg: "RS256", Kid: k.Kid, Use: "sig", E: "AQAB",
		N: base64.RawURLEncoding.EncodeToString(k.private().N.Bytes()),
	}
}

// activeKey is the key that signs.
func activeKey(keys []*signingKey) *signingKey {
	i := slices.IndexFunc(keys, func(k *signingKey) bool { return k.Status == keyActive })
	if i < 0 {
		return keys[0]
	}
	return keys[i]
}

// makeKeys makes the pairs that are missing, and says whether there were any.
func (o *org) makeKeys() bool {
	made := false
	complete := func(keys []*signingKey) {
		for _, k := range keys {
			made = made || len(k.PKCS1) == 0
			k.private()
		}
	}
	complete(o.Keys)
	for _, a := range o.Servers {
		complete(a.Keys)
	}
	return made
}

// kid is what every app of the org shows as credentials.signing.kid.
func (s *Server) kid() string { return activeKey(s.org.Keys).Kid }

func thumbprint(k jose.JSONWebKey) string {
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		sum := sha256.Sum256(fmt.Appendf(nil, "%v", k.Key))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}
