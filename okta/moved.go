package okta

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// find gives the live object of a want: the one of its own name, else the one of the name that it had before a moved block; nil when there is neither. peers are the
// wants that could mean the same objects. An error says why it cannot be told.
func find(o reconcile.Object, k key, peers []reconcile.Object, all []raw) (raw, error) {
	if k.kind == kindApp {
		k.name = o.TextAttr(attrLabel)
	}
	own, err := k.pick(all)
	if o.Absent {
		own, err = k.pickAny(all)
	}
	former := k
	former.name = o.Formerly
	switch {
	case err != nil || o.Formerly == "" || former == k:
		return own, err
	case k.kind == kindApp && k.extra != "": // the chosen client id says which app it is, whatever its label
		if own == nil {
			err = former.taken(all)
		}
		return own, err
	}
	var olds []raw
	for _, r := range all {
		if former.matches(r) {
			olds = append(olds, r)
		}
	}
	if len(olds) == 0 {
		return own, nil
	}
	if other, ok := claimant(o, former.server, peers, olds); ok {
		if own != nil { // the move is done, and the old name belongs to another block by now
			return own, nil
		}
		return nil, fmt.Errorf("its moved block says that it was called %q, and %s means the object of that name too: remove the moved block, or give that one another name", o.Formerly, other)
	}
	if own != nil {
		return nil, fmt.Errorf("both names of the moved block are live: %q is %s, and %q is %s: remove the moved block, or one of them in Okta", k.name, own.text("id"), o.Formerly, idsOf(olds))
	}
	if k.kind == kindServer && (olds[0].flag("default") || o.Formerly == defaultServer) {
		return nil, fmt.Errorf("the default authorization server keeps its name: remove the moved block")
	}
	return former.pick(all)
}

// claimant is another want that means one of some live objects, by its name or by the one before it was moved.
func claimant(o reconcile.Object, server string, peers []reconcile.Object, olds []raw) (reconcile.Addr, bool) {
	for _, p := range peers {
		if p.Addr == o.Addr || p.Reference {
			continue
		}
		own := keyOf(p, server)
		before := own
		before.name = p.Formerly
		if slices.ContainsFunc(olds, func(r raw) bool { return own.matches(r) || p.Formerly != "" && before.matches(r) }) {
			return p.Addr, true
		}
	}
	return reconcile.Addr{}, false
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
		if w := want[a]; a.Kind == kind && w.Formerly != "" {
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
		if !ok || w.Formerly == "" || was == w.TextAttr(attrName) {
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
		if live && p.view.want[a].Formerly != "" && was != reconcile.Text(name) {
			ops = append(ops, Request{Addr: a, Method: "PUT", Path: p.path(p.view.want[a]), Edits: []Edit{{Attr: attrName, Path: []string{"name"}, Seen: was, Goal: reconcile.Text(name)}}})
		}
	}
	return ops
}
