package okta

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"keymaker/reconcile"
)

var _ reconcile.Owner = (*System)(nil)

// Owned lists the live apps, scopes, claims or policies whose name matches and that want does not declare, from what the last Read saw. Of apps these are the ones that
// Keymaker could have made: service apps with client_credentials and no other grant. What Okta made itself is never listed: system scopes, claims and policies, "Default Policy",
// and the scopes that begin with okta. The app that this session is logged in as is listed as Protected. Authorization servers and rules cannot be owned.
//
// No call is made: what [System.Own] named was read, and besides apps where the wants have one, and the scopes of an authorization server where they have a scope of it; so
// for claims and policies. Where the list of an own block's kind could not be read, an error says why.
//
// An address is the one that a block of the live name would have. Where that is taken, by a block of another live name or by two objects of one name, Okta's id is
// its key.
func (s *System) Owned(own reconcile.Own, want []reconcile.Object) ([]reconcile.Object, error) {
	if own.Instance() != s.Name() || own.Kind != kindApp && collections[own.Kind] == "" {
		return nil, nil
	}
	v := s.recall()
	for _, list := range slices.Sorted(maps.Keys(v.unread)) {
		if _, ok := holds(list, own.Kind); ok {
			return nil, fmt.Errorf("what its own block matches is not known: %w", v.unread[list])
		}
	}
	r := &reader{client: s.client}
	seen := map[string]bool{} // the default server has an alias and an id, so one object may be in two lists
	var extra []reconcile.Object
	for _, list := range slices.Sorted(maps.Keys(v.raws)) {
		server, ok := holds(list, own.Kind)
		if !ok {
			continue
		}
		for _, one := range v.raws[list] {
			name, id := ownName(own.Kind, one), one.text("id")
			if seen[id] || !ownable(own.Kind, one) || !globMatches(own.Match, name) || v.declares(want, own.Kind, server, one) {
				continue
			}
			seen[id] = true
			extra = append(extra, r.object(reconcile.Object{Addr: reconcile.Addr{System: systemName, Connection: own.Connection, Kind: own.Kind, Name: name}}, one, server))
		}
	}
	distinguish(extra, want)
	slices.SortFunc(extra, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	return extra, nil
}

// Own says what own blocks the next Reads serve. Their lists are read then: that of the apps, and of scopes, claims and policies those of each authorization server that the
// wants speak of, or of the server default where they speak of none.
func (s *System) Own(owns []reconcile.Own) {
	kinds := map[string]bool{}
	for _, own := range owns {
		kinds[own.Kind] = own.Instance() == s.Name()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owned = kinds
}

// readOwned reads what own blocks need of authorization servers and no want had read. Why a list could not be read stays with it, but for what ends all reading.
func (r *reader) readOwned(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(readsAtOnce)
	for _, path := range r.ownLists() {
		g.Go(func() error {
			if l := r.list(ctx, path, ""); l.err != nil && isFatal(l.err) {
				return l.err
			}
			return nil
		})
	}
	return g.Wait()
}

// ownLists are the lists that own blocks need of authorization servers.
func (r *reader) ownLists() []string {
	servers := map[string]bool{}
	for _, o := range r.wanted(kindScope, kindClaim, kindPolicy) {
		if server, ok := r.serverOf(o); ok {
			servers[server] = true
		}
	}
	r.mu.Lock() // the apps may still come
	defer r.mu.Unlock()
	for _, o := range r.wanted(kindServer) {
		if id := textOf(r.live[o.Addr].Facts["id"]); isDefault(o) {
			servers[defaultServer] = true
		} else if id != "" {
			servers[id] = true
		}
	}
	if len(servers) == 0 {
		servers[defaultServer] = true
	}
	var lists []string
	for _, server := range slices.Sorted(maps.Keys(servers)) {
		for _, kind := range slices.Sorted(maps.Keys(collections)) {
			if r.owned[kind] {
				lists = append(lists, "/api/v1/authorizationServers/"+server+"/"+collections[kind])
			}
		}
	}
	return lists
}

// holds says whether a collection is one of a kind, and of which authorization server.
func holds(list, kind string) (server string, ok bool) {
	parts := strings.Split(list, "/")
	if kind == kindApp {
		return "", list == appsList
	}
	return parts[min(4, len(parts)-1)], len(parts) == 6 && parts[5] == collections[kind]
}

// ownName is the name that a glob is held against.
func ownName(kind string, one raw) string {
	if kind == kindApp {
		return one.text("label")
	}
	return one.text("name")
}

// defaultPolicy is what Okta calls the policy with which the server default comes. It is not marked as a system policy there (Okta's reference "Authorization Servers").
const defaultPolicy = "Default Policy"

// ownable says whether a live object could be somebody's: not Okta's own, and no app for people.
func ownable(kind string, one raw) bool {
	switch kind {
	case kindApp:
		return one.text("name") == "oidc_client" && one.text("settings", "oauthClient", "application_type") == "service" &&
			reconcile.Equal(reconcile.SetOf(reconcile.Members(one.at("settings", "oauthClient", "grant_types"))...), reconcile.TextSet(grantMachine))
	case kindScope:
		return !one.flag("system") && checkScope(one.text("name")) == nil
	case kindPolicy:
		return !one.flag("system") && one.text("name") != defaultPolicy
	}
	return !(key{kind: kind}).builtIn(one)
}

// declares says whether a want means a live object: the one that it was read as, or one of its name. Where it is open whether two servers are the same, as default has
// an id too, they are taken to be: nothing that may be declared is extra.
func (v view) declares(want []reconcile.Object, kind, server string, one raw) bool {
	return slices.ContainsFunc(want, func(w reconcile.Object) bool {
		if w.Addr.System != systemName || w.Addr.Kind != kind {
			return false
		}
		if live, ok := v.live[w.Addr]; ok && textOf(live.Facts["id"]) == one.text("id") {
			return true
		}
		if on := v.serverOf(w); on != server && on != "" && (on == defaultServer) == (server == defaultServer) {
			return false
		}
		own := keyOf(w, server)
		if kind == kindApp && one.text("label") == w.TextAttr(attrLabel) {
			return true // with a client id that is not live, it may be the one that was meant
		}
		return own.matchesEver(w, one)
	})
}

// serverOf is the id or alias of the server that holds a want, "" when it is not known.
func (v view) serverOf(w reconcile.Object) string {
	if w.Addr.Kind == kindApp {
		return ""
	}
	return textOf(reconcile.Resolve(w.Get(attrServer), v.resolver()))
}

// distinguish gives a key to addresses that are not unique.
func distinguish(extra, want []reconcile.Object) {
	uses := map[reconcile.Addr]int{}
	for _, w := range want {
		uses[w.Addr]++
	}
	for _, o := range extra {
		uses[o.Addr]++
	}
	for i, o := range extra {
		if uses[o.Addr] > 1 {
			extra[i].Addr.Key = textOf(o.Facts["id"])
		}
	}
}

// globMatches is a glob of * and ? over a name. The other signs that Go's globs know stand for themselves, and so does a slash.
func globMatches(glob, name string) bool {
	plain := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `/`, "\x01")
	ok, err := path.Match(plain.Replace(glob), strings.ReplaceAll(name, "/", "\x01"))
	return err == nil && ok
}
