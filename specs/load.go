package specs

import (
	"cmp"
	"maps"
	"os"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Options are what a spec is loaded with besides its files.
type Options struct {
	// Vars are the --var and --var-file flags, in the order given: a later one wins.
	Vars []VarSource
	// Env looks up an environment variable: KEYMAKER_VAR_x at load, and the variable of an env("NAME") secret when it is opened. nil is os.LookupEnv.
	Env func(string) (string, bool)

	// AllowPaths are files and folders outside of the spec's folder that file, templatefile and the like may read too: --allow-path.
	AllowPaths []string
	// Ask, when not nil, is asked for the value of a declared variable that has none, as a terminal would; it gives the text that --var would have. false
	// leaves the variable without a value, which is an error. It must not show what is typed when the variable is sensitive.
	Ask func(Variable) (string, bool)

	effort int // what evaluation may cost; 0 is maxEffort
}

// Spec is what a folder or file declares.
type Spec struct {
	// Dir is the folder that relative paths in the spec start from, as the user would type it.
	Dir string
	// Files are the files read, variable files among them, by the name that ranges carry: what hcl.NewDiagnosticTextWriter needs for its snippets.
	Files map[string]*hcl.File
	// Connections has the connection blocks by instance ([reconcile.InstanceName]), and an empty one for the unnamed connection of each language where the
	// spec has none.
	Connections map[string]reconcile.Block
	// Objects are what the blocks declare and the implicit references they make, in address order. Those of removed blocks have Absent set, those that moved blocks
	// lead to Formerly.
	Objects []reconcile.Object
	// Owns are the own blocks, in source order. Those with a mistake are left out.
	Owns []reconcile.Own
	// Variables are the declared variables, by name.
	Variables []Variable
	// Outputs are the output blocks of the spec itself, by name. Those with a mistake are left out.
	Outputs []Output
}

// Load reads the spec at path, a folder (its *.hcl files, without hidden ones and variable files) or one file.
//
// All mistakes of a spec are told in one run, sorted by place; only syntax errors are told alone, since what they hide would be reported as missing.
// The Spec is never nil and holds what could be understood; Files is filled in any case. Diagnostics carry no expression and no evaluation context, so
// that printing them shows no value of a variable.
func Load(path string, languages []Language, opts Options) (*Spec, hcl.Diagnostics) {
	if opts.Env == nil {
		opts.Env = os.LookupEnv
	}
	if opts.effort == 0 {
		opts.effort = maxEffort
	}
	src := newSource()
	src.masker = newMasker(languages)
	found, dir := src.find(path)
	found = slices.DeleteFunc(found, opts.isVarFile)
	spec := &Spec{Dir: dir, Files: src.files, Connections: make(map[string]reconcile.Block)}
	for _, lang := range languages {
		spec.Connections[lang.System()] = reconcile.Block{Dir: dir}
	}
	for _, name := range found {
		src.parse(name, false)
	}
	l := newLoader(dir, languages, opts, src)
	l.readModules(dir, found)
	if src.diags.HasErrors() {
		return spec, tidy(src.diags)
	}
	for _, name := range found {
		l.collect(src.bodies[name])
	}
	l.setVariables()
	l.openModules()
	l.load(spec)
	l.nameModules()
	l.anchor.loader = nil
	return spec, tidy(append(src.diags, l.diags...))
}

// isVarFile says whether a --var-file names this file. It may lie among the spec's files.
func (o Options) isVarFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && slices.ContainsFunc(o.Vars, func(v VarSource) bool {
		if v.File == "" {
			return false
		}
		other, err := os.Stat(v.File)
		return err == nil && os.SameFile(info, other)
	})
}

