package specs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"keymaker/reconcile"
)

// module is a folder's declarations in use: the spec itself, or what one module block makes of a folder.
type module struct {
	path      string // as in addresses; "" for the spec itself
	dir       string
	call      *call // nil for the spec itself
	each      *each // of the module block
	variables map[string]*variable
	locals    map[string]*local
	outputs   map[string]*output
	calls     map[string]*call
	// connections are the names of the connections that objects of a system are on unless they say otherwise; what is not there is the unnamed one.
	connections map[string]string

	localNames []string // in source order
	callNames  []string
}

// call is a module block.
type call struct {
	name    string
	mod     *module // that holds the block
	block   *hclsyntax.Block
	folder  *folder // nil after a mistake
	forEach *hclsyntax.Attribute
	state   state
	made    []*module // by key
	byKey   map[string]*module
	broken  bool
}

func newModule(path, dir string) *module {
	return &module{
		path: path, dir: dir, variables: make(map[string]*variable), locals: make(map[string]*local), outputs: make(map[string]*output), calls: make(map[string]*call),
	}
}

// child names something of the module.
func (m *module) child(name string) string {
	if m.path == "" {
		return name
	}
	return m.path + "." + name
}

func (l *loader) collectCall(b *hclsyntax.Block) {
	if !l.labels(b, 1, `module "NAME" {}`) {
		return
	}
	name, mod := b.Labels[0], l.site.mod
	if !hclsyntax.ValidIdentifier(name) {
		l.fail(b.LabelRanges[0], "Bad module name", "%q cannot be a module's name: it has to start with a letter and have only letters, digits, _ and - in it.", name)
		return
	}
	if first, ok := mod.calls[name]; ok {
		l.fail(b.DefRange(), "Duplicate module", "module.%s is already declared at %s. Rename one of them.", name, place(first.block.DefRange()))
		return
	}
	for _, inner := range b.Body.Blocks {
		l.fail(inner.TypeRange, "Unknown block", "A module has no blocks, only source, for_each, connections and the variables of its folder. Write %s = {…} for a variable.", inner.Type)
	}
	mod.calls[name] = &call{name: name, mod: mod, block: b, folder: l.folders[b], forEach: b.Body.Attributes[forEach]}
	mod.callNames = append(mod.callNames, name)
}

// openModules makes the modules of all module blocks, and gives their variables values.
func (l *loader) openModules() {
	for i := 0; i < len(l.modules); i++ { // opening adds to them
		m := l.modules[i]
		for _, name := range m.callNames {
			l.openCall(m.calls[name])
		}
	}
	for _, m := range l.modules[1:] {
		l.finishModule(m)
	}
	for _, m := range l.modules {
		for _, name := range m.callNames {
			l.checkUnmade(m.calls[name])
		}
	}
}

// openCall makes the modules of a module block, the first time.
func (l *loader) openCall(c *call) {
	if c.state != untouched {
		return
	}
	c.state, c.byKey = underway, make(map[string]*module)
	defer func() { c.state = finished }()
	if c.folder == nil {
		c.broken = true
		return
	}
	path := reconcile.ModulePath(c.mod.path, c.name, "")
	members := []*each{nil}
	if c.forEach != nil {
		leave := l.visit(site{mod: c.mod})
		var ok bool
		members, ok = l.eachOf(c.forEach, path)
		leave()
		c.broken = !ok
	}
	if !l.grow(len(members), c.block.DefRange()) {
		c.broken = true
		return
	}
	handed := l.handDown(c)
	for _, e := range members {
		key := ""
		if e != nil {
			key = e.key
		}
		m := newModule(reconcile.ModulePath(c.mod.path, c.name, key), c.folder.dir)
		m.call, m.each, m.connections = c, e, handed
		c.made = append(c.made, m)
		c.byKey[key] = m
		l.modules = append(l.modules, m)
		l.collectModule(m)
	}
}

// collectModule takes in the folder's declarations and the values that the module block gives.
func (l *loader) collectModule(m *module) {
	defer l.visit(site{mod: m})()
	for _, name := range m.call.folder.names {
		if body := l.src.bodies[name]; body != nil {
			l.collect(body)
		}
	}
	body := m.call.block.Body
	for _, a := range attributes(body) {
		if a.Name == sourceAttribute || a.Name == forEach || a.Name == connectionsAttribute {
			continue
		}
		v, ok := m.variables[a.Name]
		if !ok {
			l.unknownArgument(a, m.dir, slices.Collect(maps.Keys(m.variables)))
			continue
		}
		v.arg = a
	}
	for _, v := range m.variables {
		if v.Name == sourceAttribute || v.Name == forEach || v.Name == connectionsAttribute {
			l.fail(v.Range, "Bad variable name", "A module's variable cannot be called %s, which means something else in a module block. Rename it.", v.Name)
		}
	}
}

func (l *loader) unknownArgument(a *hclsyntax.Attribute, dir string, names []string) {
	l.fail(a.NameRange, "Unknown attribute", "The module's folder %s declares no variable %s.%s It declares %s.", dir, a.Name, suggest(a.Name, names), list(names))
}

// about notes which module the mistakes are about that are found until done is called.
func (l *loader) about(m *module) (done func()) {
	from := len(l.diags)
	return func() {
		for _, d := range l.diags[min(from, len(l.diags)):] {
			if m.path != "" && l.found[d] == nil {
				set(&l.found, d, m)
			}
		}
	}
}

// nameModules adds to a mistake in a module that is used several times which use of it is meant, unless all of them have it.
func (l *loader) nameModules() {
	text := func(d *hcl.Diagnostic) string { return fmt.Sprint(subject(d), d.Summary, d.Detail) }
	had := make(map[string]map[*module]bool)
	for d, m := range l.found {
		in := had[text(d)]
		set(&in, m, true)
		had[text(d)] = in
	}
	for i, d := range l.diags {
		m := l.found[d]
		if m == nil || strings.Contains(d.Detail, m.path) {
			continue
		}
		same := 0
		for _, other := range l.modules {
			if other.dir == m.dir {
				same++
			}
		}
		if len(had[text(d)]) < same {
			c := *d
			c.Detail += " This is about " + m.path + "."
			l.diags[i] = &c
		}
	}
}
