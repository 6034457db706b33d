package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// Do makes one op of a plan. A refusal is a *reconcile.Refusal in Okta's words; an error that wraps reconcile.ErrUnknownOutcome says that a write may or
// may not have taken effect.
func (s *System) Do(ctx context.Context, op reconcile.Op, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	switch op := op.(type) {
	case Request:
		return s.request(ctx, op, resolve)
	case Reorder:
		return s.reorder(ctx, op, resolve)
	case Strip:
		return s.strip(ctx, op, resolve)
	case KeepSecret:
		fresh, err := keepSecret(op.File)
		if fresh {
			s.begins(op.Addr, op.File)
		}
		return reconcile.Outcome{}, err
	case SettleSecret:
		return s.settle(ctx, op, resolve)
	case Deliver:
		if err := op.deliver(resolve); err != nil {
			return reconcile.Outcome{}, err
		}
		s.delivers(op.Addr, op.File)
		return reconcile.Outcome{Said: "secret in " + op.File}, nil
	case KeepKey:
		return keepKey(op)
	case DeliverKey:
		if err := op.deliver(resolve); err != nil {
			return reconcile.Outcome{}, err
		}
		if op.EnvFile != "" {
			s.delivers(op.Addr, op.EnvFile)
		}
		return reconcile.Outcome{Said: "key in " + op.File}, nil
	}
	return reconcile.Outcome{}, fmt.Errorf("okta cannot do %T", op)
}

func (s *System) request(ctx context.Context, r Request, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	path, err := resolvePath(r.Path, resolve)
	if err != nil {
		return reconcile.Outcome{}, err
	}
	switch {
	case r.Method == http.MethodPost && r.Goal == "":
		return s.create(ctx, r, path, resolve)
	case r.Method == http.MethodPost:
		return s.lifecycle(ctx, r, path)
	case r.Method == http.MethodPut:
		return s.put(ctx, r, path, resolve)
	case r.Method == http.MethodDelete:
		return s.remove(ctx, r, path)
	}
	return reconcile.Outcome{}, fmt.Errorf("okta cannot do %s", r)
}

// remove deletes an object, if it is still what the plan saw.
func (s *System) remove(ctx context.Context, r Request, path string) (reconcile.Outcome, error) {
	err := s.unmoved(ctx, r, path)
	if err == nil {
		_, err = s.client.do(ctx, call{method: r.Method, path: path, repeat: true})
	}
	if isGone(err) {
		return reconcile.Outcome{Said: "was gone already"}, nil
	}
	return reconcile.Outcome{}, written(r, err)
}

// isGone says whether Okta answers that there is no such object.
func isGone(err error) bool { return isStatus(err, http.StatusNotFound) && isCode(err, "E0000007") }

// resolvePath makes a URL path of segments. An id that came from Okta or a spec cannot become more than one segment.
func resolvePath(segments []reconcile.Value, resolve reconcile.Resolver) (string, error) {
	var b strings.Builder
	for _, v := range segments {
		t, ok := reconcile.Resolve(v, resolve).(reconcile.Text)
		if !ok {
			return "", fmt.Errorf("%s is not known", v)
		}
		if t == "" || t == "." || t == ".." {
			return "", fmt.Errorf("%q is no id", string(t))
		}
		b.WriteString("/" + url.PathEscape(string(t)))
	}
	return b.String(), nil
}

// written tells what is left open after a write, and which attribute a refusal is about.
func written(r Request, err error) error {
	var refusal *reconcile.Refusal
	if errors.As(err, &refusal) {
		var api *apiError
		if errors.As(refusal.Err, &api) {
			refusal.Field = fieldOf(r.Addr.Kind, api, refusal.Causes)
		}
	}
	if isLost(err) {
		return fmt.Errorf("%w: %w", reconcile.ErrUnknownOutcome, err)
	}
	return err
}

// lifecycle switches an object on or off. What Okta says when it is so already is not documented for every kind, so a refusal is checked against what is.
func (s *System) lifecycle(ctx context.Context, r Request, path string) (reconcile.Outcome, error) {
	object := path[:strings.LastIndex(path, "/lifecycle/")]
	if err := s.unmoved(ctx, r, object); err != nil && !isGone(err) {
		return reconcile.Outcome{}, err
	}
	_, err := s.client.do(ctx, call{method: r.Method, path: path, repeat: true})
	if err == nil {
		return reconcile.Outcome{}, nil
	}
	if one, getErr := s.client.get(ctx, object); getErr == nil && one.text("status") == r.Goal {
		return reconcile.Outcome{Said: "was " + strings.ToLower(r.Goal) + " already"}, nil
	}
	return reconcile.Outcome{}, written(r, err)
}

