package neo4j

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// CheckConnection refuses a URI that no driver takes.
func (Language) CheckConnection(b reconcile.Block) hcl.Diagnostics {
	d := declaration{block: b}
	if uri := b.Text("uri", ""); uri != "" {
		_, err := checkURI(uri)
		if refused := (*ConnectError)(nil); errors.As(err, &refused) {
			d.fail(b.At("uri"), "URI is refused", strings.ToUpper(refused.Reason[:1])+refused.Reason[1:]+". "+refused.Remedy)
		}
	}
	return d.diags
}

// CheckObjects finds users that one login would be for: Neo4j keeps a provider's id for one user (Operations Manual, "User auth providers").
func (Language) CheckObjects(objects []reconcile.Object, _ bool) hcl.Diagnostics {
	var d declaration
	first := make(map[string]reconcile.Object)
	for _, o := range objects {
		if a, _ := o.Attr("copy_of"); o.Addr.System == systemName && o.Addr.Kind == kindRole && a.Value == reconcile.Text(liveName(o)) {
			d.fail(a.Range, "Role copied from itself", "copy_of names another role, whose privileges the new one begins with. Name that, or leave copy_of out.")
		}
		d.renamedPublic(o)
		if o.Addr.System != systemName || o.Addr.Kind != kindUser || o.Absent {
			continue
		}
		a, _ := o.Attr(attrAuth)
		providers, _ := a.Value.(reconcile.Map)
		for _, provider := range slices.Sorted(maps.Keys(providers)) {
			if provider == nativeProvider {
				continue
			}
			key := o.Addr.Instance() + "\n" + provider + "\n" + providers[provider].String()
			other, taken := first[key]
			if !taken {
				first[key] = o
				continue
			}
			at := a.Range
			if i := slices.IndexFunc(a.Items, func(it reconcile.Item) bool { return it.Key == provider }); i >= 0 {
				at = a.Items[i].Range
			}
			d.fail(at, "Two users of one id", fmt.Sprintf("%s has this id at %s too (%s:%d), and Neo4j keeps an id for one user. Give each user an id of its own.",
				other.Addr, provider, other.Range.Filename, other.Range.Start.Line))
		}
	}
	return d.diags
}

// renamedPublic refuses moved blocks that would rename PUBLIC, or another role to that (Operations Manual, "Built-in roles").
func (d *declaration) renamedPublic(o reconcile.Object) {
	if o.Addr.System != systemName || o.Addr.Kind != kindRole || o.Absent {
		return
	}
	for _, was := range o.Formerly {
		if was != liveName(o) && (was == publicRole || liveName(o) == publicRole) {
			d.fail(o.Range, "PUBLIC cannot be renamed", fmt.Sprintf("A moved block would rename role %s to %s, and Neo4j renames neither PUBLIC nor another role to that. Take the moved block away.", was, liveName(o)))
			return
		}
	}
}
