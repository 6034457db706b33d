package specs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"keymaker/reconcile"
)

// declaration is an object block: one object, or one for each key of its for_each.
type declaration struct {
	addr      reconcile.Addr // without key
	mod       *module
	lang      Language
	kind      reconcile.Kind
	block     *hclsyntax.Block
	forEach   *hclsyntax.Attribute // nil for none
	state     state
	instances []*instance // by key
	byKey     map[string]*instance
	all       cty.Value      // of a reference to all of them
	broken    bool           // its header or its for_each is wrong
	removed   bool           // of a removed block
	owner     reconcile.Addr // of a removed rule: the policy that holds it
}

// instance is one object of a declaration.
type instance struct {
	*declaration
	addr   reconcile.Addr
	each   *each // nil without for_each
	fields map[string]*field
	needs  []reconcile.Addr
}

// field is an attribute of an object block, evaluated once.
type field struct {
	state  state
	arg    reconcile.Argument
	has    bool // it is there and not null
	broken bool // it has a mistake
	needs  map[reconcile.Addr]bool
}

// identity is what tells live objects of one block apart: its name and the place that holds it.
type identity struct {
	block *hclsyntax.Block
	text  string
}

func (o *instance) site() site { return site{mod: o.mod, each: o.each} }

// open evaluates a block's for_each, the first time.
func (l *loader) open(d *declaration) {
	if d.state != untouched {
		return
	}
	d.state, d.byKey = underway, make(map[string]*instance)
	members := []*each{nil}
	if d.forEach != nil {
		leave := l.visit(site{mod: d.mod})
		var ok bool
		members, ok = l.eachOf(d.forEach, d.addr.String())
		leave()
		d.broken = d.broken || !ok
	}
	if !l.grow(len(members), d.block.DefRange()) {
		d.broken, members = true, nil
	}
	for _, e := range members {
		o := &instance{declaration: d, addr: d.addr, each: e, fields: make(map[string]*field)}
		if e != nil {
			o.addr.Key = e.key
		}
		d.instances = append(d.instances, o)
		d.byKey[o.addr.Key] = o
	}
	d.state = finished
}

// grow counts objects and modules, which each may cost some evaluation. It gives false when there are too many; that is reported.
func (l *loader) grow(n int, at hcl.Range) bool {
	l.made += n
	l.budget += n * effortPerObject
	if l.made > maxObjects {
		l.fail(at, "Too many objects", "The spec makes more than %d objects up to here. Split it into several folders.", maxObjects)
		return false
	}
	return true
}

// instance finds a declared object; nil for none. Its block's for_each has to be evaluated already.
func (l *loader) instance(a reconcile.Addr) *instance {
	key := a.Key
	a.Key = ""
	d := l.declared[a]
	if d == nil {
		return nil
	}
	if d.forEach == nil {
		l.open(d)
	}
	return d.byKey[key]
}

// maxTold bounds the text of the mistakes of one block's objects, in bytes: a value may be long, and each object may quote it.
const maxTold = 1 << 20

// declare decodes a block for each of its objects and lets its language make objects of it. A block with a mistake declares nothing: what its language
// would say about the rest of it is likely to be a consequence.
func (l *loader) declare(d *declaration) []reconcile.Object {
	defer l.about(d.mod)()
	l.open(d)
	before := l.errors
	if d.forEach != nil && !d.broken {
		l.checkNamed(d)
	}
	if d.forEach != nil && !d.broken && len(d.instances) == 0 {
		l.decodeUnmade(d)
	}
	if d.broken {
		if d.forEach == nil && d.owner.IsZero() {
			l.decodeObject(d.instances[0])
		}
		return nil
	}
	named := l.errors == before
	objects := make([]reconcile.Object, 0, len(d.instances))
	start, tried, told := len(l.diags), 0, 0
	ends := make([]int, 0, 1)
	for _, o := range d.instances {
		before := len(l.diags)
		objects = append(objects, l.declareOne(o, named)...)
		ends = append(ends, len(l.diags))
		tried++
		for _, g := range l.diags[before:] {
			told += len(g.Detail)
		}
		if told > maxTold && tried < len(d.instances) {
			l.diags[len(l.diags)-1] = reconcile.Unfinished(l.diags[len(l.diags)-1])
			break
		}
	}
	if d.forEach != nil {
		l.nameInstances(d, start, ends, tried)
	}
	return objects
}

