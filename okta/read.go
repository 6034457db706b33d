package okta

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"keymaker/reconcile"
)

// Read reads what want names: the list of apps once, each authorization server once, its scopes, claims and policies once each where something in it is
// wanted, and the rules of each wanted policy. Nothing is written, and no call that it makes shows a client secret.
func (s *System) Read(ctx context.Context, want []reconcile.Object) (reconcile.Live, error) {
	r := &reader{client: s.client, want: index(want), unread: map[reconcile.Addr]error{}, live: make(map[reconcile.Addr]reconcile.Object, len(want)),
		owned: s.ownedKinds(), calls: map[string]int{}, keys: make(map[reconcile.Addr]key, len(want)), lists: map[string]listing{}}
	r.ofKind = sync.OnceValue(r.byKind)
	err := r.read(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	live := reconcile.Live{Target: s.target(r.calls), Unread: r.unread}
	if err != nil {
		return live, fmt.Errorf("%s: read %s: %w", s.Name(), s.client.settings.org, err)
	}
	for a, err := range doubles(r.keys) {
		r.unread[a] = err
	}
	maps.Copy(r.unread, sharedFiles(r.want))
	for a := range r.unread {
		delete(r.live, a)
	}
	live.Due = r.due()
	live.Objects = slices.AppendSeq(make([]reconcile.Object, 0, len(r.live)), maps.Values(r.live))
	slices.SortFunc(live.Objects, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	s.remember(r.view())
	return live, nil
}

// usualCall is how long a call takes, for forecasts. It is an assumption: Okta documents none.
const usualCall = 200 * time.Millisecond

func (s *System) target(calls map[string]int) reconcile.Target {
	t := reconcile.Target{System: s.Name(), Title: strings.TrimSpace("Okta " + s.name), URL: s.client.settings.org.String(), Budgets: s.client.limits.budgets(),
		Pace: reconcile.Pace{Call: usualCall, Parallel: s.Parallel()}}
	for _, bucket := range slices.Sorted(maps.Keys(calls)) {
		t.Calls = append(t.Calls, reconcile.Tally{What: bucket, N: calls[bucket]})
	}
	return t
}

// reader is one Read.
type reader struct {
	client *client
	want   map[reconcile.Addr]reconcile.Object
	ofKind func() map[string][]reconcile.Object // the wants by kind, in address order
	owned  map[string]bool                      // kinds of which own blocks may match what no want declares

	mu     sync.Mutex // guards all below
	live   map[reconcile.Addr]reconcile.Object
	unread map[reconcile.Addr]error
	keys   map[reconcile.Addr]key
	calls  map[string]int
	lists  map[string]listing // by path
}

// listing is one collection, or why it could not be read.
type listing struct {
	all  []raw
	size int // of the collection; all may be less
	err  error
}

// read works from what holds to what is held: an authorization server's id is in the paths of what it holds, a policy's in those of its rules. The pages of the apps, each of
// which names the next, come at the same time.
func (r *reader) read(ctx context.Context) error {
	var apps, servers error
	var both sync.WaitGroup
	both.Go(func() { apps = r.readApps(ctx) })
	both.Go(func() { servers = r.readServersAndHeld(ctx) })
	both.Wait()
	if err := cmp.Or(apps, servers); err != nil { // the same one each time
		return err
	}
	if err := r.readDeciding(ctx); err != nil {
		return err
	}
	r.refuseScopeRenames()
	return r.readPolicyOrders(ctx)
}

// readServersAndHeld reads authorization servers and what they hold. What is in a server that goes by its alias or id does not wait until that server was looked at.
func (r *reader) readServersAndHeld(ctx context.Context) error {
	var later, now []reconcile.Object
	for _, o := range r.wanted(kindScope, kindClaim, kindPolicy) {
		if _, refers := o.Get(attrServer).(reconcile.Ref); refers {
			later = append(later, o)
		} else {
			now = append(now, o)
		}
	}
	var servers, held error
	var both sync.WaitGroup
	both.Go(func() { servers = r.readServers(ctx) })
	both.Go(func() { held = r.readHeld(ctx, now) })
	both.Wait()
	if err := cmp.Or(servers, held); err != nil {
		return err
	}
	if err := r.readHeld(ctx, later); err != nil {
		return err
	}
	if err := r.readOwned(ctx); err != nil {
		return err
	}
	return r.readRules(ctx)
}

func (r *reader) byKind() map[string][]reconcile.Object {
	kinds := map[string][]reconcile.Object{}
	counts := map[string]int{}
	for a := range r.want {
		counts[a.Kind]++
	}
	for kind, n := range counts {
		kinds[kind] = make([]reconcile.Object, 0, n)
	}
	for a, o := range r.want {
		kinds[a.Kind] = append(kinds[a.Kind], o)
	}
	for _, objects := range kinds {
		slices.SortFunc(objects, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	}
	return kinds
}

// wanted lists the wants of some kinds, in address order. Who changes the list copies it.
func (r *reader) wanted(kinds ...string) []reconcile.Object {
	if len(kinds) == 1 {
		return r.ofKind()[kinds[0]]
	}
	var objects []reconcile.Object
	for _, kind := range kinds {
		objects = append(objects, r.ofKind()[kind]...)
	}
	slices.SortFunc(objects, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	return objects
}

func (r *reader) readApps(ctx context.Context) error {
	wants := r.wanted(kindApp)
	if len(wants) == 0 && !r.owned[kindApp] {
		return nil
	}
	l := r.list(ctx, appsList, "limit=200")
	return r.settle(wants, "", l, l.err)
}

// readServers reads the default server through its alias, and the list of servers only when another is wanted.
func (r *reader) readServers(ctx context.Context) error {
	for _, o := range r.wanted(kindServer) {
		k := keyOf(o, "")
		var l listing
		if k.name == defaultServer {
			one, err := r.get(ctx, "/api/v1/authorizationServers/"+defaultServer)
			l = listing{[]raw{one}, 1, err}
			if isStatus(err, http.StatusNotFound) {
				l = listing{}
			} else if err == nil {
				one["name"] = defaultServer // a renamed default server is still the default
			}
		} else {
			l = r.list(ctx, "/api/v1/authorizationServers", "limit=200")
		}
		if err := r.settle([]reconcile.Object{o}, "", l, l.err); err != nil {
			return err
		}
	}
	return nil
}

// readPolicyOrders gives each server whose order of policies is wanted the one that it has.
func (r *reader) readPolicyOrders(ctx context.Context) error {
	for _, want := range r.wanted(kindServer) {
		order := reconcile.Texts(want.Get(attrPolicyOrder))
		o, ok := r.live[want.Addr]
		if len(order) == 0 || !ok {
			continue
		}
		id := textOf(o.Facts["id"])
		if isDefault(want) {
			id = defaultServer
		}
		l := r.list(ctx, "/api/v1/authorizationServers/"+url.PathEscape(id)+"/policies", "")
		switch {
		case l.err != nil && isFatal(l.err):
			return l.err
		case l.err != nil:
			r.unread[want.Addr] = fmt.Errorf("its policies could not be read: %w", l.err)
			continue
		}
		live := futureNames(l.all, renamed(kindPolicy, r.want, r.live))
		if name := r.strangerTo(live, order); name != "" {
			r.unread[want.Addr] = fmt.Errorf("policy_order names %q, and neither Okta nor the spec has a policy of that name: correct or remove it", name)
			continue
		}
		o.Set(reconcile.Attr{Name: attrPolicyOrder, Value: reconcile.List(textValues(mergeOrder(live, order)))})
		r.live[want.Addr] = o
	}
	return nil
}

// strangerTo is the first name in an order that is neither live nor wanted, "" when there is none.
func (r *reader) strangerTo(live, order []string) string {
	wanted := r.wanted(kindPolicy)
	for _, name := range order {
		if !slices.Contains(live, name) && !slices.ContainsFunc(wanted, func(o reconcile.Object) bool { return !o.Absent && o.TextAttr(attrName) == name }) {
			return name
		}
	}
	return ""
}

func textValues(ss []string) []reconcile.Value {
	vs := make([]reconcile.Value, len(ss))
	for i, s := range ss {
		vs[i] = reconcile.Text(s)
	}
	return vs
}

// textOf is a text value's text, "" for any other.
func textOf(v reconcile.Value) string {
	t, _ := v.(reconcile.Text)
	return string(t)
}

// isDefault says whether a wanted authorization server is the org's default one.
func isDefault(o reconcile.Object) bool { return keyOf(o, "").name == defaultServer }

// appsList is where the org keeps its apps.
const appsList = "/api/v1/apps"

// collections are where an authorization server keeps what it holds.
var collections = map[string]string{kindScope: "scopes", kindClaim: "claims", kindPolicy: "policies"}

// readsAtOnce bounds how many collections are read at the same time, beside the apps: see [System.Parallel].
const readsAtOnce = 3

// readHeld reads scopes, claims and policies, each collection of an authorization server once.
func (r *reader) readHeld(ctx context.Context, wants []reconcile.Object) error {
	groups := map[string][]reconcile.Object{}
	for _, o := range wants {
		server, ok := r.serverOf(o)
		if ok {
			path := "/api/v1/authorizationServers/" + server + "/" + collections[o.Addr.Kind]
			groups[path] = append(groups[path], o)
		}
	}
	var g errgroup.Group
	g.SetLimit(readsAtOnce)
	for _, path := range slices.Sorted(maps.Keys(groups)) {
		g.Go(func() error {
			wants := groups[path]
			l := r.list(ctx, path, "")
			server := strings.Split(path, "/")[4]
			return r.settle(wants, server, l, explainServer(l.err, server))
		})
	}
	return g.Wait()
}

// explainServer says what a 404 on a collection means.
func explainServer(err error, server string) error {
	if isStatus(err, http.StatusNotFound) {
		return fmt.Errorf("there is no authorization server %q in this org: correct authorization_server, or declare it", server)
	}
	return err
}

// serverOf gives the id or alias of the server that holds an object; false when the server is not there (yet), and so neither is the object.
func (r *reader) serverOf(o reconcile.Object) (string, bool) {
	switch v := o.Get(attrServer).(type) {
	case reconcile.Text:
		return string(v), true
	case reconcile.Ref:
		r.mu.Lock()
		defer r.mu.Unlock()
		if err := r.unread[v.Addr]; err != nil {
			r.unread[o.Addr] = fmt.Errorf("%s, which holds it, could not be read: %w", v.Addr, err)
			return "", false
		}
		id, ok := r.live[v.Addr].Facts["id"].(reconcile.Text)
		return string(id), ok
	}
	return defaultServer, true
}

// readRules reads the rules of each wanted policy that is live.
func (r *reader) readRules(ctx context.Context) error {
	groups := r.rulesToRead()
	var g errgroup.Group
	g.SetLimit(readsAtOnce)
	for _, policy := range slices.SortedFunc(maps.Keys(groups), reconcile.CompareAddr) {
		g.Go(func() error { return r.readRulesOf(ctx, policy, groups[policy]) })
	}
	return g.Wait()
}

// rulesToRead are the wanted rules of policies that are live, by policy.
func (r *reader) rulesToRead() map[reconcile.Addr][]reconcile.Object {
	r.mu.Lock()
	defer r.mu.Unlock()
	groups := map[reconcile.Addr][]reconcile.Object{}
	for _, o := range r.wanted(kindRule) {
		policy := policyOf(o)
		if err := r.unread[policy]; err != nil {
			r.unread[o.Addr] = fmt.Errorf("%s could not be read: %w", policy, err)
			continue
		}
		if _, ok := r.live[policy]; ok {
			groups[policy] = append(groups[policy], o)
		}
	}
	return groups
}

func (r *reader) readRulesOf(ctx context.Context, policy reconcile.Addr, wants []reconcile.Object) error {
	r.mu.Lock()
	server, _ := r.live[policy].Get(attrServer).(reconcile.Text)
	id, _ := r.live[policy].Facts["id"].(reconcile.Text)
	r.mu.Unlock()
	l := r.list(ctx, "/api/v1/authorizationServers/"+url.PathEscape(string(server))+"/policies/"+url.PathEscape(string(id))+"/rules", "")
	if err := r.settle(wants, string(id), l, l.err); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.err != nil {
		r.unread[policy] = fmt.Errorf("its rules could not be read: %w", l.err) // their order is the policy's
		return nil
	}
	if order := reconcile.Texts(r.want[policy].Get(attrRuleOrder)); len(order) > 0 {
		o, moves := r.live[policy], renamed(kindRule, r.want, r.live)
		names := presentNames(mergeOrder(futureNames(l.all, moves), order), l.all, moves) // a rule that is to be renamed is a difference of its policy
		o.Set(reconcile.Attr{Name: attrRuleOrder, Value: reconcile.List(textValues(names))})
		r.live[policy] = o
	}
	return nil
}

// settle makes live objects of the wants that a listing has, and notes why the others were not read. It gives an error only when nothing can be read.
func (r *reader) settle(wants []reconcile.Object, server string, l listing, err error) error {
	if err != nil && isFatal(err) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var all catalog
	if len(wants) > 0 {
		all = newCatalog(wants[0].Addr.Kind, l.all)
	}
	peers := r.peers(wants)
	for _, o := range wants {
		if err != nil {
			r.unread[o.Addr] = err
			continue
		}
		k := keyOf(o, server)
		if !o.Reference {
			r.keys[o.Addr] = k
		}
		one, err := find(o, k, peers, all)
		if err != nil {
			r.unread[o.Addr] = err
			continue
		}
		if one != nil {
			r.live[o.Addr] = r.object(o, one, server)
		}
	}
	return nil
}

// peers are the wants that could mean the objects of wants: servers are read one by one.
func (r *reader) peers(wants []reconcile.Object) []reconcile.Object {
	if len(wants) > 0 && wants[0].Addr.Kind == kindServer {
		return r.wanted(kindServer)
	}
	return wants
}

// keeps says which members of a collection are of any use. An org may have thousands of apps that no spec can mean: those for people, and Okta's own. What stays is what
// a want may mean, by a name that it has or had or by its client id, and what an own block could.
func (r *reader) keeps(path string) func(raw) bool {
	if path != appsList {
		return func(raw) bool { return true }
	}
	names := map[string]bool{}
	for _, o := range r.wanted(kindApp) {
		names[o.TextAttr(attrLabel)], names[o.TextAttr(attrClientID)] = true, true
		for _, former := range o.Formerly {
			names[former] = true
		}
	}
	delete(names, "")
	return func(one raw) bool {
		return names[one.text("label")] || names[one.text("credentials", "oauthClient", "client_id")] || ownable(kindApp, one)
	}
}

// list reads a collection, all pages, once in a Read.
func (r *reader) list(ctx context.Context, path, query string) listing {
	r.mu.Lock()
	l, ok := r.lists[path]
	r.mu.Unlock()
	if ok {
		return l
	}
	var all []raw
	size := 0
	keep := r.keeps(path)
	calls, err := r.client.each(ctx, path, query, decoderOf(path), func(one raw) {
		size++
		if keep(one) {
			all = append(all, one)
		}
	})
	if err != nil {
		all = nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[bucketOf(http.MethodGet, path)] += calls
	r.lists[path] = listing{all, size, err}
	return r.lists[path]
}

func (r *reader) get(ctx context.Context, path string) (raw, error) {
	one, err := r.client.get(ctx, path)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[bucketOf(http.MethodGet, path)]++
	return one, err
}
