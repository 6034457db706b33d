package specs

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

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

// folder is what was read of a module's folder.
type folder struct {
	dir   string
	names []string // of its spec files
	state state
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

const sourceAttribute = "source"

// reader reads the folders of modules, each once.
type reader struct {
	l       *loader
	folders map[string]*folder // by absolute path without symbolic links
}

// readModules reads the folders that module blocks name, and those that these name.
func (l *loader) readModules(dir string, names []string) {
	r := &reader{l: l, folders: make(map[string]*folder)}
	id, err := realPath(dir)
	if err != nil {
		return // the folder is not there, which is reported
	}
	f := &folder{dir: dir, names: names}
	r.folders[id] = f
	r.read(f, []string{dir})
}

func realPath(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

func (r *reader) read(f *folder, path []string) {
	f.state = underway
	for _, name := range f.names {
		body := r.l.src.bodies[name]
		if body == nil {
			continue
		}
		for _, b := range body.Blocks {
			if b.Type == "module" {
				r.follow(f, b, path)
			}
		}
	}
	f.state = finished
}

// follow reads the folder that a module block names.
func (r *reader) follow(from *folder, b *hclsyntax.Block, path []string) {
	a := b.Body.Attributes[sourceAttribute]
	if a == nil {
		r.l.fail(b.DefRange(), "Missing attribute", "A module needs the attribute source, the folder that it reuses: source = \"./accounts\".")
		return
	}
	at := a.Expr.Range()
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || !isText(v) {
		r.l.fail(at, "Bad module source", "source has to be a text written out, such as \"./accounts\": which files belong to a spec cannot depend on values.")
		return
	}
	source := v.AsString()
	if !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../") && source != "." && source != ".." || strings.ContainsRune(source, 0) {
		r.l.fail(at, "Bad module source", "A module's source is a local folder, and starts with ./ or ../: \"./%s\". Nothing is fetched from elsewhere.", strings.TrimLeft(source, "/.\x00"))
		return
	}
	f, ok := r.find(filepath.Join(from.dir, source), at, path)
	if ok {
		r.l.folders[b] = f
	}
}

func (r *reader) find(dir string, at hcl.Range, path []string) (*folder, bool) {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		why := "it is not a folder"
		if err != nil {
			why = reason(err)
		}
		r.l.fail(at, "Module not found", "%s: %s. Give the module's folder, relative to the folder of this file.", dir, why)
		return nil, false
	}
	id, err := realPath(dir)
	if err != nil {
		r.l.fail(at, "Module not found", "%s: %s.", dir, reason(err))
		return nil, false
	}
	if f := r.folders[id]; f != nil {
		if f.state == underway {
			r.l.fail(at, "Module inside itself", "%s: this module would contain itself without end. Move what both use into a folder of its own.", arrows(append(slices.Clone(path), dir)))
			return nil, false
		}
		return f, true
	}
	f := &folder{dir: dir}
	r.folders[id] = f
	src := r.l.src
	before := len(src.diags)
	f.names, _ = src.find(dir)
	if more := src.diags[before:]; len(more) > 0 {
		detail := more[0].Detail
		src.diags = src.diags[:before]
		r.l.fail(at, "Module not found", "%s", detail)
		return nil, false
	}
	for _, name := range f.names {
		src.parse(name)
	}
	r.read(f, append(slices.Clone(path), dir))
	return f, true
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
		l.fail(inner.TypeRange, "Unknown block", "A module has no blocks, only source, for_each and the variables of its folder. Write %s = {…} for a variable.", inner.Type)
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
	for _, e := range members {
		key := ""
		if e != nil {
			key = e.key
		}
		m := newModule(reconcile.ModulePath(c.mod.path, c.name, key), c.folder.dir)
		m.call, m.each = c, e
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
		if a.Name == sourceAttribute || a.Name == forEach {
			continue
		}
		v, ok := m.variables[a.Name]
		if !ok {
			names := slices.Collect(maps.Keys(m.variables))
			l.fail(a.NameRange, "Unknown attribute", "The module's folder %s declares no variable %s.%s It declares %s.", m.dir, a.Name, suggest(a.Name, names), list(names))
			continue
		}
		v.arg = a
	}
	for _, v := range m.variables {
		if v.Name == sourceAttribute || v.Name == forEach {
			l.fail(v.Range, "Bad variable name", "A module's variable cannot be called %s, which means something else in a module block. Rename it.", v.Name)
		}
	}
}