// decodeUnmade decodes a block whose for_each is empty, for the mistakes in it that do not depend on the keys: with other values they would be told.
func (l *loader) decodeUnmade(d *declaration) {
	unresolved, implicit := l.unresolved, maps.Clone(l.implicit)
	l.decodeObject(&instance{declaration: d, addr: d.addr, each: anyEach(), fields: make(map[string]*field)})
	l.unresolved, l.implicit = unresolved, implicit
}

// anyEach stands for the members that an empty for_each could have.
func anyEach() *each {
	return &each{value: cty.DynamicVal, object: cty.ObjectVal(map[string]cty.Value{"key": cty.UnknownVal(cty.String), "value": cty.DynamicVal})}
}

func (l *loader) declareOne(o *instance, named bool) []reconcile.Object {
	before := l.errors
	block := l.decodeObject(o)
	o.needs = block.Needs
	if l.errors > before {
		return nil
	}
	if named {
		l.checkIdentity(o)
	}
	block.Removed = o.removed
	objects, diags := o.lang.Declare(block)
	l.add(diags)
	if diags.HasErrors() {
		return nil
	}
	if o.removed {
		return absent(objects, o.addr)
	}
	return objects
}

// nameInstances adds to a mistake which object of the block has it, unless all of them have it.
func (l *loader) nameInstances(d *declaration, start int, ends []int, tried int) {
	text := func(g *hcl.Diagnostic) string { return fmt.Sprint(subject(g), g.Summary, g.Detail) }
	times := make(map[string]int)
	for _, g := range l.diags[start:] {
		times[text(g)]++
	}
	i := start
	for n, end := range ends {
		for ; i < end; i++ {
			if g := l.diags[i]; times[text(g)] < tried && !strings.Contains(g.Detail, d.instances[n].addr.String()) {
				c := *g
				c.Detail += " This is about " + d.instances[n].addr.String() + "."
				l.diags[i] = &c
			}
		}
	}
}

