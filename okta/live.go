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
	o := bareObject(want.Addr, one)
	o.Needs = want.Needs
	if profile := sameButNulls(want.Get(attrProfile), o.Get(attrProfile)); kind == kindApp && profile != nil {
		o.Set(reconcile.Attr{Name: attrProfile, Value: profile})
	}
	if kind == kindApp {
		o.Set(reconcile.Attr{Name: attrKeys, Value: knownMembers(want.Get(attrKeys), o.Get(attrKeys))})
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
		if id := r.client.self; id != "" && one.text("credentials", "oauthClient", "client_id") == id {
			o.Protected = ownAppKept
		}
	}
	o.ShareWith(want)
	return o
}

// sameButNulls is a live profile in which the attributes that the spec wants are spelled as the spec has them, where they differ only in members that are null in one
// and missing in the other. Whether Okta keeps such members is not documented, and an expression reads null of either (Okta's reference "Okta Expression Language"); told
// apart, one that Okta drops would be drift for ever.
func sameButNulls(want, live reconcile.Value) reconcile.Value {
	wanted, ok := want.(reconcile.Map)
	have, _ := live.(reconcile.Map)
	if !ok {
		return live
	}
	var out reconcile.Map // a copy, once one is needed
	for name, v := range wanted {
		if reconcile.Equal(v, have[name]) || !reconcile.Equal(withoutNulls(v), withoutNulls(have[name])) {
			continue
		}
		if out == nil {
			out = make(reconcile.Map, len(have))
			maps.Copy(out, have)
		}
		out[name] = v
	}
	if out == nil {
		return live
	}
	return out
}

// withoutNulls takes the members of maps that are null out of a value, at every depth; null itself is nil. Members of lists stay.
func withoutNulls(v reconcile.Value) reconcile.Value {
	switch v := v.(type) {
	case reconcile.Null:
		return nil
	case reconcile.Map:
		out := reconcile.Map{}
		for name, member := range v {
			if member = withoutNulls(member); member != nil {
				out[name] = member
			}
		}
		return out
	case reconcile.List:
		out := make(reconcile.List, len(v))
		for i, member := range v {
			if out[i] = withoutNulls(member); out[i] == nil {
				out[i] = reconcile.Null{}
			}
		}
		return out
	}
	return v
}

// knownMembers is a live key set in which each key has, of the members that Okta does not show (use, and crv of EC keys, come back as null: recorded from real orgs), what
// the spec says of the same key. What cannot be seen is no drift.
func knownMembers(want, live reconcile.Value) reconcile.Value {
	wanted, ok := want.(reconcile.Map)
	have, is := live.(reconcile.Map)
	if !ok || !is {
		return live
	}
	out := maps.Clone(have)
	keys := slices.Clone(reconcile.Members(have["keys"]))
	for i, v := range keys {
		one, _ := v.(reconcile.Map)
		at := samePublicKey(reconcile.Members(wanted["keys"]), v)
		if at < 0 {
			continue
		}
		said, _ := reconcile.Members(wanted["keys"])[at].(reconcile.Map)
		whole := maps.Clone(one)
		for _, name := range []string{"use", "crv"} {
			if whole[name] == nil && said[name] != nil {
				whole[name] = said[name]
			}
		}
		keys[i] = whole
	}
	out["keys"] = reconcile.List(keys)
	return out
}

// bareObject is what Okta's answer alone says of an object.
func bareObject(addr reconcile.Addr, one raw) reconcile.Object {
	o := reconcile.Object{Addr: addr, Facts: factsOf(addr.Kind, one)}
	o.Attrs = make([]reconcile.Attr, 0, len(wires[addr.Kind])+1)
	for _, w := range wires[addr.Kind] {
		if v := w.read(one.at(w.path...)); v != nil {
			o.Set(reconcile.Attr{Name: w.attr, Value: v})
		}
	}
	if status := one.text("status"); status != "" {
		o.Set(reconcile.Attr{Name: attrStatus, Value: reconcile.Text(status)})
	}
	if notes, ok := o.Get(attrNotes).(reconcile.Map); ok || addr.Kind == kindApp { // an old app may have none at all, which is null for us
		o.Set(reconcile.Attr{Name: attrNotes, Value: wholeNotes(notes)})
	}
	return o
}

func wholeNotes(notes reconcile.Map) reconcile.Map {
	if notes["admin"] != nil && notes["enduser"] != nil {
		return notes
	}
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
	if state == reconcile.Text(inactiveKey) {
		o.Facts[factOffKey] = reconcile.Text(inactiveKeyID(where, one))
	}
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

// byPriority puts rules or policies in the order in which Okta tries them.
func byPriority(all []raw) []raw {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b raw) int { return cmp.Compare(a.number("priority"), b.number("priority")) })
	return sorted
}

// orderedNames lists rules or policies by priority.
func orderedNames(rules []raw) []string {
	names := make([]string, len(rules))
	for i, r := range byPriority(rules) {
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