// finishModule gives all variables of a module their values, and validates them.
func (l *loader) finishModule(m *module) {
	defer l.visit(site{mod: m})()
	names := slices.Sorted(maps.Keys(m.variables))
	for _, name := range names {
		l.bind(m, m.variables[name])
	}
	for _, name := range names {
		l.validate(m.variables[name])
	}
}

// bind gives a module's variable the value that the module block says, the first time. Those of the spec itself have theirs.
func (l *loader) bind(m *module, v *variable) {
	if v.state != untouched || m.call == nil {
		return
	}
	v.state, v.value = underway, cty.DynamicVal
	defer func() { v.state = finished }()
	if v.arg == nil {
		if v.Required && !v.broken {
			l.fail(m.call.block.DefRange(), "Missing attribute", "The module's folder %s declares the variable %s without a default. Give it here: %s = ….", m.dir, v.Name, v.Name)
			return
		}
		v.value = l.valueOf(v, given{}, false)
	} else {
		v.value = l.argument(m, v)
	}
	if v.Sensitive {
		v.value = v.value.Mark(sensitive{"variable " + v.Name})
	}
}

// argument evaluates what a module block gives a variable, where the block stands.
func (l *loader) argument(m *module, v *variable) cty.Value {
	at := v.arg.Expr.Range()
	if v.Sensitive && len(l.traversals(v.arg.Expr)) == 0 {
		l.mask(at)
	}
	if !l.enter(m.child("var."+v.Name), v.arg.NameRange) {
		return cty.DynamicVal
	}
	defer l.leave()
	value, ok := cty.DynamicVal, false
	f := l.apart(func() {
		leave := l.visit(site{mod: m.call.mod, each: m.each})
		value, ok = l.evaluate(v.arg.Expr)
		leave()
	})
	v.needs, v.tainted = f.needs, f.sensitive
	if !ok {
		return cty.DynamicVal
	}
	g := given{from: "module " + m.call.name, at: at}
	if g.value, g.err = v.convert(value); g.err != nil && l.tokens.within(value) {
		l.fail(at, "Bad value for a variable", "var.%s is a %s, and this refers to an object. Name the attribute that is meant, or declare the variable with type = any.", v.Name, v.Type)
		return cty.DynamicVal
	}
	if g.err != nil && v.tainted != "" {
		g.err = fmt.Errorf("the value is not shown, because the %s is sensitive", v.tainted)
	}
	return l.valueOf(v, g, true)
}

// bringModule puts a module's outputs into scope.
func (l *loader) bringModule(t hcl.Traversal, s *scope) bool {
	mod := l.site.mod
	name, at, ok := l.step(t, 1)
	if !ok {
		l.fail(t.SourceRange(), "Incomplete reference", "A module's output is written module.NAME.OUTPUT. The spec has the modules %s.", list(mod.callNames))
		return false
	}
	c, ok := mod.calls[name]
	if !ok {
		l.fail(at, "Unknown module", "There is no module %s.%s The spec has %s.", name, suggest(name, mod.callNames), list(mod.callNames))
		return false
	}
	if c.state == underway {
		l.cycle(reconcile.ModulePath(mod.path, name, "")+"."+forEach, at)
		return false
	}
	l.openCall(c)
	if c.broken {
		return false // reported with the block
	}
	if len(t) == 2 {
		return l.bringWhole(c, s, at)
	}
	if c.forEach == nil {
		out, v, ok := l.bringOutput(c.made[0], t, 2)
		if ok {
			s.module(name).outputs[out] = v
		}
		return ok
	}
	return l.bringKeyed(c, t, s)
}

