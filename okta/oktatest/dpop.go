package oktatest

import (
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// nonceLife is how long a DPoP nonce is good for, and how old a proof may be.
const nonceLife = 5 * time.Minute

func dpopAlgs() []string {
	var out []string
	for _, a := range keyAlgs {
		out = append(out, string(a))
	}
	return out
}

// proof is the payload of a DPoP proof (RFC 9449 section 4.2).
type proof struct {
	jwt.Claims
	Method string `json:"htm"`
	URI    string `json:"htu"`
	Nonce  string `json:"nonce"`
}

// checkDPoP demands a proof when the app is bound to DPoP or the request brings one, and answers the thumbprint of its key ("" for a
// plain request). A first proof has no nonce and is sent back to fetch one.
func (s *Server) checkDPoP(c *call, a *app, endpoints []string) (string, error) {
	headers := c.Header.Values("DPoP")
	if len(headers) == 0 {
		if a.Settings.OAuthClient.DPoP {
			return "", invalidProof("The DPoP proof JWT header is missing.")
		}
		return "", nil
	}
	if len(headers) > 1 {
		return "", invalidProof("The DPoP proof JWT header is invalid.")
	}
	p, key, err := readProof(headers[0])
	if err != nil {
		return "", err
	}
	switch {
	case p.Method != c.Method || !slices.Contains(endpoints, p.URI):
		return "", invalidProof("The DPoP proof JWT does not match the request.")
	case p.IssuedAt == nil || p.IssuedAt.Time().Before(c.now.Add(-nonceLife)) || p.IssuedAt.Time().After(c.now.Add(time.Minute)):
		return "", invalidProof("The DPoP proof JWT is expired.")
	case p.ID == "" || !s.firstUse("proof "+p.ID, c.now.Add(nonceLife+time.Minute), c.now):
		return "", invalidProof("The DPoP proof JWT has been used already.")
	}
	if until, known := s.nonces["nonce "+p.Nonce]; p.Nonce == "" || !known || c.now.After(until) {
		nonce := randomText(32)
		s.nonces["nonce "+nonce] = c.now.Add(nonceLife)
		return "", &oauthError{status: http.StatusBadRequest, code: "use_dpop_nonce", description: "Authorization server requires nonce in DPoP proof.",
			header: http.Header{"Dpop-Nonce": {nonce}}}
	}
	return thumbprint(key), nil
}

func readProof(text string) (*proof, jose.JSONWebKey, error) {
	bad := invalidProof("The DPoP proof JWT header is invalid.")
	tok, err := jwt.ParseSigned(text, keyAlgs)
	if err != nil || len(tok.Headers) != 1 {
		return nil, jose.JSONWebKey{}, bad
	}
	h := tok.Headers[0]
	if h.JSONWebKey == nil || !h.JSONWebKey.IsPublic() || h.ExtraHeaders[jose.HeaderType] != "dpop+jwt" {
		return nil, jose.JSONWebKey{}, bad
	}
	p := &proof{}
	if tok.Claims(h.JSONWebKey.Key, p) != nil {
		return nil, jose.JSONWebKey{}, bad
	}
	return p, *h.JSONWebKey, nil
}

func invalidProof(description string) *oauthError {
	return &oauthError{status: http.StatusBadRequest, code: "invalid_dpop_proof", description: description}
}
