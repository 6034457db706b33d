package okta

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// unmoved reads an object again, right before a call that does not read it itself, and refuses when it is not what the plan saw.
func (s *System) unmoved(ctx context.Context, r Request, path string) error {
	if r.Seen.Addr.IsZero() {
		return nil
	}
	one, err := s.client.get(ctx, path)
	if err != nil {
		return err
	}
	return moved(r.Seen, one)
}

// moved compares an object with what a plan saw of it; nil when nothing differs.
func moved(seen reconcile.Object, one raw) error {
	now := bareObject(seen.Addr, one)
	for _, a := range seen.Attrs {
		is := now.Get(a.Name)
		was, isMap := a.Value.(reconcile.Map)
		switch {
		case isMap && a.Name == attrProfile:
			is = members(was, sameButNulls(was, is))
		case a.Name == attrKeys:
			is = knownMembers(a.Value, is)
		}
		if !same(a.Value, is) {
			return &reconcile.Move{Addr: seen.Addr, Attr: a.Name, Planned: a.Value, Now: is}
		}
	}
	for _, name := range []string{"id", attrLabel, attrName, attrClientID} {
		if was, ok := seen.Facts[name]; ok && !reconcile.Equal(was, now.Facts[name]) {
			return &reconcile.Move{Addr: seen.Addr, Attr: name, Planned: was, Now: now.Facts[name]}
		}
	}
	return nil
}

// members picks from a map what another has too: siblings in a profile are not ours.
func members(of reconcile.Map, v reconcile.Value) reconcile.Value {
	all, _ := v.(reconcile.Map)
	some := reconcile.Map{}
	for name := range of {
		if member, there := all[name]; there {
			some[name] = member
		}
	}
	return some
}

// seenOf is what a change rests on of its own object: what the spec manages and the change leaves as it is, and all of an object that goes. What other steps of the
// plan may change before is not in it.
func (p planner) seenOf(c reconcile.Change) reconcile.Object {
	seen := reconcile.Object{Addr: c.Addr()}
	var live reconcile.Object
	managed := func(string) bool { return true }
	switch c := c.(type) {
	case reconcile.Update:
		live = c.Live
		managed = func(name string) bool {
			differs := slices.ContainsFunc(c.Diffs, func(d reconcile.Diff) bool { return ownerOf(d.Name) == name })
			return !differs && c.Want.Get(name) != nil && !slices.Contains(c.Want.Lifecycle.IgnoreChanges, name)
		}
	case reconcile.Delete:
		live, seen.Facts = c.Live, c.Live.Facts
		managed = func(name string) bool { return name != attrStatus } // one that is off already is nearer to its end
		if c.Addr().Kind == kindRule {                                 // its policy's step may have renamed it
			seen.Facts = nil
		}
	}
	for _, a := range live.Attrs {
		_, written := wireOf(live.Addr.Kind, a.Name)
		if (written || a.Name == attrStatus) && managed(a.Name) && !p.stirs(live, a) {
			seen.Set(reconcile.Attr{Name: a.Name, Value: p.narrow(c, a)})
		}
	}
	return seen
}

// ownerOf is the attribute that a difference is in: profile of profile.neo4j_groups.
func ownerOf(name string) string {
	for i := range len(name) {
		if name[i] == '.' {
			return name[:i]
		}
	}
	return name
}

// narrow leaves of a profile what the spec manages.
func (p planner) narrow(c reconcile.Change, a reconcile.Attr) reconcile.Value {
	u, updates := c.(reconcile.Update)
	if want, ok := u.Want.Get(attrProfile).(reconcile.Map); updates && ok && a.Name == attrProfile {
		return members(want, a.Value)
	}
	return a.Value
}

// stirs says whether other steps of the plan may change an attribute: an app that goes leaves its policies, a scope that is renamed is renamed in what names it, and
// one that becomes a default may end another's being one.
func (p planner) stirs(o reconcile.Object, a reconcile.Attr) bool {
	switch {
	case a.Name == attrClients:
		for _, c := range p.changes {
			if gone, ok := c.(reconcile.Delete); ok && gone.Addr().Kind == kindApp && contains(a.Value, gone.Live.Facts[attrClientID]) {
				return true
			}
		}
	case a.Name == attrScopes:
		for _, c := range p.changes {
			_, made := c.(reconcile.Create)
			if c.Addr().Kind == kindScope && !made {
				return true
			}
		}
	case o.Addr.Kind == kindScope:
		return a.Name == "default"
	}
	return false
}

// looks counts the reads of the collections that something is made in: each once before the first create and once behind the last step, where Okta might take a second object
// of a name. What is made in a plan is known to nobody else, and needs no look into.
func (p planner) looks(steps []reconcile.Step) {
	grows := growth(steps)
	seen := map[string]bool{}
	for _, s := range steps {
		for i, op := range s.Ops {
			r, ok := op.(Request)
			if !ok || !r.creates() || refusesNames(r.Addr.Kind) {
				continue
			}
			path, known := r.at()
			if !known || seen[path] {
				continue
			}
			seen[path] = true
			r.Looks = 2
			if listQuery(r.Addr.Kind) != "" {
				size := p.view.sizes[path]
				r.Looks = pages(size) + pages(size+grows[path])
			}
			s.Ops[i] = r
		}
	}
}

// growth says by how many members each collection grows, by its path as far as that is known.
func growth(steps []reconcile.Step) map[string]int {
	grows := map[string]int{}
	for _, s := range steps {
		for _, op := range s.Ops {
			r, ok := op.(Request)
			if !ok {
				continue
			}
			path, known := r.at()
			switch {
			case !known:
			case r.creates():
				grows[path]++
			case r.Method == http.MethodDelete:
				grows[path[:strings.LastIndex(path, "/")]]--
			}
		}
	}
	return grows
}

// pages is how many requests list a collection of a size.
func pages(size int) int { return max(1, (size+listPage-1)/listPage) }

// creates says whether a request makes an object.
func (r Request) creates() bool { return r.Method == http.MethodPost && r.Goal == "" }

// at is the request's path, if all of it is known before the plan is made.
func (r Request) at() (path string, known bool) {
	path, err := resolvePath(r.Path, func(reconcile.Ref) (reconcile.Value, bool) { return nil, false })
	return path, err == nil
}

// guard lets the first call on a change's object look at it first, and each that reads it anyhow.
func guard(ops []reconcile.Op, seen reconcile.Object) {
	first := true
	for i, op := range ops {
		r, ok := op.(Request)
		if !ok || r.Addr != seen.Addr || slices.Contains(r.Path, reconcile.Value(reconcile.Text("credentials"))) || // a key of the app's
			r.creates() || !first && len(r.Edits) == 0 {
			continue
		}
		first = false
		r.Seen = seen
		ops[i] = r
	}
}
