package okta

import "slices"

// catalog is a collection of live objects, found by what a spec knows them by: a spec of ten thousand apps asks it ten thousand times.
type catalog struct {
	byName   map[string][]raw // by name, an app's label
	byClient map[string][]raw // apps by client id
	byID     map[string][]raw
}

// newCatalog indexes a collection.
func newCatalog(kind string, all []raw) catalog {
	c := catalog{byName: make(map[string][]raw, len(all)), byID: make(map[string][]raw, len(all))}
	if kind == kindApp {
		c.byClient = make(map[string][]raw, len(all))
	}
	for _, r := range all {
		name := ownName(kind, r)
		c.byName[name] = append(c.byName[name], r)
		c.byID[r.text("id")] = append(c.byID[r.text("id")], r)
		if kind == kindApp {
			id := r.text("credentials", "oauthClient", "client_id")
			c.byClient[id] = append(c.byClient[id], r)
		}
	}
	return c
}

// meant lists the objects of the collection that a key matches.
func (c catalog) meant(k key) []raw {
	var found []raw
	for _, r := range c.candidates(k) {
		if k.matches(r) {
			found = append(found, r)
		}
	}
	return found
}

// candidates are those that a key could match.
func (c catalog) candidates(k key) []raw {
	switch {
	case k.kind == kindApp && k.extra != "":
		return c.byClient[k.extra]
	case k.kind == kindServer: // by id or name
		return slices.Concat(c.byName[k.name], slices.DeleteFunc(slices.Clone(c.byID[k.name]), func(r raw) bool { return r.text("name") == k.name }))
	}
	return c.byName[k.name]
}