// put reads an object again, changes what the plan changes, and writes it back whole. Okta knows no conditional writes, so what somebody else writes between the two
// calls is taken back: they follow each other at once, and whenever the write is tried again the read is too.
func (s *System) put(ctx context.Context, r Request, path string, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	edits := slices.Clone(r.Edits)
	for i, e := range edits {
		edits[i].Seen, edits[i].Goal = reconcile.Resolve(e.Seen, resolve), reconcile.Resolve(e.Goal, resolve)
	}
	sent := false
	renew := func(ctx context.Context) ([]byte, error) {
		one, err := s.client.get(ctx, path)
		if err == nil {
			err = moved(r.Seen, one)
		}
		changed := false
		for i := 0; i < len(edits) && err == nil; i++ {
			var did bool
			did, err = edits[i].apply(r.Addr, one)
			changed = changed || did
		}
		if err != nil || !changed {
			return nil, err
		}
		sent = true
		return whole(one)
	}
	_, err := s.client.do(ctx, call{method: http.MethodPut, path: path, repeat: true, renew: renew})
	switch {
	case sent:
		return reconcile.Outcome{}, written(r, err)
	case err != nil:
		return reconcile.Outcome{}, err
	}
	return reconcile.Outcome{Said: "was so already"}, nil
}

// whole is an object as a PUT takes it.
func whole(one raw) ([]byte, error) {
	delete(one, "_links")
	return encodePlain(one)
}

// replace sends a whole object. It may be sent twice.
func (s *System) replace(ctx context.Context, path string, one raw) error {
	body, err := whole(one)
	if err != nil {
		return err
	}
	_, err = s.client.do(ctx, call{method: http.MethodPut, path: path, body: body, repeat: true})
	return err
}

// apply changes one field of an object; false when it has its value already.
func (e Edit) apply(addr reconcile.Addr, one raw) (bool, error) {
	now := one.at(e.Path...)
	if e.Add {
		did, err := e.add(one, now)
		if err != nil {
			err = fmt.Errorf("%s: %w", addr, err)
		}
		return did, err
	}
	seen := now
	if e.Attr == attrKeys {
		now, seen = knownMembers(e.Goal, plainKeys(now)), knownMembers(e.Seen, plainKeys(now))
	}
	if e.done(one, now) {
		return false, nil
	}
	if !same(seen, e.Seen) {
		return false, &reconcile.Move{Addr: addr, Attr: e.Attr, Planned: e.Seen, Now: now}
	}
	goal, err := plainOf(e.Goal)
	if err != nil {
		return false, fmt.Errorf("%s: %s: %w", addr, e.Attr, err)
	}
	one.put(goal, e.Path...)
	return true, nil
}

// done says whether a field has its value already. In a profile, which is the spec's own JSON, missing and empty are two things; null and missing are one, as in sameButNulls.
func (e Edit) done(one raw, now reconcile.Value) bool {
	if e.Path[0] != attrProfile || len(e.Path) < 2 {
		return same(now, e.Goal)
	}
	owner, _ := one.plain(e.Path[:len(e.Path)-1]...).(map[string]any)
	return reconcile.Equal(withoutNulls(valueOf(owner[e.Path[len(e.Path)-1]])), withoutNulls(e.Goal))
}

// add puts a public key behind those that are there, and leaves them as they are.
func (e Edit) add(one raw, now reconcile.Value) (bool, error) {
	public, _ := e.Goal.(reconcile.Map)
	if sameModulus(reconcile.Members(now), public) >= 0 {
		return false, nil
	}
	goal, err := plainOf(e.Goal)
	if err != nil {
		return false, fmt.Errorf("%s: %w", e.Attr, err)
	}
	list, _ := one.plain(e.Path...).([]any)
	one.put(append(slices.Clone(list), goal), e.Path...)
	return true, nil
}

// same compares values as Okta's JSON means them: nothing, null, "", false and an empty list are one, and lists of texts have no order.
func same(a, b reconcile.Value) bool {
	a, b = settled(a), settled(b)
	return reconcile.Equal(a, b)
}

