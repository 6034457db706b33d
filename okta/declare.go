package okta

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// declaration reads one block, collecting what is wrong with it.
type declaration struct {
	block reconcile.Block
	diags hcl.Diagnostics
}

// fail notes a mistake. detail says what is wrong and what to do.
func (d *declaration) fail(at hcl.Range, summary, detail string) {
	d.diags = append(d.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

func (d *declaration) warn(at hcl.Range, summary, detail string) {
	d.diags = append(d.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

// object makes the object of a block with the attributes that its kind writes to Okta, and its status.
func (d *declaration) object(b reconcile.Block, addr reconcile.Addr) reconcile.Object {
	o := reconcile.Object{Addr: addr, Range: b.Range, Lifecycle: b.Lifecycle}
	o.Need(b.Needs...)
	set := func(name string) {
		a, ok := b.Fields[name]
		if !ok || a.Value == nil {
			return
		}
		if _, null := a.Value.(reconcile.Null); null {
			return
		}
		o.Set(reconcile.Attr{Name: name, Value: a.Value, Range: a.Range, Items: a.Items})
	}
	for _, w := range wires[addr.Kind] {
		set(w.attr)
	}
	set(attrStatus)
	return o
}

// name sets the attribute that an object is found by, from the block's name when the block does not say it, and checks that it is known.
func (d *declaration) name(o *reconcile.Object, attr string, check func(string) error) {
	if o.Get(attr) == nil {
		o.Set(reconcile.Attr{Name: attr, Value: reconcile.Text(d.block.Addr.Name), Range: d.block.Range})
	}
	d.known(o, attr)
	if text, ok := o.Get(attr).(reconcile.Text); ok {
		d.check(d.block.At(attr), fmt.Sprintf("Invalid %s", words(attr)), check(string(text)))
	}
}

// known refuses a value that only exists after apply where the object is found by it.
func (d *declaration) known(o *reconcile.Object, attr string) {
	if v := o.Get(attr); v != nil && !reconcile.Known(v) {
		d.fail(d.block.At(attr), "Value not known before apply",
			fmt.Sprintf("%s is how the object is found in Okta, so it must be known when the plan is made. Write it out.", attr))
	}
}

func (d *declaration) check(at hcl.Range, summary string, err error) {
	if err != nil {
		text := err.Error()
		d.fail(at, summary, strings.ToUpper(text[:1])+text[1:]+".")
	}
}

// inServer sets the authorization server that holds an object, default when the block does not say it.
func (d *declaration) inServer(o *reconcile.Object) {
	v := d.block.Value(attrServer)
	if v == nil {
		v = reconcile.Text(defaultServer)
	}
	if ref, ok := v.(reconcile.Ref); ok && ref.Addr.Kind == kindServer && ref.Addr.Name == defaultServer && ref.Addr.Key == "" {
		v = reconcile.Text(defaultServer) // Okta takes the alias in every path, and there is always exactly one
	}
	if text, ok := v.(reconcile.Text); ok {
		d.check(d.block.At(attrServer), "Invalid authorization server", checkID(string(text)))
	}
	o.Set(reconcile.Attr{Name: attrServer, Value: v, Range: d.block.At(attrServer)})
}

func (d *declaration) app() []reconcile.Object {
	b := d.block
	o := d.object(b, b.Addr)
	d.name(&o, attrLabel, checkLabel)
	d.chosenID(o)
	if o.Get(attrDPoP) == nil {
		o.Set(reconcile.Attr{Name: attrDPoP, Value: reconcile.Flag(false), Range: b.Range})
	}
	if o.Get(attrDPoP) == reconcile.Flag(true) {
		d.warn(b.At(attrDPoP), "DPoP-bound tokens", "Neo4j takes no DPoP-bound token: this account will not be able to log in to it.")
	}
	if grants, ok := o.Attr(attrGrants); ok {
		o.Set(asSet(grants))
		d.check(b.At(attrGrants), "Unknown grant", checkGrants(o.Get(attrGrants)))
		if !contains(o.Get(attrGrants), reconcile.Text(grantMachine)) {
			d.warn(b.At(attrGrants), "App without client_credentials", "Only client_credentials gives a token to a machine that has nobody to ask. Add it, or the account cannot log in on its own.")
		}
	}
	d.derived(attrSecret, attrDelivery, attrKey, attrKeyDelivery)
	d.profile(o)
	d.notes(o)
	d.network(o)
	d.key(&o)
	d.keys(o)
	d.secret(&o)
	return []reconcile.Object{o}
}

// chosenID checks a chosen client id, by which the app is found.
func (d *declaration) chosenID(o reconcile.Object) {
	d.known(&o, attrClientID)
	if id, ok := o.Get(attrClientID).(reconcile.Text); ok {
		d.check(d.block.At(attrClientID), "Invalid client id", checkClientID(string(id)))
	}
}

// derived refuses attributes that follow from blocks.
func (d *declaration) derived(names ...string) {
	for _, name := range names {
		if d.block.Has(name) {
			d.fail(d.block.At(name), "Attribute that cannot be set", fmt.Sprintf("%s follows from what the inner blocks say. Remove it.", name))
		}
	}
}

// asSet makes sure that the value of a set attribute is a Set.
func asSet(a reconcile.Attr) reconcile.Attr {
	if l, ok := a.Value.(reconcile.List); ok {
		a.Value = reconcile.SetOf(l...)
	}
	return a
}

func (d *declaration) server() []reconcile.Object {
	b := d.block
	o := d.object(b, b.Addr)
	d.name(&o, attrName, checkLabel)
	if audiences, ok := o.Attr("audiences"); ok {
		o.Set(asSet(audiences))
		if n := len(reconcile.Members(o.Get("audiences"))); n != 1 {
			d.fail(b.At("audiences"), "One audience", fmt.Sprintf("An authorization server has exactly one audience, here are %d. Keep one.", n))
		}
		for _, a := range reconcile.Texts(o.Get("audiences")) {
			d.check(b.At("audiences"), "Invalid audience", checkAudience(a))
		}
	}
	d.policyOrder(&o)
	if o.TextAttr(attrName) == defaultServer && o.TextAttr(attrStatus) == inactive {
		d.warn(b.At(attrStatus), "Default server off", "Every client that uses the default authorization server stops getting tokens.")
	}
	return []reconcile.Object{o}
}

// policyOrder checks the order of policies. What it names does not have to be there before the server: it is the other way round.
func (d *declaration) policyOrder(o *reconcile.Object) {
	o.Needs = slices.DeleteFunc(slices.Clone(o.Needs), func(a reconcile.Addr) bool { return a.System == systemName && a.Kind == kindPolicy })
	order := reconcile.Members(d.block.Value(attrPolicyOrder))
	at := d.block.At(attrPolicyOrder)
	if len(order) > 0 {
		o.Set(reconcile.Attr{Name: attrPolicyOrder, Value: reconcile.List(order), Range: at})
	}
	for i, v := range order {
		if _, known := v.(reconcile.Text); !known {
			d.fail(at, "Value not known before apply", "policy_order names policies, and their names must be known when the plan is made. Write them out.")
		}
		if slices.ContainsFunc(order[:i], func(w reconcile.Value) bool { return reconcile.Equal(v, w) }) {
			d.fail(at, "Policy named twice", fmt.Sprintf("policy_order has %s twice. Remove one.", v))
		}
	}
}

// duration gives a duration attribute in Go's canonical spelling, checked to be whole minutes; false when it is left out or wrong.
func (d *declaration) duration(b reconcile.Block, o *reconcile.Object, attr string) (time.Duration, bool) {
	a, ok := o.Attr(attr)
	if !ok {
		return 0, false
	}
	text, known := a.Value.(reconcile.Text)
	if !known {
		d.fail(b.At(attr), "Value not known before apply", words(attr)+" must be written out.")
		return 0, false
	}
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 || v%time.Minute != 0 {
		d.fail(b.At(attr), "Invalid duration", fmt.Sprintf("%s is a whole number of minutes, such as \"1h\" or \"90m\"; got %s.", words(attr), text))
		return 0, false
	}
	a.Value = reconcile.Text(v.String())
	o.Set(a)
	return v, true
}
