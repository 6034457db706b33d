package okta

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// key is what an object is found by: two wants with one key would be one live object.
type key struct{ kind, server, name, extra string }

// keyOf makes an object's key. server is the id or alias of what holds it; for a rule it is its policy's id.
func keyOf(o reconcile.Object, server string) key {
	k := key{kind: o.Addr.Kind, server: server, name: o.TextAttr(attrName)}
	switch o.Addr.Kind {
	case kindApp:
		k.name, k.extra = o.TextAttr(attrLabel), o.TextAttr(attrClientID)
		if k.extra != "" {
			k.name = ""
		}
	case kindServer:
		if o.Reference {
			k.name = o.Addr.Name
		}
	case kindClaim:
		k.extra = o.TextAttr("claim_type")
	case kindRule:
		k.name = o.Addr.Name
	}
	return k
}

// matches says whether a live object is the one that a key means.
func (k key) matches(r raw) bool {
	switch k.kind {
	case kindApp:
		if r.plain("settings", "oauthClient") == nil || r.plain("credentials", "oauthClient") == nil {
			return false // Okta's built-in apps say OPENID_CONNECT too, and have neither
		}
		if k.extra != "" {
			return r.text("credentials", "oauthClient", "client_id") == k.extra
		}
		return r.text("name") == "oidc_client" && r.text("label") == k.name
	case kindServer:
		return r.text("id") == k.name || r.text("name") == k.name
	case kindClaim:
		return r.text("name") == k.name && r.text("claimType") == k.extra
	}
	return r.text("name") == k.name
}

// pick finds the one live object that a key means; nil when there is none. More than one is an error: which is meant is not ours to guess.
func (k key) pick(all catalog) (raw, error) {
	found := all.meant(k)
	switch {
	case len(found) == 0:
		return nil, k.taken(all)
	case len(found) > 1:
		return nil, k.ambiguous(found)
	case k.builtIn(found[0]):
		return nil, fmt.Errorf("the %s %q is built into Okta, and keymaker does not touch it: choose another name", words(k.kind), k.name)
	}
	return found[0], nil
}

// pickAny is pick for an object that must not exist: one that is built into Okta is found too, and what would stand in the way of a new one does not matter.
func (k key) pickAny(all catalog) (raw, error) {
	found := all.meant(k)
	if i := slices.IndexFunc(found, k.builtIn); i >= 0 {
		return found[i], nil
	}
	if len(found) > 0 {
		return k.pick(all)
	}
	return nil, nil
}

// taken refuses to make an app with a label that another app has: with a chosen client id that is somebody's twin, and a client id cannot be changed.
func (k key) taken(all catalog) error {
	if k.kind != kindApp || k.extra == "" {
		return nil
	}
	if k.name == "" {
		return nil
	}
	if twins := all.meant(key{kind: kindApp, name: k.name}); len(twins) > 0 {
		return fmt.Errorf("there is an app %q with the client id %s, and a client id cannot be changed: set client_id to it, or choose another label",
			k.name, twins[0].text("credentials", "oauthClient", "client_id"))
	}
	return nil
}

func (k key) ambiguous(found []raw) error {
	var ids []string
	for _, r := range found {
		id := r.text("id")
		if k.kind == kindApp {
			id += " (client_id " + r.text("credentials", "oauthClient", "client_id") + ", " + r.text("status") + ")"
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	remedy := "rename or remove all but one in Okta"
	if k.kind == kindApp {
		remedy = "pin one with client_id in the spec"
	}
	return fmt.Errorf("%d objects have the name %q: %s; %s", len(found), k.name, strings.Join(ids, ", "), remedy)
}

// builtIn says whether Okta made the object itself, and says so.
func (k key) builtIn(r raw) bool {
	switch k.kind {
	case kindClaim:
		return r.flag("system") || r.text("valueType") == valueSystem
	case kindScope, kindPolicy, kindRule:
		return r.flag("system")
	}
	return false
}

// doubles finds wants that mean the same live object; each gets an error that names the others.
func doubles(keys map[reconcile.Addr]key) map[reconcile.Addr]error {
	byKey := map[key][]reconcile.Addr{}
	for a, k := range keys {
		byKey[k] = append(byKey[k], a)
	}
	errs := map[reconcile.Addr]error{}
	for _, addrs := range byKey {
		if len(addrs) < 2 {
			continue
		}
		slices.SortFunc(addrs, reconcile.CompareAddr)
		var names []string
		for _, a := range addrs {
			names = append(names, a.String())
		}
		for _, a := range addrs {
			errs[a] = fmt.Errorf("%s mean the same object in Okta: give them different names", strings.Join(names, " and "))
		}
	}
	return errs
}

// sharedFiles finds apps of which one would write its secret or key over the other's.
func sharedFiles(want map[reconcile.Addr]reconcile.Object) map[reconcile.Addr]error {
	users := map[string][]reconcile.Addr{}
	for a, o := range want {
		for _, attr := range []string{attrSecret, attrKey} {
			where, _ := o.Get(attr).(reconcile.Map)
			for _, member := range []string{"file", "env_file"} {
				if file := textOf(where[member]); file != "" {
					users[filepath.Clean(file)] = append(users[filepath.Clean(file)], a)
				}
			}
		}
	}
	errs := map[reconcile.Addr]error{}
	for file, addrs := range users {
		if len(addrs) > 1 {
			for _, a := range addrs {
				errs[a] = fmt.Errorf("another app delivers its secret to %s too: give each its own file", file)
			}
		}
	}
	return errs
}
