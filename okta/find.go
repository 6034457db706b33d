package okta

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"keymaker/reconcile"
)

// triesCreate is how often a create is sent whose answers get lost.
const triesCreate = 4

// create makes an object. A create cannot simply be sent twice: when its answer is lost, the object is looked for first. The plan saw that there was none,
// so exactly one is ours; none means that the call did not land, and it is sent again.
func (s *System) create(ctx context.Context, r Request, path string, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	value, _ := reconcile.Resolve(r.Body, resolve).(reconcile.Map)
	body, err := encode(value)
	if err != nil {
		return reconcile.Outcome{}, err
	}
	if err := s.stillNew(ctx, r, path, value); err != nil {
		return reconcile.Outcome{}, err
	}
	k := call{method: r.Method, path: path, query: r.Query, body: body}
	lost := false
	for try := 1; ; try++ {
		a, err := s.client.do(ctx, k)
		if err == nil {
			out, err := made(r, a.body)
			if err == nil {
				s.born(r, path, value, out.Facts)
			}
			return out, err
		}
		if !lost && !isLost(err) {
			return reconcile.Outcome{}, written(r, err)
		}
		lost = true
		found, findErr := s.find(ctx, r, path, value)
		switch {
		case findErr != nil:
			return reconcile.Outcome{}, fmt.Errorf("%w: %w; then looking for it: %w", reconcile.ErrUnknownOutcome, err, findErr)
		case found != nil:
			return reconcile.Outcome{Facts: factsOf(r.Addr.Kind, found), Said: "found after a lost answer"}, nil
		case !isLost(err): // refused, and nothing of an earlier try is there
			return reconcile.Outcome{}, written(r, err)
		case try == triesCreate:
			return reconcile.Outcome{}, written(r, err)
		}
		pause := s.client.pause << (try - 1)
		s.client.onWait(reconcile.Waiting{Addr: r.Addr, Reason: "trying again, as no good answer came to " + k.String(), Until: time.Now().Add(pause)})
		if err := sleep(ctx, s.client.stop, pause); err != nil {
			return reconcile.Outcome{}, fmt.Errorf("%w: %w", reconcile.ErrUnknownOutcome, err)
		}
	}
}

// made reads the answer to a create.
func made(r Request, body []byte) (reconcile.Outcome, error) {
	one, err := decodeRaw(body)
	if err != nil || one.text("id") == "" {
		return reconcile.Outcome{}, fmt.Errorf("%w: %s %s answered without an id", reconcile.ErrUnknownOutcome, r.Method, printPath(r.Path))
	}
	return reconcile.Outcome{Facts: factsOf(r.Addr.Kind, one)}, nil
}

// find looks for what a create may have made; nil when it is not there. The whole list is read: Okta's searches lag behind.
func (s *System) find(ctx context.Context, r Request, path string, body reconcile.Map) (raw, error) {
	all, _, err := s.client.list(ctx, path, listQuery(r.Addr.Kind))
	if err != nil {
		return nil, err
	}
	return keyOfBody(r.Addr.Kind, body).pick(newCatalog(r.Addr.Kind, all))
}

// authenticated are the answers of a token endpoint that a client only gets after it proved itself (Okta's catalogue of OAuth 2.0 errors).
var authenticated = []string{"access_denied", "consent_required", "invalid_dpop_proof", "invalid_scope", "server_error", "unauthorized_client", "use_dpop_nonce"}

// authenticates says whether a client's secret is live at a token endpoint. Okta checks the client before it looks at scopes and policies, so a refusal of
// those proves it too; any other refusal proves nothing.
func (s *System) authenticates(ctx context.Context, server string, l login) (bool, error) {
	if l.method == "" {
		l.method = methodBasic
	}
	_, err := s.client.token(ctx, server, l, nil)
	switch {
	case err == nil || isCode(err, authenticated...):
		return true, nil
	case isStatus(err, http.StatusBadRequest), isStatus(err, http.StatusUnauthorized), isStatus(err, http.StatusForbidden), isStatus(err, http.StatusNotFound):
		return false, nil
	}
	return false, err
}
