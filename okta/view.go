package okta

import (
	"net/http"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// view is what Steps may know of the org.
func (r *reader) view() view {
	v := view{want: r.want, live: r.live, policies: map[string]shelf{}, rules: map[reconcile.Addr][]string{}, includes: map[string][]included{}, raws: map[string][]raw{},
		sizes: map[string]int{}, unread: map[string]error{}}
	byID := map[string]reconcile.Addr{}
	for a, o := range r.live {
		if id, ok := o.Facts["id"].(reconcile.Text); ok {
			byID[string(id)] = a
		}
	}
	for path, l := range r.lists {
		if l.err != nil {
			if !isStatus(l.err, http.StatusNotFound) { // a server that is not there holds nothing
				v.unread[path] = l.err
			}
			continue
		}
		v.raws[path], v.sizes[path] = l.all, l.size
		if path == appsList { // thousands of them: what an object was made of is told by that
			v.raws[path] = slices.DeleteFunc(slices.Clone(l.all), func(one raw) bool { _, known := byID[one.text("id")]; return known })
		}
		parts := strings.Split(path, "/")
		switch {
		case strings.HasSuffix(path, "/policies"):
			v.policies[reconcile.Text(parts[4]).String()] = shelfOf(l.all, renamed(kindPolicy, r.want, r.live))
			v.include(parts[4], l.all, byID)
		case strings.HasSuffix(path, "/rules"):
			if policy, ok := byID[parts[6]]; ok {
				v.rules[policy] = futureNames(l.all, renamed(kindRule, r.want, r.live))
			}
		}
	}
	return v
}

func shelfOf(policies []raw, renamed map[string]string) shelf {
	s := shelf{names: futureNames(policies, renamed)}
	s.present = func(names []string) []string { return presentNames(names, policies, renamed) }
	for _, p := range policies {
		if p.flag("system") {
			s.system = p.text("name")
		}
	}
	return s
}

// include notes which policies of a server name which clients.
func (v view) include(server string, policies []raw, byID map[string]reconcile.Addr) {
	for _, p := range policies {
		if p.flag("system") {
			continue
		}
		for _, id := range reconcile.Texts(p.at("conditions", "clients", "include")) {
			v.includes[id] = append(v.includes[id], included{server: server, id: p.text("id"), addr: byID[p.text("id")]})
		}
	}
}