// load fills spec from what was collected.
func (l *loader) load(spec *Spec) {
	spec.Variables = l.listVariables()
	l.listRemovedFrom()
	for _, m := range l.modules {
		for _, name := range m.localNames {
			l.local(m.locals[name])
		}
	}
	spec.Outputs = l.listOutputs()
	l.checkConnectionUses()
	for _, d := range l.order {
		spec.Objects = append(spec.Objects, l.declare(d)...)
	}
	l.checkOwners()
	for _, d := range l.goneOrder {
		spec.Objects = append(spec.Objects, l.declare(d)...)
	}
	l.checkRemoved()
	spec.Owns = l.listOwns()
	for addr, rng := range l.implicit {
		spec.Objects = append(spec.Objects, reconcile.Object{Addr: addr, Reference: true, Range: rng})
	}
	l.decodeConnections(spec)
	slices.SortStableFunc(spec.Objects, func(a, b reconcile.Object) int { return reconcile.CompareAddr(a.Addr, b.Addr) })
	spec.Objects = l.withoutDoubles(spec.Objects)
	l.setFormerly(spec.Objects)
	l.checkTwins()
	l.checkTogether(spec)
	l.checkCycles()
	if l.unresolved != nil && !l.diags.HasErrors() {
		l.fail(*l.unresolved, "Value cannot be determined", "This expression has no value that can be known from the spec. Write the value out, or give it through a variable.")
	}
}

// checkTwins reports objects of different blocks that would be one in their system.
func (l *loader) checkTwins() {
	first := make(map[string]*instance)
	for _, d := range l.order {
		for _, o := range d.instances {
			key := pinKey(o)
			if key == "" {
				key = l.liveKey(o, l.liveName(o))
			}
			other := first[key]
			if other == nil {
				first[key] = o
			} else if other.block != o.block && !d.broken && !other.broken {
				l.fail(o.block.DefRange(), "Objects of one name", "This is the %s that %s declares at %s, by its name in %s. Take one of them away, or give it another %s.",
					o.kind.Name, other.addr, place(other.block.DefRange()), o.addr.System, list(slices.DeleteFunc(fieldNames(removedKind(o.kind)), func(n string) bool { return n == connectionWord })))
				break
			}
		}
	}
}

// checkTogether lets the languages look at the connections, and at all objects together.
func (l *loader) checkTogether(spec *Spec) {
	whole := !l.diags.HasErrors()
	for _, lang := range l.languages {
		c, ok := lang.(Checker)
		if !ok {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(spec.Connections)) {
			if system, _ := reconcile.SplitInstance(name); system == lang.System() && !spec.Connections[name].Range.Empty() {
				l.add(c.CheckConnection(spec.Connections[name]))
			}
		}
		l.add(c.CheckObjects(spec.Objects, whole))
	}
}

// withoutDoubles reports objects that two blocks declare under one address, and keeps the first. It takes objects in address order.
func (l *loader) withoutDoubles(objects []reconcile.Object) []reconcile.Object {
	return slices.CompactFunc(objects, func(a, b reconcile.Object) bool {
		if a.Addr != b.Addr {
			return false
		}
		first, second := a.Range, b.Range
		if compareRange(first, second) > 0 {
			first, second = second, first
		}
		l.fail(second, "Object declared twice", "%s is already declared at %s. Remove one of them.", a.Addr, place(first))
		return true
	})
}

// checkCycles reports objects that need each other: there would be no order in which to make them.
func (l *loader) checkCycles() {
	const (
		open = 1
		done = 2
	)
	if l.cyclic { // it is the same cycle, most likely
		return
	}
	state := make(map[*instance]int)
	var path []reconcile.Addr
	var visit func(reconcile.Addr)
	visit = func(a reconcile.Addr) {
		o := l.instance(a)
		if o == nil || len(o.needs) == 0 || state[o] == done || len(path) > maxChain {
			return
		}
		if state[o] == open {
			l.reportCycle(append(path[slices.Index(path, a):], a))
			return
		}
		state[o] = open
		path = append(path, a)
		for _, n := range o.needs {
			if n != a { // reported where it was decoded
				visit(n)
			}
		}
		path = path[:len(path)-1]
		state[o] = done
	}
	for _, d := range l.order {
		for _, o := range d.instances {
			visit(o.addr)
		}
	}
}

func (l *loader) reportCycle(path []reconcile.Addr) {
	texts := make([]string, len(path))
	for i, a := range path {
		texts[i] = a.String()
	}
	l.fail(l.instance(path[0]).block.DefRange(), "Objects need each other",
		"%s: none of them can be made first. Write one of the names as text instead of a reference.", arrows(texts))
}

// compareRange orders places by file, then position.
func compareRange(a, b hcl.Range) int {
	return cmp.Or(cmp.Compare(a.Filename, b.Filename), cmp.Compare(a.Start.Byte, b.Start.Byte), cmp.Compare(a.End.Byte, b.End.Byte))
}
