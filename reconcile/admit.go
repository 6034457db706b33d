package reconcile

import (
	"cmp"
	"iter"
	"maps"
	"math/bits"
	"net/url"
	"slices"
	"strings"
)

// Fit says whether a door takes a token.
type Fit int

// The fits. FitMaybe is for what only the servers know, such as an issuer that the provider's own document tells.
const (
	FitNo Fit = iota
	FitMaybe
	FitYes
)

// Fits compares issuer and audience of a token with what a door wants.
func (d Door) Fits(t Token) Fit { return min(d.fitsIssuer(t), d.fitsAudience(t), d.fitsKeys(t)) }

// fitsKeys says no where a door has the keys of another authorization server of the same host than the one that signs: each has its own.
func (d Door) fitsKeys(t Token) Fit {
	switch keys := d.Keys.(type) {
	case Ref:
		if is, ok := t.Issuer.(Ref); ok && is.Attr == keys.Attr && is.Addr != keys.Addr {
			return FitNo
		}
	case Text:
		is, _ := t.Issuer.(Text)
		if is != "" && is != keys && !sameButSlash(is, keys) && sameHost(string(is), string(keys)) {
			return FitNo
		}
	}
	return FitYes
}

func sameHost(a, b string) bool {
	u, err := url.Parse(a)
	v, err2 := url.Parse(b)
	return err == nil && err2 == nil && u.Host != "" && u.Host == v.Host
}

// declaredFor says whether a door is declared for the tokens of a token's connection, or for anybody's.
func (d Door) declaredFor(t Token) bool {
	return d.From == nil || slices.Contains(d.From, t.Account.On)
}

func (d Door) fitsIssuer(t Token) Fit {
	want, wantKnown := d.Issuer.(Text)
	have, haveKnown := t.Issuer.(Text)
	switch {
	case d.Issuer == nil || t.Issuer == nil:
		if !d.declaredFor(t) {
			return FitNo
		}
		return FitMaybe
	case Equal(d.Issuer, t.Issuer):
		return FitYes
	case wantKnown != haveKnown, isJoin(d.Issuer) && !partOf(t.Issuer, d.Issuer):
		return FitMaybe
	case wantKnown && !d.IssuerSet && d.declaredFor(t) && samePath(string(want), string(have)): // another name of one host: the document that is fetched there says which it is
		return FitMaybe
	}
	return FitNo
}

func isJoin(v Value) bool { _, ok := v.(Join); return ok }

// partOf says whether a text that is put together has a value in it, and so something beside it.
func partOf(part, whole Value) bool {
	j, _ := whole.(Join)
	return slices.ContainsFunc(j, func(v Value) bool { return Equal(v, part) })
}

func samePath(a, b string) bool {
	u, err := url.Parse(a)
	v, err2 := url.Parse(b)
	return err == nil && err2 == nil && u.Host != v.Host && strings.TrimSuffix(u.Path, "/") == strings.TrimSuffix(v.Path, "/") && strings.Trim(u.Path, "/") != ""
}

func (d Door) fitsAudience(t Token) Fit {
	if t.Audience == nil || len(d.Audience) == 0 {
		return FitMaybe
	}
	fit := FitNo
	for _, v := range d.Audience {
		_, known := v.(Text)
		_, alsoKnown := t.Audience.(Text)
		switch {
		case Equal(v, t.Audience):
			return FitYes
		case known != alsoKnown:
			fit = FitMaybe
		}
	}
	return fit
}

// entry is a token that came through a door.
type entry struct {
	token Token
	door  Door
	fit   Fit
	local *Local // under whom it runs; nil for the token's own name
}

// stop says why a door that fits does not let a token in.
type stop string

const (
	stopClosed    stop = "closed"
	stopNoName    stop = "no name"
	stopNoUser    stop = "no user"
	stopSuspended stop = "suspended"
)

// enter tries one door that fits.
func (d Door) enter(t Token) (entry, stop) {
	e := entry{token: t, door: d, fit: d.Fits(t)}
	if !d.Open {
		return e, stopClosed
	}
	subject, has := d.subject(t)
	if !has {
		return e, stopNoName
	}
	if subject == nil || !d.Locals.Known {
		return e, ""
	}
	if !d.Locals.Required {
		if local, ok := d.Locals.ByName[SubjectKey(subject)]; ok && d.Locals.NativeRole {
			e.local = &local
		}
		return e, ""
	}
	local, ok := d.Locals.By[SubjectKey(subject)]
	if !ok {
		return e, stopNoUser
	}
	e.local = &local
	if local.Suspended {
		return e, stopSuspended
	}
	return e, ""
}

// subject is what the door takes as the user's name: nil when nobody knows, false when the token has none. A name is one text, and no list of one.
func (d Door) subject(t Token) (name Value, has bool) {
	if d.SubjectElsewhere {
		return nil, true
	}
	if d.SubjectClaim == "" || d.SubjectClaim == "sub" {
		return t.Subject, true
	}
	for _, c := range t.Claims {
		if c.Name != d.SubjectClaim {
			continue
		}
		if !c.Known {
			return nil, true
		}
		if c.One && len(c.Values) == 1 {
			return Text(c.Values[0]), true
		}
	}
	return nil, false
}

