package okta

import (
	"context"
	"slices"
	"sync"

	"keymaker/reconcile"
)

// System is a live Okta org. Make one with [Open]; its methods are safe for concurrent use.
type System struct {
	name   string // of the connection, "" for the unnamed one
	client *client
	neoURI string
	more   map[string]string // further servers, by connection
	env    func(string) (string, bool)

	mu    sync.Mutex
	seen  view            // of the last Read
	owned map[string]bool // the kinds that own blocks name

	twins twins
}

var (
	_ reconcile.System  = (*System)(nil)
	_ reconcile.Prover  = (*System)(nil)
	_ reconcile.Metered = (*System)(nil)
)

// view is what the last Read was asked for and saw: Steps knows the org by it.
type view struct {
	want     map[reconcile.Addr]reconcile.Object
	live     map[reconcile.Addr]reconcile.Object
	others   map[string][]reconcile.Object    // the wants but apps, by kind, in address order: Steps may be asked for one change of thousands
	apps     func() map[string]reconcile.Addr // by their client ids, as these print
	policies map[string]shelf                 // the policies of each authorization server, by the printed id or alias
	rules    map[reconcile.Addr][]string      // the names of a policy's rules, by priority
	includes map[string][]included            // the live policies that name a client, by its client id
	name, on string                           // of the connection, and where nodes of the access graph are
	raws     map[string][]raw                 // what the collections of apps, scopes, claims and policies hold, by path; of apps those that no want means
	sizes    map[string]int                   // how many members they have, by path
	unread   map[string]error                 // why a collection could not be read, by path
}

// shelf is a server's policies by priority, under the names that they will have, and the one that Okta made, "" when it made none.
type shelf struct {
	names   []string
	system  string
	present func(names []string) []string // the names that are live now for those that will be; nil when nothing was read
}

// included is a live policy that names a client.
type included struct {
	server, id string
	addr       reconcile.Addr // of the want that declares it, zero when none does
}

// Open checks a connection's settings and prepares a client. It makes no call: the first is Read's.
//
// What the block leaves out comes from the environment through opts.Env, by the names that Okta's own tools use, for a named connection with its name behind them. Errors name what is missing and how
// to set it.
func Open(ctx context.Context, conn reconcile.Block, opts Options) (*System, error) {
	s, err := settingsOf(conn, opts.Connection, opts.Env)
	if err != nil {
		return nil, err
	}
	c, err := newClient(ctx, s, opts)
	if err != nil {
		return nil, err
	}
	env := opts.Env
	if env == nil {
		env = func(string) (string, bool) { return "", false }
	}
	return &System{name: opts.Connection, client: c, neoURI: opts.NeoURI, more: opts.NeoURIs, env: env}, nil
}

// Offline is a System of no org. It knows what a state says and nothing else: only Tokens, Findings and Access may be called.
func Offline(connection string) *System { return &System{name: connection} }

// Name is okta, and okta.eu for the connection named eu.
func (s *System) Name() string { return reconcile.InstanceName(systemName, s.name) }

// URL is the address of the org.
func (s *System) URL() string { return s.client.settings.org.String() }

// on is where nodes of the access graph are.
func (s *System) on() string { return reconcile.NodeOn(systemName, s.name) }

// Kinds lists what an org can hold.
func (*System) Kinds() []reconcile.Kind { return Language{}.Kinds() }

// Parallel is how many steps may run at once. Okta's smallest bucket of simultaneous calls is 15 for a whole org, which others use too.
func (*System) Parallel() int { return 4 }

// Made counts every request: reads and writes by the rate limit that they count against, and tokens.
func (s *System) Made() []reconcile.Tally { return s.client.made.Made() }

// remember keeps what a Read saw.
func (s *System) remember(v view) {
	v.others = make(map[string][]reconcile.Object)
	for a, o := range v.want {
		if a.Kind != kindApp {
			v.others[a.Kind] = append(v.others[a.Kind], o)
		}
	}
	for _, objects := range v.others {
		slices.SortFunc(objects, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	}
	v.apps = sync.OnceValue(v.appsByClient)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = v
	s.twins.forget()
}

func (s *System) ownedKinds() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owned
}

// recall gives what the last Read saw.
func (s *System) recall() view {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.seen
	v.name, v.on = s.name, s.on()
	if v.apps == nil { // nothing was read
		v.apps = func() map[string]reconcile.Addr { return nil }
	}
	return v
}

// object finds an object as the spec wants it, else as it is live.
func (v view) object(a reconcile.Addr) reconcile.Object {
	if o, ok := v.want[a]; ok && !o.Reference && !o.Absent {
		return o
	}
	return v.live[a]
}

// index maps objects by address.
func index(objects []reconcile.Object) map[reconcile.Addr]reconcile.Object {
	m := make(map[reconcile.Addr]reconcile.Object, len(objects))
	for _, o := range objects {
		m[o.Addr] = o
	}
	return m
}

// resolver answers references from live objects.
func (v view) resolver() reconcile.Resolver {
	return func(ref reconcile.Ref) (reconcile.Value, bool) { return v.live[ref.Addr].Lookup(ref.Attr) }
}

// policyOf is the policy that a rule was declared in.
func policyOf(rule reconcile.Object) reconcile.Addr {
	for _, n := range rule.Needs {
		if rule.Addr.Within(n) {
			return n
		}
	}
	return reconcile.Addr{}
}
