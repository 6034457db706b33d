package okta

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// unread tells what bears on the spec's apps and was not read, since the spec declares nothing of its kind: claims and policies of the authorization servers that it names. What
// was to be read and could not be is told with the objects.
func (w watching) unread() []string {
	if !slices.ContainsFunc(w.items, func(it reconcile.DriftItem) bool {
		return it.Addr.Kind == kindApp && !it.Live.Addr.IsZero() && hasGrant(it.Live.Get(attrGrants))
	}) {
		return nil
	}
	declared := make(map[string]map[string]bool) // kinds, by server
	note := func(server string) map[string]bool {
		if declared[server] == nil {
			declared[server] = make(map[string]bool)
		}
		return declared[server]
	}
	for a, want := range w.view.want {
		switch {
		case a.Kind == kindServer && !want.Absent:
			note(w.view.serverKey(reconcile.Ref{Addr: a, Attr: "id"}))
		case collections[a.Kind] != "":
			note(w.view.serverKey(want.Get(attrServer)))[a.Kind] = true
		}
	}
	if len(declared) == 0 {
		return []string{"Okta: claims and policies are not watched, since the spec names no authorization server."}
	}
	var remarks []string
	for server, kinds := range declared {
		var none []string
		for _, kind := range []string{kindClaim, kindPolicy} {
			if !kinds[kind] {
				none = append(none, collections[kind])
			}
		}
		if len(none) > 0 {
			remarks = append(remarks, fmt.Sprintf("Okta: %s of the authorization server %s are not watched, since the spec declares none.", strings.Join(none, " and "), w.called(server)))
		}
	}
	slices.Sort(remarks)
	return remarks
}

// called is a server's name where the spec or Okta gives it one, else its id.
func (w watching) called(server string) string {
	for a, o := range w.view.live {
		if a.Kind == kindServer && (textOf(o.Facts["id"]) == server || a.Name == server) {
			return nameOf(o)
		}
	}
	return server
}