// bringKeyed puts what module.NAME["KEY"] refers to into scope.
func (l *loader) bringKeyed(c *call, t hcl.Traversal, s *scope) bool {
	path := reconcile.ModulePath(c.mod.path, c.name, "")
	index, ok := t[2].(hcl.TraverseIndex)
	if !ok || !isText(index.Key) {
		l.fail(t[2].SourceRange(), "Key needed", "%s has for_each, so that there are several. Name one, %s, or take all: [for k, m in %s : m.…].", path, reconcile.ModulePath(c.mod.path, c.name, "KEY"), path)
		return false
	}
	key := index.Key.AsString()
	m := c.byKey[key]
	if m == nil {
		l.add(hcl.Diagnostics{noKey(index.SrcRange, path, key, slices.Collect(maps.Keys(c.byKey)))})
		return false
	}
	if len(t) == 3 {
		v, ok := l.outputsOf(m, index.SrcRange)
		s.module(c.name).keyed[key] = v
		return ok
	}
	out, v, ok := l.bringOutput(m, t, 3)
	if ok {
		scope := s.module(c.name)
		if scope.keyed[key] == nil {
			scope.keyed[key] = make(map[string]cty.Value)
		}
		scope.keyed[key][out] = v
	}
	return ok
}

// bringOutput gives the output that step i of a traversal names.
func (l *loader) bringOutput(m *module, t hcl.Traversal, i int) (string, cty.Value, bool) {
	name, at, ok := l.step(t, i)
	names := slices.Collect(maps.Keys(m.outputs))
	if !ok {
		l.fail(t.SourceRange(), "Incomplete reference", "A module's output is written module.NAME.OUTPUT. The module has %s.", list(names))
		return "", cty.DynamicVal, false
	}
	if m.outputs[name] == nil {
		l.fail(at, "Unknown output", "The module's folder %s declares no output %s.%s It declares %s.", m.dir, name, suggest(name, names), list(names))
		return "", cty.DynamicVal, false
	}
	v, ok := l.outputOf(m, name, at)
	return name, v, ok
}

func (l *loader) outputOf(m *module, name string, at hcl.Range) (cty.Value, bool) {
	o := m.outputs[name]
	if o.value == nil {
		return cty.DynamicVal, false // reported with the block
	}
	v, ok := l.use(o.value, at)
	return l.hide(o, m, v, ok)
}

// hide marks a sensitive output's value.
func (l *loader) hide(o *output, m *module, v cty.Value, ok bool) (cty.Value, bool) {
	name := o.Name
	if ok && o.Sensitive {
		label := "output " + m.child(name)
		l.taint(label)
		v = v.Mark(sensitive{label})
	}
	return v, ok
}

// outputsOf gives all outputs of a module. Which objects they need turns out when their values are used.
func (l *loader) outputsOf(m *module, at hcl.Range) (map[string]cty.Value, bool) {
	out := make(map[string]cty.Value, len(m.outputs))
	all := true
	needs := maps.Clone(l.frame.needs)
	defer func() { l.frame.needs = needs }()
	for _, name := range slices.Sorted(maps.Keys(m.outputs)) {
		v, ok := l.outputOf(m, name, at)
		out[name] = v
		all = all && ok
	}
	return out, all
}

// bringWhole puts all outputs of a module block into scope, by key when it has for_each.
func (l *loader) bringWhole(c *call, s *scope, at hcl.Range) bool {
	all := true
	values := make(map[string]cty.Value, len(c.made))
	for _, m := range c.made {
		out, ok := l.outputsOf(m, at)
		all = all && ok
		if c.forEach == nil {
			values = out
			break
		}
		values[m.each.key] = cty.ObjectVal(out)
	}
	s.module(c.name).whole = cty.ObjectVal(values)
	return all
}
