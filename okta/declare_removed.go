package okta

import "keymaker/reconcile"

// removed makes the object of a removed block: what locates it in Okta, and nothing to compare. What else the block says does not matter, as the object must not exist.
func (d *declaration) removed() []reconcile.Object {
	b := d.block
	o := reconcile.Object{Addr: b.Addr, Absent: true, Range: b.Range, Lifecycle: b.Lifecycle}
	o.Need(b.Needs...)
	for _, name := range locators[b.Addr.Kind] {
		a, ok := b.Fields[name]
		if _, null := a.Value.(reconcile.Null); ok && !null && a.Value != nil {
			o.Set(reconcile.Attr{Name: name, Value: a.Value, Range: a.Range})
		}
	}
	switch b.Addr.Kind {
	case kindApp:
		d.name(&o, attrLabel, checkLabel)
		d.chosenID(o)
	case kindServer:
		d.name(&o, attrName, checkLabel)
	case kindScope:
		d.inServer(&o)
		d.name(&o, attrName, checkScope)
	case kindClaim:
		d.inServer(&o)
		d.name(&o, attrName, checkClaim)
		d.claimType(&o)
	case kindPolicy:
		d.inServer(&o)
		d.name(&o, attrName, checkLabel)
	}
	return []reconcile.Object{o}
}

// locators are the attributes that an object is found by in Okta, beside the authorization server that holds it.
var locators = map[string][]string{
	kindApp: {attrLabel, attrClientID}, kindServer: {attrName}, kindScope: {attrName}, kindClaim: {attrName, attrClaimType}, kindPolicy: {attrName},
}
