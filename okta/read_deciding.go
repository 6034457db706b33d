package okta

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// readDeciding reads the rules of policies that no block declares where they decide what a wanted app gets: it is in their clients, and no wanted policy for it is
// before them. They are read for what they mean only, so one that may not be read is left out, and nothing is said about who depends on it.
func (r *reader) readDeciding(ctx context.Context) error {
	wanted := r.wanted(kindApp)
	apps := make([]reconcile.Object, 0, len(wanted))
	for _, o := range wanted {
		switch live, ok := r.live[o.Addr]; {
		case o.Absent || r.unread[o.Addr] != nil:
		case ok:
			apps = append(apps, live)
		default: // once it is made it comes under what is for all clients, until its own policy is in place
			apps = append(apps, o)
		}
	}
	if len(apps) == 0 {
		return nil
	}
	ours := make(map[string]reconcile.Addr)
	for a, o := range r.live {
		if a.Kind == kindPolicy && !r.want[a].Absent {
			ours[textOf(o.Facts["id"])] = a
		}
	}
	var paths []string
	for path, l := range r.lists {
		if strings.HasSuffix(path, "/policies") && l.err == nil {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		for _, id := range r.deciding(r.lists[path].all, ours, apps) {
			l := r.list(ctx, path+"/"+url.PathEscape(id)+"/rules", "")
			if l.err != nil && isFatal(l.err) {
				return l.err
			}
		}
	}
	return nil
}

// deciding lists the ids of the policies of others, among those of one server, that are the first for some app.
func (r *reader) deciding(all []raw, ours map[string]reconcile.Addr, apps []reconcile.Object) []string {
	open := make(map[reconcile.Value]bool, len(apps)) // client ids that no policy so far decides about
	addrs := make(map[reconcile.Value]reconcile.Addr, len(apps))
	for _, app := range apps {
		id := clientOf(app)
		if _, known := id.(reconcile.Text); !known {
			id = reconcile.Ref{Addr: app.Addr, Attr: attrClientID}
		}
		open[id], addrs[id] = true, app.Addr
	}
	var ids []string
	for _, p := range byPriority(all) {
		if p.text("status") == inactive || len(open) == 0 {
			continue
		}
		include := reconcile.Members(p.at("conditions", "clients", "include"))
		if slices.Contains(include, reconcile.Value(reconcile.Text(allClients))) {
			include = nil
			for id := range open {
				include = append(include, id)
			}
		}
		hit := false
		addr, declared := ours[p.text("id")]
		want := r.want[addr]
		clients := audienceOf(want)
		for _, id := range include {
			stays := declared && want.TextAttr(attrStatus) != inactive && (want.Get(attrClients) == nil || clients.has(addrs[id], id))
			hit = hit || open[id] && !declared
			if stays {
				delete(open, id)
			}
		}
		if hit {
			ids = append(ids, p.text("id"))
		}
	}
	return ids
}
