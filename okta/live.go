package okta

import (
	"cmp"
	"maps"
	"slices"

	"keymaker/reconcile"
)

// object makes a live object of what Okta answered, under the address of its want.
func (r *reader) object(want reconcile.Object, one raw, server string) reconcile.Object {
	kind := want.Addr.Kind
	o := reconcile.Object{Addr: want.Addr, Needs: want.Needs, Facts: factsOf(kind, one)}
	for _, w := range wires[kind] {
		if v := w.read(one.at(w.path...)); v != nil {
			o.Set(reconcile.Attr{Name: w.attr, Value: v})
		}
	}
	if status := one.text("status"); status != "" {
		o.Set(reconcile.Attr{Name: attrStatus, Value: reconcile.Text(status)})
	}
	if notes, ok := o.Get(attrNotes).(reconcile.Map); ok || kind == kindApp { // an old app may have none at all, which is null for us
		o.Set(reconcile.Attr{Name: attrNotes, Value: wholeNotes(notes)})
	}
	if (key{kind: kind}).builtIn(one) {
		o.Protected = "it is built into Okta"
	}
	switch kind {
	case kindScope, kindClaim, kindPolicy:
		o.Set(reconcile.Attr{Name: attrServer, Value: reconcile.Text(server)})
	case kindServer:
		if one.flag("default") || one.text("name") == defaultServer {
			o.Protected = "the default authorization server belongs to the org: Okta made it, and it cannot be made again"
		}
	case kindApp:
		r.readDelivery(want, &o)
		r.readKey(want, &o, one)
		if id := r.client.settings.clientID; id != "" && one.text("credentials", "oauthClient", "client_id") == id {
			o.Protected = "keymaker itself is logged in as this app"
		}
	}
	return o
}

func wholeNotes(notes reconcile.Map) reconcile.Map {
	whole := reconcile.Map{"admin": reconcile.Null{}, "enduser": reconcile.Null{}}
	maps.Copy(whole, notes)
	return whole
}

// readDelivery compares what is on this machine: whether a client secret still waits to be delivered. Okta is not asked.
func (r *reader) readDelivery(want reconcile.Object, o *reconcile.Object) {
	where, ok := want.Get(attrSecret).(reconcile.Map)
	if !ok {
		return
	}
	o.Set(reconcile.Attr{Name: attrSecret, Value: where})
	file, _ := where["file"].(reconcile.Text)
	state := reconcile.Text(delivered)
	switch pending, err := isPending(string(file)); {
	case err != nil:
		r.unread[o.Addr] = err
	case pending:
		state = unfinished
	}
	o.Set(reconcile.Attr{Name: attrDelivery, Value: state})
}

// readKey compares the key on this machine with the app's.
func (r *reader) readKey(want reconcile.Object, o *reconcile.Object, one raw) {
	where, ok := want.Get(attrKey).(reconcile.Map)
	if !ok {
		return
	}
	o.Set(reconcile.Attr{Name: attrKey, Value: where})
	state, err := keyState(where, one)
	if err != nil {
		r.unread[o.Addr] = err
		return
	}
	o.Set(reconcile.Attr{Name: attrKeyDelivery, Value: state})
}

// factsOf are the values that Okta gives an object. An answer to a create has the client secret in it too: it stays there.
func factsOf(kind string, one raw) map[string]reconcile.Value {
	facts := map[string]reconcile.Value{"id": reconcile.Text(one.text("id"))}
	switch kind {
	case kindApp:
		facts[attrClientID] = reconcile.Text(one.text("credentials", "oauthClient", "client_id"))
		facts[attrLabel] = reconcile.Text(one.text("label"))
	case kindServer:
		facts["issuer"] = reconcile.Text(one.text("issuer"))
		if audiences := reconcile.Texts(one.at("audiences")); len(audiences) > 0 {
			facts["audience"] = reconcile.Text(audiences[0])
		}
		facts[attrName] = reconcile.Text(one.text("name"))
	default:
		facts[attrName] = reconcile.Text(one.text("name"))
	}
	return facts
}

// orderedNames lists rules or policies by priority.
func orderedNames(rules []raw) []string {
	sorted := slices.Clone(rules)
	slices.SortStableFunc(sorted, func(a, b raw) int { return cmp.Compare(a.number("priority"), b.number("priority")) })
	names := make([]string, len(sorted))
	for i, r := range sorted {
		names[i] = r.text("name")
	}
	return names
}

// mergeOrder puts the names that are wanted and not live where they will be made: behind the wanted name before them, else before the one after them,
// else at the end. So a rule that is missing is no difference in the order of those that are there.
func mergeOrder(live, want []string) []string {
	merged := slices.Clone(live)
	for i, name := range want {
		if slices.Contains(merged, name) {
			continue
		}
		merged = slices.Insert(merged, placeIn(merged, want, i), name)
	}
	return merged
}

func placeIn(merged, want []string, i int) int {
	if i > 0 {
		return slices.Index(merged, want[i-1]) + 1
	}
	for _, later := range want[i+1:] {
		if at := slices.Index(merged, later); at >= 0 {
			return at
		}
	}
	return len(merged)
}
