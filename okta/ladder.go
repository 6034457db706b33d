package okta

import (
	"cmp"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// issuer is an authorization server with what decides about tokens: its policies in the order in which Okta tries them, its claims and its scopes, those of the state and
// those that were read and that no block declares.
type issuer struct {
	key        string // as serverKey names it
	connection string
	server     reconcile.Object // zero when the spec does not speak of it
	rungs      []rung
	claims     []reconcile.Object
	values     []claimValue                // of claims, in their order
	subject    claimValue                  // of the claim sub, which Okta made: who a token is about
	scopes     map[string]reconcile.Object // by name
	strange    map[string]bool             // the names of the scopes that no block declares
	listed     bool                        // whether all policies are known
	complete   bool                        // whether all scopes are
	byClient   map[string][]int            // rungs, in order, by the printed client
}

// rung is a policy and its rules in order.
type rung struct {
	policy  reconcile.Object
	rules   []reconcile.Object
	known   bool            // whether its rules are
	foreign bool            // no block declares it
	strange map[string]bool // the names of the rules that no block declares, of a policy that one does
}

// serverKey is one name for an authorization server, however a value spells it: default for the org's default one, else its id, else the address that it will be made at.
func (v view) serverKey(value reconcile.Value) string {
	switch value := value.(type) {
	case nil:
		return defaultServer
	case reconcile.Text:
		for a, o := range v.live {
			if a.Kind == kindServer && o.Facts["id"] == value && (a.Name == defaultServer || o.TextAttr(attrName) == defaultServer) {
				return defaultServer
			}
		}
		return string(value)
	case reconcile.Ref:
		if value.Addr.Name == defaultServer && value.Addr.Kind == kindServer {
			return defaultServer
		}
		if id, ok := v.live[value.Addr].Facts["id"].(reconcile.Text); ok {
			return v.serverKey(id)
		}
		return value.Addr.String()
	}
	return value.String()
}

// issuers lists the authorization servers that a state or the last Read knows, in order of key.
func (v view) issuers(state []reconcile.Object) []*issuer {
	b := &builder{view: v, all: make(map[string]*issuer), declared: make(map[string]bool), ids: make(map[reconcile.Addr]string), rules: make(map[string][]raw)}
	for a, o := range v.live {
		if id := textOf(o.Facts["id"]); id != "" {
			b.declared[id], b.ids[a] = true, id
		}
	}
	for path, all := range v.raws {
		if parts := strings.Split(path, "/"); len(parts) == 8 && parts[7] == "rules" {
			b.rules[parts[6]] = all
		}
	}
	b.takeState(state)
	b.takeRaws()
	b.order(state)
	var list []*issuer
	for _, is := range b.all {
		is.index()
		list = append(list, is)
	}
	slices.SortFunc(list, func(a, b *issuer) int { return strings.Compare(a.key, b.key) })
	return list
}

// builder collects issuers.
type builder struct {
	view     view
	all      map[string]*issuer
	declared map[string]bool           // the ids of live objects that some block declares
	ids      map[reconcile.Addr]string // of these
	servers  map[string]string         // the key of each spelling, remembered
	rules    map[string][]raw          // the rules that were read, by the id of their policy
}

func (b *builder) at(value reconcile.Value) *issuer {
	spelled := "absent"
	if value != nil {
		spelled = value.String()
	}
	if b.servers == nil {
		b.servers = make(map[string]string)
	}
	key, known := b.servers[spelled]
	if !known {
		key = b.view.serverKey(value)
		b.servers[spelled] = key
	}
	is := b.all[key]
	if is == nil {
		is = &issuer{key: key, connection: b.view.name, scopes: make(map[string]reconcile.Object), strange: make(map[string]bool)}
		b.all[key] = is
	}
	return is
}

func (b *builder) takeState(state []reconcile.Object) {
	rules := make(map[string][]reconcile.Object) // by the path of their policy
	for _, o := range state {
		if o.Addr.System != systemName || o.Absent {
			continue
		}
		switch o.Addr.Kind {
		case kindRule:
			policy := o.Addr
			policy.Kind, policy.Name, policy.Key = "", "", ""
			rules[policy.String()] = append(rules[policy.String()], o)
		case kindScope:
			b.at(o.Get(attrServer)).scopes[nameOf(o)] = o
		case kindClaim:
			is := b.at(o.Get(attrServer))
			is.claims = append(is.claims, o)
		case kindServer:
			is := b.at(reconcile.Ref{Addr: o.Addr, Attr: "id"})
			if isDefault(o) {
				is = b.at(nil)
			}
			is.server = o
		}
	}
	for _, o := range ofKind(state, kindPolicy) {
		is := b.at(o.Get(attrServer))
		path := o.Addr.Child("", "")
		path.Kind, path.Name, path.Key = "", "", ""
		r := rung{policy: o, known: true, rules: rules[path.String()]}
		b.orderRules(&r)
		is.rungs = append(is.rungs, r)
	}
}

// orderRules puts a policy's rules in order, those that no block declares among them.
func (b *builder) orderRules(r *rung) {
	byName := make(map[string]reconcile.Object)
	for _, o := range r.rules {
		byName[o.Addr.Name] = o
	}
	want := reconcile.Texts(r.policy.Get(attrRuleOrder))
	live := b.view.rules[r.policy.Addr]
	for _, one := range b.rules[b.ids[r.policy.Addr]] {
		if _, ours := byName[one.text("name")]; !ours && !b.declared[one.text("id")] {
			byName[one.text("name")] = bareObject(r.policy.Addr.Child(kindRule, one.text("name")), one)
			if r.strange == nil {
				r.strange = make(map[string]bool)
			}
			r.strange[one.text("name")] = true
		}
	}
	r.rules = nil
	for _, name := range mergeOrder(reordered(live, want, ""), want) {
		if o, there := byName[name]; there {
			r.rules = append(r.rules, o)
			delete(byName, name)
		}
	}
	rest := make([]reconcile.Object, 0, len(byName))
	for _, o := range byName {
		rest = append(rest, o)
	}
	slices.SortFunc(rest, func(x, y reconcile.Object) int { return reconcile.CompareAddr(x.Addr, y.Addr) })
	r.rules = append(r.rules, rest...)
}

// takeRaws adds what was read and what no block declares. What Okta made for itself, its own claims, is left out: they are about people.
func (b *builder) takeRaws() {
	for path, all := range b.view.raws {
		parts := strings.Split(path, "/")
		if len(parts) != 6 || parts[3] != "authorizationServers" {
			continue
		}
		is := b.at(reconcile.Text(parts[4]))
		for _, one := range all {
			addr := reconcile.Addr{System: systemName, Connection: b.view.name, Name: one.text("name")}
			ours := b.declared[one.text("id")]
			switch parts[5] {
			case "scopes":
				is.complete = true
				if _, has := is.scopes[one.text("name")]; !has && !ours && !one.flag("system") {
					addr.Kind = kindScope
					is.scopes[one.text("name")], is.strange[one.text("name")] = bareObject(addr, one), true
				}
			case "claims":
				addr.Kind = kindClaim
				if one.flag("system") && one.text("name") == "sub" && one.text("value") != "" {
					is.subject = readValue(bareObject(addr, one))
				}
				if !ours && !one.flag("system") {
					is.claims = append(is.claims, bareObject(addr, one))
				}
			case "policies":
				is.listed = true
				if !ours {
					addr.Kind = kindPolicy
					is.rungs = append(is.rungs, b.strangePolicy(path, addr, one))
				}
			}
		}
	}
	for _, is := range b.all {
		slices.SortFunc(is.claims, func(x, y reconcile.Object) int { return reconcile.CompareAddr(x.Addr, y.Addr) })
	}
}

func (b *builder) strangePolicy(path string, addr reconcile.Addr, one raw) rung {
	r := rung{policy: bareObject(addr, one), foreign: true}
	rules, read := b.view.raws[path+"/"+one.text("id")+"/rules"]
	r.known = read
	for _, rule := range byPriority(rules) {
		r.rules = append(r.rules, bareObject(addr.Child(kindRule, rule.text("name")), rule))
	}
	return r
}

// order puts the policies of each server in the order in which Okta tries them. New ones come where a create puts them: see policyPriority.
func (b *builder) order(state []reconcile.Object) {
	at := make(map[string]int) // the place of each live policy by its id
	system := make(map[string]string)
	for path, all := range b.view.raws {
		if parts := strings.Split(path, "/"); len(parts) != 6 || parts[5] != "policies" {
			continue
		}
		for i, one := range byPriority(all) {
			at[one.text("id")] = i
			if one.flag("system") {
				system[b.at(reconcile.Text(strings.Split(path, "/")[4])).key] = one.text("name")
			}
		}
	}
	for _, is := range b.all {
		is.obey(reconcile.Texts(is.server.Get(attrPolicyOrder)), system[is.key], func(r rung) (int, bool) {
			place, live := at[b.idOf(r)]
			return place, live
		})
	}
}

func (b *builder) idOf(r rung) string {
	if id := textOf(r.policy.Facts["id"]); id != "" {
		return id
	}
	return b.ids[r.policy.Addr]
}

// obey puts policies in order: live ones as they stand, and as their server's policy_order says. New ones come where a create puts them.
func (is *issuer) obey(order []string, system string, placeOf func(rung) (int, bool)) {
	var front, there, back []rung
	byName := make(map[string]rung)
	slices.SortStableFunc(is.rungs, func(x, y rung) int { return reconcile.CompareAddr(x.policy.Addr, y.policy.Addr) })
	for _, r := range is.rungs {
		name := nameOf(r.policy)
		byName[name] = r
		_, live := placeOf(r)
		switch {
		case live || slices.Contains(order, name):
			there = append(there, r)
		case isForAll(r):
			back = append(back, r)
		default:
			front = append(front, r)
		}
	}
	slices.SortStableFunc(there, func(x, y rung) int {
		a, _ := placeOf(x)
		b, _ := placeOf(y)
		return cmp.Compare(a, b)
	})
	if len(order) > 0 && len(byName) == len(is.rungs) { // where two have one name, which is meant nobody can say
		there = is.ordered(there, order, system, byName, placeOf)
	}
	is.rungs = slices.Concat(front, there, back)
}

// ordered is the order of policies that are live or that an order names.
func (is *issuer) ordered(there []rung, order []string, system string, byName map[string]rung, placeOf func(rung) (int, bool)) []rung {
	var names []string
	for _, r := range there {
		if _, live := placeOf(r); live {
			names = append(names, nameOf(r.policy))
		}
	}
	var out []rung
	for _, name := range futureOrder(names, order, system, func(name string) bool { return isForAll(byName[name]) }) {
		if r, known := byName[name]; known {
			out = append(out, r)
		}
	}
	return out
}

func isForAll(r rung) bool { return contains(r.policy.Get(attrClients), reconcile.Text(allClients)) }

// fresh says whether the spec makes the server: it then has the spec's policies and no other.
func (is *issuer) fresh() bool {
	return !is.server.Addr.IsZero() && !is.server.Reference && is.server.Facts == nil && is.key != defaultServer
}

// index notes which policies name which client, and reads the claims' expressions.
func (is *issuer) index() {
	is.byClient = make(map[string][]int)
	is.values = nil
	for _, claim := range is.claims {
		is.values = append(is.values, readValue(claim))
	}
	for i, r := range is.rungs {
		for _, c := range reconcile.Members(r.policy.Get(attrClients)) {
			is.byClient[c.String()] = append(is.byClient[c.String()], i)
		}
	}
}

// rungsOf lists the active policies that are for an app, in order.
func (is *issuer) rungsOf(app reconcile.Object) []int {
	return slices.DeleteFunc(is.rungsFor(app), func(at int) bool { return !isActive(is.rungs[at].policy) })
}

// rungsFor lists the policies that are for an app, in order, inactive ones too: by its id, by the reference to it, or because they are for all clients.
func (is *issuer) rungsFor(app reconcile.Object) []int {
	names := []string{reconcile.Text(allClients).String(), reconcile.Ref{Addr: app.Addr, Attr: attrClientID}.String()}
	if id := clientOf(app); id != nil && id.String() != names[1] {
		names = append(names, id.String())
	}
	var at []int
	for _, n := range names {
		at = append(at, is.byClient[n]...)
	}
	slices.Sort(at)
	return slices.Compact(at)
}