func settled(v reconcile.Value) reconcile.Value {
	switch t := v.(type) {
	case reconcile.Null:
		return nil
	case reconcile.Text:
		if t == "" {
			return nil
		}
	case reconcile.Flag:
		if !t {
			return nil
		}
	case reconcile.List, reconcile.Set:
		members := reconcile.Members(v)
		if len(members) == 0 {
			return nil
		}
		if len(reconcile.Texts(v)) == len(members) {
			return reconcile.SetOf(members...)
		}
	}
	return v
}

// reorder brings rules or policies into an order. Okta counts priorities from 1 without gaps, and what gets another's number goes there.
func (s *System) reorder(ctx context.Context, r Reorder, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	path, err := resolvePath(r.List, resolve)
	if err != nil {
		return reconcile.Outcome{}, err
	}
	for n := 0; ; n++ {
		all, _, err := s.client.list(ctx, path, "")
		if err != nil {
			return reconcile.Outcome{}, err
		}
		name, neighbour, ok := nextMove(orderedNames(all), r.Order, r.Fixed)
		if !ok {
			return reconcile.Outcome{Said: fmt.Sprintf("%d moved", n)}, nil
		}
		if n > len(r.Order) { // each is moved once at most, unless somebody else moves them too
			return reconcile.Outcome{}, fmt.Errorf("still in the order %s: run keymaker again", strings.Join(orderedNames(all), ", "))
		}
		one := named(all, name)
		one["priority"] = named(all, neighbour)["priority"]
		if err := s.replace(ctx, path+"/"+url.PathEscape(one.text("id")), one); err != nil {
			return reconcile.Outcome{}, written(Request{Addr: r.Addr}, err)
		}
	}
}

func named(rules []raw, name string) raw {
	i := slices.IndexFunc(rules, func(r raw) bool { return r.text("name") == name })
	if i < 0 {
		return nil
	}
	return rules[i]
}

// strip takes a client out of a policy.
func (s *System) strip(ctx context.Context, st Strip, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	path, err := resolvePath(st.Policy, resolve)
	if err != nil {
		return reconcile.Outcome{}, err
	}
	policy, err := s.client.get(ctx, path)
	if isStatus(err, http.StatusNotFound) && isCode(err, "E0000007") {
		return reconcile.Outcome{}, nil
	}
	if err != nil {
		return reconcile.Outcome{}, err
	}
	clients := policy.at("conditions", "clients", "include")
	client := reconcile.Resolve(st.Client, resolve)
	if !contains(clients, client) {
		return reconcile.Outcome{}, nil
	}
	rest := make([]any, 0)
	for _, c := range reconcile.Texts(clients) {
		if reconcile.Text(c) != client {
			rest = append(rest, c)
		}
	}
	policy.put(rest, "conditions", "clients", "include")
	return reconcile.Outcome{}, written(Request{Addr: reconcile.Addr{Kind: kindPolicy}}, s.replace(ctx, path, policy))
}

// settle makes the pending secret the live one, if it is not.
func (s *System) settle(ctx context.Context, st SettleSecret, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	path, err := resolvePath(append(appsPath(), st.App), resolve)
	if err != nil {
		return reconcile.Outcome{}, err
	}
	if _, err := keepSecret(st.File); err != nil { // a pending file that holds no secret is replaced: nothing can be live that it does not say
		return reconcile.Outcome{}, err
	}
	client, _ := reconcile.Resolve(st.Client, resolve).(reconcile.Text)
	server, _ := reconcile.Resolve(st.Server, resolve).(reconcile.Text)
	secret := pendingSecret(st.File)
	live, err := s.authenticates(ctx, string(server), login{method: st.Method, clientID: string(client), secret: secret})
	if err != nil {
		return reconcile.Outcome{}, err
	}
	if live {
		return reconcile.Outcome{Said: "the pending secret is live"}, nil
	}
	one, err := s.client.get(ctx, path)
	if err != nil {
		return reconcile.Outcome{}, err
	}
	text, err := plainOf(secret)
	if err != nil {
		return reconcile.Outcome{}, fmt.Errorf("client secret: %w", err)
	}
	one.put(text, "credentials", "oauthClient", "client_secret")
	return reconcile.Outcome{Said: "the pending secret was set"}, written(Request{Addr: st.Addr}, s.replace(ctx, path, one))
}