// nameFields are the attributes that tell live objects of a kind apart: the one that gives the name first.
func nameFields(kind reconcile.Kind) []string {
	var names []string
	for _, e := range kind.Exports {
		if e.BlockName && e.Field != "" {
			names = append(names, e.Field)
		}
	}
	for _, name := range []string{"name", "label"} {
		if _, ok := kind.Field(name); ok && len(names) == 0 {
			names = append(names, name)
		}
	}
	for _, f := range kind.Fields {
		if f.Locates && !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

// checkNamed reports a block with for_each whose objects would all have the block's name.
func (l *loader) checkNamed(d *declaration) {
	names := nameFields(d.kind)
	if len(names) == 0 {
		l.fail(d.forEach.NameRange, "for_each not possible here", "A %s has only the block's name, so that for_each would make several of one name. Write one block for each.", d.kind.Name)
		return
	}
	for _, name := range names {
		a := d.block.Body.Attributes[name]
		if a != nil && slices.ContainsFunc(l.traversals(a.Expr), func(t hcl.Traversal) bool { return t.RootName() == "each" }) {
			return
		}
	}
	at := d.forEach.NameRange
	if a := d.block.Body.Attributes[names[0]]; a != nil {
		at = a.Expr.Range()
	}
	l.fail(at, "Objects of one name", "for_each makes an object for each key, and all of them would have the same name. Make it of the key: %s = \"%s-${each.key}\".", names[0], d.addr.Name)
}

// checkIdentity reports two objects of one block, made by for_each or by a module that is used several times, that would be the same live object.
func (l *loader) checkIdentity(o *instance) {
	if o.each == nil && o.mod.path == "" {
		return
	}
	names := nameFields(o.kind)
	if len(names) == 0 {
		return
	}
	var text strings.Builder
	for i, name := range names {
		var v reconcile.Value = reconcile.Text("")
		if i == 0 {
			v = reconcile.Text(o.addr.Name)
		}
		if f := o.fields[name]; f != nil && f.has {
			v = f.arg.Value
		}
		text.WriteString(v.String() + "\n")
	}
	text.WriteString(o.addr.Instance())
	id := identity{o.block, text.String()}
	first, ok := l.identities[id]
	if !ok {
		l.identities[id] = o
		return
	}
	name, _, _ := strings.Cut(id.text, "\n")
	l.fail(o.block.DefRange(), "Objects of one name", "%s and %s would both be called %s. Make %s of the for_each's key, or of a variable of the module.", first.addr, o.addr, name, names[0])
}

// isCollection says whether a value is a reference to all objects of a block with for_each.
func isCollection(v cty.Value) bool {
	ty := v.Type()
	return ty.IsMapType() && ty.ElementType().IsObjectType() && ty.ElementType().HasAttribute(self) && v.IsKnown() && !v.IsNull() && !v.IsMarked()
}

// members makes a list of such a value.
func members(v cty.Value) cty.Value {
	if v.LengthInt() == 0 {
		return cty.ListValEmpty(v.Type().ElementType())
	}
	return cty.ListVal(v.AsValueSlice())
}

// allOf is a reference to all objects of a block with for_each, as a value in expressions.
func (l *loader) allOf(d *declaration) cty.Value {
	if d.all != cty.NilVal {
		return d.all
	}
	if len(d.instances) == 0 {
		d.all = cty.MapValEmpty(l.objectValue(d.addr, d.kind).Type())
		return d.all
	}
	m := make(map[string]cty.Value, len(d.instances))
	for _, o := range d.instances {
		m[o.addr.Key] = l.objectValue(o.addr, d.kind)
	}
	d.all = cty.MapVal(m)
	return d.all
}

// bringInstances puts a reference to the objects of a block with for_each, or to one of them, into scope. Which of them are needed turns out when their
// values are used. written is the address as the traversal spells it, which ends before step i.
func (l *loader) bringInstances(t hcl.Traversal, i int, written addr, d *declaration, s *scope) bool {
	if d.state == underway {
		l.cycle(d.addr.String()+"."+forEach, t.SourceRange())
		return false
	}
	l.open(d)
	if d.broken {
		return false // reported with the block
	}
	s.put(written, l.allOf(d))
	if len(t) <= i {
		return true
	}
	index, ok := t[i].(hcl.TraverseIndex)
	if !ok || !isText(index.Key) {
		l.fail(t[i].SourceRange(), "Key needed", "%s has for_each, so that it stands for several objects. Name one, %s, or take all: [for k, x in %s : x.…].", d.addr, d.example(), d.addr)
		return false
	}
	key := index.Key.AsString()
	o := d.byKey[key]
	if o == nil {
		keys := make([]string, len(d.instances))
		for i, o := range d.instances {
			keys[i] = o.addr.Key
		}
		l.add(hcl.Diagnostics{noKey(index.SrcRange, d.addr.String(), key, keys)})
		return false
	}
	if !l.checkAttribute(t, i+1, o.addr, d.kind) {
		return false
	}
	l.frame.needOne(o.addr)
	return true
}

// example is the address of one of a declaration's objects.
func (d *declaration) example() string {
	a := d.addr
	a.Key = "KEY"
	if len(d.instances) > 0 {
		a = d.instances[0].addr
	}
	return a.String()
}
