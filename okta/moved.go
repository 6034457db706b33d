package okta

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// find gives the live object of a want: the one of its own name, else the one of a name that it had before moved blocks; nil when there is none. peers are the
// wants that could mean the same objects. An error says why it cannot be told.
func find(o reconcile.Object, k key, peers []reconcile.Object, all catalog) (raw, error) {
	if k.kind == kindApp {
		k.name = o.TextAttr(attrLabel)
	}
	own, err := k.pick(all)
	if o.Absent {
		own, err = k.pickAny(all)
	}
	formers := k.formers(o)
	switch {
	case err != nil || len(formers) == 0:
		return own, err
	case k.kind == kindApp && k.extra != "": // the chosen client id says which app it is, whatever its label
		for _, former := range formers {
			if err := former.taken(all); own == nil && err != nil {
				return nil, err
			}
		}
		return own, nil
	}
	return findFormer(o, own, k, formers, peers, all)
}

// findFormer gives the live object of a want that has other names of old: own when only that is live.
func findFormer(o reconcile.Object, own raw, k key, formers []key, peers []reconcile.Object, all catalog) (raw, error) {
	var old key // the newest that is live
	var olds []raw
	for _, former := range formers {
		found := all.meant(former)
		if len(found) == 0 {
			continue
		}
		if other, ok := claimant(o, former.server, peers, found); ok {
			if own != nil { // the move is done, and the old name belongs to another block by now
				continue
			}
			return nil, fmt.Errorf("its moved block says that it was called %q, and %s means the object of that name too: remove the moved block, or give that one another name", former.name, other)
		}
		if own != nil {
			return nil, fmt.Errorf("both names of the moved block are live: %q is %s, and %q is %s: remove the moved block, or one of them in Okta", k.name, own.text("id"), former.name, idsOf(found))
		}
		if len(olds) > 0 {
			return nil, fmt.Errorf("two names of its moved blocks are live: %q is %s, and %q is %s: remove the moved block of the one that it is not", old.name, idsOf(olds), former.name, idsOf(found))
		}
		old, olds = former, found
	}
	if len(olds) == 0 {
		return own, nil
	}
	if k.kind == kindServer && (olds[0].flag("default") || old.name == defaultServer) {
		return nil, fmt.Errorf("the default authorization server keeps its name: remove the moved block")
	}
	return old.pick(all)
}

// claimant is another want that means one of some live objects, by its name or by one before it was moved.
func claimant(o reconcile.Object, server string, peers []reconcile.Object, olds []raw) (reconcile.Addr, bool) {
	for _, p := range peers {
		if p.Addr == o.Addr || p.Reference {
			continue
		}
		if slices.ContainsFunc(olds, func(r raw) bool { return keyOf(p, server).matchesEver(p, r) }) {
			return p.Addr, true
		}
	}
	return reconcile.Addr{}, false
}

// formers are the keys of the names that a want had before moved blocks, the newest first.
func (k key) formers(o reconcile.Object) []key {
	var formers []key
	for _, name := range o.Formerly {
		former := k
		former.name = name
		if former != k {
			formers = append(formers, former)
		}
	}
	return formers
}

// matchesEver says whether a live object is the one that a want means by its key, or by one of before a moved block.
func (k key) matchesEver(o reconcile.Object, r raw) bool {
	return k.matches(r) || slices.ContainsFunc(k.formers(o), func(former key) bool { return former.matches(r) })
}

func idsOf(rs []raw) string {
	var ids []string
	for _, r := range rs {
		ids = append(ids, r.text("id"))
	}
	slices.Sort(ids)
	return strings.Join(ids, " and ")
}

// renamed maps the ids of the live objects of a kind that a moved block renames to the names that they will have. It is called where nothing else reads or writes live.
func renamed(kind string, want, live map[reconcile.Addr]reconcile.Object) map[string]string {
	names := map[string]string{}
	for a, o := range live {
		if w := want[a]; a.Kind == kind && len(w.Formerly) > 0 {
			if now := keyOf(w, "").name; now != textOf(o.Facts[attrName]) {
				names[textOf(o.Facts["id"])] = now
			}
		}
	}
	return names
}

// futureNames lists rules or policies by priority, under the names that they will have.
func futureNames(all []raw, renamed map[string]string) []string {
	named := make([]raw, len(all))
	for i, r := range all {
		name, ok := renamed[r.text("id")]
		if !ok {
			name = r.text("name")
		}
		named[i] = raw{"name": name, "priority": r["priority"]}
	}
	return orderedNames(named)
}

// presentNames puts the names that are live for those that will be.
func presentNames(names []string, all []raw, renamed map[string]string) []string {
	was := map[string]string{}
	for _, r := range all {
		if name, ok := renamed[r.text("id")]; ok {
			was[name] = r.text("name")
		}
	}
	names = slices.Clone(names)
	for i, name := range names {
		if old, ok := was[name]; ok {
			names[i] = old
		}
	}
	return names
}

// refuseScopeRenames leaves scopes alone that would be renamed while something names them. Okta's rename of a scope is on record for one that nothing names; what becomes
// of the claims and rules that do is not.
func (r *reader) refuseScopeRenames() {
	for _, w := range r.wanted(kindScope) {
		o, ok := r.live[w.Addr]
		was := textOf(o.Facts[attrName])
		if !ok || len(w.Formerly) == 0 || was == w.TextAttr(attrName) {
			continue
		}
		if user := r.userOf(o.TextAttr(attrServer), was); user != "" {
			r.unread[w.Addr] = fmt.Errorf("it would be renamed from %q to %q, and %s names it, with which Okta is not known to rename a scope: replace the moved block by removed \"okta\" \"scope\" %q {}, "+
				"and a new scope is made, what names the old one changed over, and the old one deleted", was, w.TextAttr(attrName), user, was)
		}
	}
}

// userOf is a claim or rule that names a scope, of those that were read; "" when none does.
func (r *reader) userOf(server, scope string) string {
	var users []string
	for path, l := range r.lists {
		parts := strings.Split(path, "/")
		if len(parts) < 6 || parts[4] != server {
			continue
		}
		for _, one := range l.all {
			switch {
			case strings.HasSuffix(path, "/claims") && contains(one.at("conditions", "scopes"), reconcile.Text(scope)):
				users = append(users, "claim "+one.text("name"))
			case strings.HasSuffix(path, "/rules") && contains(one.at("conditions", "scopes", "include"), reconcile.Text(scope)):
				users = append(users, "rule "+one.text("name"))
			}
		}
	}
	if len(users) == 0 {
		return ""
	}
	return slices.Min(users)
}

// renameRules gives a policy's rules their names from moved blocks. It is done by the policy's step, as its rule_order lists them.
func (p planner) renameRules(policy reconcile.Addr) []reconcile.Op {
	var ops []reconcile.Op
	for _, name := range p.ruleOrder(policy) {
		a := policy.Child(kindRule, name)
		o, live := p.view.live[a]
		was := o.Facts[attrName]
		if live && len(p.view.want[a].Formerly) > 0 && was != reconcile.Text(name) {
			ops = append(ops, Request{Addr: a, Method: "PUT", Path: p.path(p.view.want[a]), Edits: []Edit{{Attr: attrName, Path: []string{"name"}, Seen: was, Goal: reconcile.Text(name)}}})
		}
	}
	return ops
}