// admit finds the ways in of an account: for each choice of claims that its tokens can have, the first door that lets it in, those with the most claims first. A token with
// fewer is sometimes worth more: a role that denies something may come by the groups.
func admit(t Token, doors []Door) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		if !t.Gets() || t.Bound || len(doors) == 0 {
			return
		}
		for _, one := range t.choices(doors) {
			if e, ok := one.firstIn(doors); ok && !yield(e) {
				return
			}
		}
	}
}

// firstIn is the first door that lets a token in.
func (t Token) firstIn(doors []Door) (entry, bool) {
	for _, d := range doors {
		if d.Fits(t) == FitNo {
			continue
		}
		if e, why := d.enter(t); why == "" {
			return e, true
		}
	}
	return entry{}, false
}

// choices are the tokens that an account can choose among by the scopes that it asks for, as far as doors look at the claims: those with the most claims first.
func (t Token) choices(doors []Door) []Token {
	var at []int // the claims that somebody reads and that do not come in every token
	for i, c := range t.Claims {
		if len(c.Scopes) > 0 && len(at) < 16 && slices.ContainsFunc(doors, func(d Door) bool { return d.GroupsClaim == c.Name || d.SubjectClaim == c.Name }) {
			at = append(at, i)
		}
	}
	if len(at) == 0 || t.Requests == nil {
		return []Token{t}
	}
	sets := make(map[uint]bool)
	for _, request := range t.Requests {
		var here []uint // what parts of this one bring
		for _, scope := range request {
			brings := uint(0)
			for bit, i := range at {
				if slices.Contains(t.Claims[i].Scopes, scope) {
					brings |= 1 << bit
				}
			}
			for _, had := range append(slices.Clone(here), 0) {
				if !slices.Contains(here, had|brings) {
					here = append(here, had|brings)
				}
			}
		}
		for _, set := range here {
			sets[set] = true
		}
	}
	order := slices.SortedFunc(maps.Keys(sets), func(a, b uint) int {
		return cmp.Or(cmp.Compare(bits.OnesCount(b), bits.OnesCount(a)), cmp.Compare(a, b))
	})
	var tokens []Token
	for _, set := range order {
		one := t
		one.Claims = nil
		for i, c := range t.Claims {
			if bit := slices.Index(at, i); bit < 0 || set&(1<<bit) != 0 {
				one.Claims = append(one.Claims, c)
			}
		}
		tokens = append(tokens, one)
	}
	return tokens
}

// groups are what a door reads out of a token, with who gives each.
func (e entry) groups() (names []string, by []Source) {
	if e.door.GroupsElsewhere {
		return nil, nil
	}
	for _, c := range e.token.Claims {
		if c.Name != e.door.GroupsClaim || !c.Known {
			continue
		}
		for i, v := range c.Values {
			if !slices.Contains(names, v) {
				names, by = append(names, v), append(by, c.At[i])
			}
		}
	}
	return names, by
}

// GroupNode is a group as a door knows it, whoever put it into a token.
func (d Door) GroupNode(group string) Node {
	return Node{Kind: NodeGroup, Name: group, On: AnyConnection, In: d.In}
}

// RolesFor lists the roles that a door gives a group: those that exist, as far as that is known.
func (d Door) RolesFor(group string) []string {
	if !d.Maps || d.Unknown {
		return nil
	}
	roles := d.Mapping[group]
	if d.Automatic {
		roles = []string{group}
	}
	return slices.DeleteFunc(slices.Clone(roles), func(r string) bool {
		return r == d.Public || d.Roles != nil && !d.Roles[r] || d.Automatic && d.Roles == nil
	})
}

// admitEdges adds the ways that a token opens, to groups and to what a login has besides.
func admitEdges(edges []Edge, t Token, doors []Door) []Edge {
	seen := make(map[Edge]bool)
	for e := range admit(t, doors) {
		for _, edge := range e.edges() {
			if !seen[edge] {
				seen[edge] = true
				edges = append(edges, edge)
			}
		}
	}
	return edges
}

// edges are the ways of an account that is let in.
func (e entry) edges() []Edge {
	var edges []Edge
	account := e.token.Account
	names, by := e.groups()
	for i, g := range names {
		group := e.door.GroupNode(g)
		group.On = account.On
		edges = append(edges, Edge{From: account, To: group, Via: by[i].Addr})
	}
	if e.door.Public != "" {
		edges = append(edges, Edge{From: account, To: Node{Kind: NodeRole, Name: e.door.Public, On: e.door.On}, Via: e.door.Addr, Common: true})
	}
	if e.local != nil && e.door.Locals.NativeRole {
		for _, role := range e.local.Roles {
			edges = append(edges, Edge{From: account, To: Node{Kind: NodeRole, Name: role, On: e.door.On}, Via: e.local.By.Addr})
		}
	}
	return edges
}

// TokensOf gives what accounts can get, over all systems.
func TokensOf(systems []System, state []Object) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		for _, s := range systems {
			i, ok := s.(Issuing)
			if !ok {
				continue
			}
			for t := range i.Tokens(ObjectsOf(s.Name(), state)) {
				if !yield(t) {
					return
				}
			}
		}
	}
}

// DoorsOf lists the ways in for tokens of each server that has any.
func DoorsOf(systems []System, state []Object) [][]Door {
	var servers [][]Door
	for _, s := range systems {
		if a, ok := s.(Admitting); ok {
			if doors := a.Doors(ObjectsOf(s.Name(), state)); len(doors) > 0 {
				servers = append(servers, doors)
			}
		}
	}
	return servers
}
