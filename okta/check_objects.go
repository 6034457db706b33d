package okta

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// CheckConnection refuses an address that no org has.
func (Language) CheckConnection(b reconcile.Block) hcl.Diagnostics {
	d := declaration{block: b}
	if org := b.Text("org_url", ""); org != "" {
		if _, err := parseOrg(org); err != nil {
			d.check(b.At("org_url"), "Invalid org URL", fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "okta: ")))
		}
	}
	return d.diags
}

// CheckObjects finds files that two apps would write, and, in a spec that has all of its objects, scopes that are named and that nobody declares.
func (Language) CheckObjects(objects []reconcile.Object, whole bool) hcl.Diagnostics {
	var d declaration
	d.sharedFiles(objects)
	if whole {
		d.strayScopes(objects)
	}
	return d.diags
}

// sharedFiles refuses a file that two apps' secrets or keys would be written to, on whichever connections they are: the second would overwrite the first.
func (d *declaration) sharedFiles(objects []reconcile.Object) {
	first := make(map[string]reconcile.Object)
	for _, o := range ofKind(objects, kindApp) {
		for _, name := range []string{attrSecret, attrKey} {
			a, _ := o.Attr(name)
			where, _ := a.Value.(reconcile.Map)
			for _, member := range []string{"file", "env_file"} {
				file, ok := where[member].(reconcile.Text)
				if !ok || file == "" {
					continue
				}
				whole := wholePath(string(file))
				if other, taken := first[whole]; taken && other.Addr != o.Addr {
					d.fail(a.Range, "One file for two apps", fmt.Sprintf("%s is written for %s too, at %s:%d, and each would overwrite the other's. Give each app a file of its own.",
						file, other.Addr, other.Range.Filename, other.Range.Start.Line))
				} else {
					first[whole] = o
				}
			}
		}
	}
}

// wholePath is one text for all ways to write a path.
func wholePath(file string) string {
	if whole, err := filepath.Abs(file); err == nil {
		return whole
	}
	return filepath.Clean(file)
}

// strayScopes looks at the scopes that rules and claims name as texts. One that no block declares may be live all the same; Okta's own never are on an authorization
// server that can be managed (Okta's guide "Implement OAuth for Okta": they are granted by the org's own server).
func (d *declaration) strayScopes(objects []reconcile.Object) {
	declared := make(map[string][]string) // by server
	policies := make(map[reconcile.Addr]reconcile.Object)
	for _, o := range objects {
		if o.Addr.Kind == kindPolicy {
			policies[o.Addr] = o
		}
		if o.Addr.System == systemName && o.Addr.Kind == kindScope && !o.Absent {
			declared[serverKey(o)] = append(declared[serverKey(o)], o.TextAttr(attrName))
		}
	}
	for _, o := range objects {
		if o.Addr.System != systemName || o.Absent || o.Addr.Kind != kindRule && o.Addr.Kind != kindClaim {
			continue
		}
		holder := o
		if o.Addr.Kind == kindRule {
			holder = policies[policyOf(o)]
		}
		d.strayScopesOf(o, declared[serverKey(holder)])
	}
}

func (d *declaration) strayScopesOf(o reconcile.Object, declared []string) {
	a, _ := o.Attr(attrScopes)
	for _, m := range reconcile.Members(a.Value) {
		text, ok := m.(reconcile.Text)
		name := string(text)
		if !ok || name == "*" || slices.Contains(reservedScopes, name) || slices.Contains(declared, name) {
			continue
		}
		at := a.Range
		if i := slices.IndexFunc(a.Items, func(it reconcile.Item) bool { return reconcile.Equal(it.Value, m) }); i >= 0 {
			at = a.Items[i].Range
		}
		if strings.HasPrefix(name, "okta.") {
			d.fail(at, "Scope of the org's own server", fmt.Sprintf("%s is for Okta's own API, and no other authorization server gives it. Take it out.", name))
			continue
		}
		remedy := fmt.Sprintf("Declare it with okta \"scope\" %q {}, or leave it if it is made elsewhere.", name)
		if i := slices.IndexFunc(declared, func(s string) bool { return levenshtein.Distance(s, name, nil) <= max(1, len(name)/4) }); i >= 0 {
			remedy = fmt.Sprintf("Did you mean %s? %s", declared[i], remedy)
		}
		d.warn(at, "Scope that nobody declares", fmt.Sprintf("No block declares the scope %s on this authorization server; where it is not there already, Okta refuses this. %s", name, remedy))
	}
}

// serverKey tells authorization servers apart as far as a spec says which.
func serverKey(o reconcile.Object) string {
	key := o.Addr.Instance() + "\n"
	switch v := o.Get(attrServer).(type) {
	case nil:
		return key + reconcile.Text(defaultServer).String()
	case reconcile.Ref:
		if v.Addr.Name == defaultServer {
			return key + reconcile.Text(defaultServer).String()
		}
		return key + v.String()
	default:
		return key + v.String()
	}
}
