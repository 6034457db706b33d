package specs

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"keymaker/reconcile"
)

// loader is one run of Load. It collects declarations first, so that order and files do not matter, and evaluates each expression when it is needed.
type loader struct {
	anchor    *anchor // what guards know of it
	languages []Language
	opts      Options
	src       *source
	functions map[string]function.Function
	templates map[string]hclsyntax.Expression // of templatefile, by source text
	kinds     map[string][]reconcile.Kind     // by system

	modules []*module // in the order they were opened; the first is the spec itself
	site    site      // where the expression stands that is being evaluated
	folders map[*hclsyntax.Block]*folder

	connections    map[string]*connectionBlock // by instance
	connectionUses []connectionUse
	owner          reconcile.Addr                  // of the object that is being decoded; zero for none
	declared       map[reconcile.Addr]*declaration // by address without key
	order          []*declaration
	gone           map[reconcile.Addr]*declaration // of removed blocks
	goneOrder      []*declaration
	owns           []*hclsyntax.Block
	moved          []movedBlock
	removedFrom    []movedBlock                 // removed blocks that say from
	made           int                          // objects and modules
	implicit       map[reconcile.Addr]hcl.Range // implicit references by first place
	identities     map[identity]*instance       // live names of what for_each and modules make several of

	nothing *hcl.EvalContext // of expressions without references
	tokens  tokens
	values  map[reconcile.Addr]cty.Value             // of references to objects
	guarded map[hclsyntax.Expression][]hcl.Traversal // the references of each expression that has its guards
	frame   *frame                                   // of the expression being evaluated
	chain   []string                                 // what is being evaluated, outermost first
	effort  int                                      // what evaluation has cost
	budget  int                                      // what it may cost; more with each object
	spent   bool                                     // it has cost too much, and that was reported

	diags  hcl.Diagnostics
	found  map[*hcl.Diagnostic]*module // where those of modules were found
	errors int                         // in diags
	nulls  map[hcl.Range]bool          // attributes that came out as null
	cyclic bool                        // a value that depends on itself was reported
	// unresolved is a place whose value stayed unknown. Unknown values come from mistakes that were reported; were there none, this is one.
	unresolved *hcl.Range
}

// site is where an expression stands: what its names mean.
type site struct {
	mod  *module
	each *each // nil where there is no for_each
}

// visit changes to another site; the function that it gives goes back.
func (l *loader) visit(s site) (leave func()) {
	outer := l.site
	l.site = s
	return func() { l.site = outer }
}

// local is one attribute of a locals block, or an output's value, evaluated once.
type local struct {
	name      string // in messages
	mod       *module
	expr      hclsyntax.Expression
	place     hcl.Range
	state     state
	value     cty.Value
	needs     map[reconcile.Addr]bool
	sensitive string
}

// state is how far the evaluation of something is.
type state int

const (
	untouched state = iota
	underway
	finished
)

// frame is what one expression collects while it is evaluated.
type frame struct {
	needs map[reconcile.Addr]bool // nil for none
	// refused are the mistakes that guards found; they replace HCL's own diagnostics, which would only tell of the consequences.
	refused hcl.Diagnostics
	// sensitive names something sensitive that the expression depends on, "" for none.
	sensitive string
}

// need notes that the expression needs objects.
func (f *frame) need(addrs map[reconcile.Addr]bool) {
	if f.needs == nil && len(addrs) > 0 {
		f.needs = make(map[reconcile.Addr]bool, len(addrs))
	}
	maps.Copy(f.needs, addrs)
}

// adopt is need, of a map that nobody else uses any more.
func (f *frame) adopt(addrs map[reconcile.Addr]bool) {
	if f.needs == nil {
		f.needs = addrs
		return
	}
	f.need(addrs)
}

func (f *frame) needOne(a reconcile.Addr) { set(&f.needs, a, true) }

// apart runs something with a frame of its own, which it gives back.
func (l *loader) apart(run func()) *frame {
	outer, f := l.frame, new(frame)
	l.frame = f
	run()
	l.frame = outer
	return f
}

func newLoader(dir string, languages []Language, opts Options, src *source) *loader {
	l := &loader{
		languages: languages, opts: opts, src: src, budget: opts.effort,
		folders: make(map[*hclsyntax.Block]*folder), templates: make(map[string]hclsyntax.Expression), connections: make(map[string]*connectionBlock),
		declared: make(map[reconcile.Addr]*declaration), gone: make(map[reconcile.Addr]*declaration), implicit: make(map[reconcile.Addr]hcl.Range), identities: make(map[identity]*instance),
		kinds: make(map[string][]reconcile.Kind), tokens: newTokens(), values: make(map[reconcile.Addr]cty.Value), nulls: make(map[hcl.Range]bool), guarded: make(map[hclsyntax.Expression][]hcl.Traversal),
	}
	l.anchor = &anchor{l}
	l.functions = l.specFunctions()
	l.nothing = &hcl.EvalContext{Variables: new(scope).variables(), Functions: l.functions}
	for _, lang := range languages {
		l.kinds[lang.System()] = lang.Kinds()
	}
	l.modules = []*module{newModule("", dir)}
	l.site = site{mod: l.modules[0]}
	return l
}

// root is the spec itself, as a module.
func (l *loader) root() *module { return l.modules[0] }

func (l *loader) fail(at hcl.Range, summary, detail string, args ...any) {
	l.add(hcl.Diagnostics{problem(at, summary, detail, args...)})
}

func (l *loader) add(diags hcl.Diagnostics) {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			l.errors++
		}
	}
	l.diags = append(l.diags, diags...)
}

// collect takes in the top-level blocks of a file.
func (l *loader) collect(body *hclsyntax.Body) {
	for _, a := range attributes(body) {
		l.fail(a.NameRange, "Attribute outside of a block", "%s stands outside of any block. At the top of a file there are only blocks: %s.", a.Name, list(l.blockTypes()))
	}
	for _, b := range body.Blocks {
		switch lang := l.language(b.Type); {
		case b.Type == "variable":
			l.collectVariable(b)
		case b.Type == "locals":
			l.collectLocals(b)
		case b.Type == "output":
			l.collectOutput(b)
		case b.Type == "module":
			l.collectCall(b)
		case b.Type == "connection":
			l.collectConnection(b)
		case b.Type == "removed":
			l.collectRemoved(b)
		case b.Type == "own":
			l.collectOwn(b)
		case b.Type == "moved":
			l.collectMoved(b)
		case lang != nil:
			l.collectObject(lang, b)
		default:
			l.fail(b.TypeRange, "Unknown block type", "There is no block type %s.%s A file has blocks of the types %s.", b.Type, suggest(b.Type, l.blockTypes()), list(l.blockTypes()))
		}
	}
}

func (l *loader) blockTypes() []string {
	return append([]string{"variable", "locals", "output", "module", "connection", "removed", "own", "moved"}, l.systems()...)
}

func (l *loader) systems() []string {
	var names []string
	for _, lang := range l.languages {
		names = append(names, lang.System())
	}
	return names
}

func (l *loader) language(system string) Language {
	i := slices.IndexFunc(l.languages, func(lang Language) bool { return lang.System() == system })
	if i < 0 {
		return nil
	}
	return l.languages[i]
}

func (l *loader) kindNames(lang Language) []string {
	var names []string
	for _, k := range l.kinds[lang.System()] {
		names = append(names, k.Name)
	}
	return names
}

func (l *loader) findKind(lang Language, name string) (reconcile.Kind, bool) {
	kinds := l.kinds[lang.System()]
	i := slices.IndexFunc(kinds, func(k reconcile.Kind) bool { return k.Name == name })
	if i < 0 {
		return reconcile.Kind{}, false
	}
	return kinds[i], true
}

// attributes lists a body's attributes in source order.
func attributes(body *hclsyntax.Body) []*hclsyntax.Attribute {
	attrs := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attrs = append(attrs, a)
	}
	slices.SortFunc(attrs, func(a, b *hclsyntax.Attribute) int { return compareRange(a.SrcRange, b.SrcRange) })
	return attrs
}

func (l *loader) collectLocals(b *hclsyntax.Block) {
	if !l.labels(b, 0, "locals {}") {
		return
	}
	for _, inner := range b.Body.Blocks {
		l.fail(inner.TypeRange, "Block inside locals", "A locals block has only attributes: write %s = {…}.", inner.Type)
	}
	for _, a := range attributes(b.Body) {
		if first, ok := l.site.mod.locals[a.Name]; ok {
			l.fail(a.NameRange, "Duplicate local", "local.%s is already set at %s. Rename one of them.", a.Name, place(first.place))
			continue
		}
		mod := l.site.mod
		mod.locals[a.Name] = &local{name: mod.child("local." + a.Name), mod: mod, expr: a.Expr, place: a.NameRange}
		mod.localNames = append(mod.localNames, a.Name)
	}
}

func (l *loader) collectObject(lang Language, b *hclsyntax.Block) {
	if !l.labels(b, 2, lang.System()+` "KIND" "NAME" {}`) {
		return
	}
	kind, ok := l.findKind(lang, b.Labels[0])
	if !ok {
		l.fail(b.LabelRanges[0], "Unknown kind", "%s has no kind %q.%s It has %s.", lang.System(), b.Labels[0], suggest(b.Labels[0], l.kindNames(lang)), list(l.kindNames(lang)))
		return
	}
	connection, ok := l.connectionOf(b, lang.System())
	addr := reconcile.Addr{Module: l.site.mod.path, System: lang.System(), Connection: connection, Kind: kind.Name, Name: b.Labels[1]}
	if first, ok := l.declared[addr]; ok {
		l.fail(b.DefRange(), "Duplicate block", "%s is already declared at %s. Give one of them another name.", addr, place(first.block.DefRange()))
		return
	}
	if first, ok := l.gone[addr]; ok {
		l.declaredAndRemoved(b, addr, first.block)
		return
	}
	d := &declaration{addr: addr, mod: l.site.mod, lang: lang, kind: kind, block: b, forEach: b.Body.Attributes[forEach]}
	d.broken = !l.checkName(b.Labels[1], b.LabelRanges[1], kind) || !ok
	l.declared[addr] = d
	l.order = append(l.order, d)
}

// labels checks how many labels a block has.
func (l *loader) labels(b *hclsyntax.Block, n int, form string) bool {
	if len(b.Labels) == n {
		return true
	}
	at := b.DefRange()
	if len(b.Labels) > n {
		at = b.LabelRanges[n]
	}
	l.fail(at, "Wrong number of labels", "This block is written %s, with %s; here it has %d.", form, count(n, "label"), len(b.Labels))
	return false
}

// checkName checks a block's name: it must be usable in references.
func (l *loader) checkName(name string, at hcl.Range, kind reconcile.Kind) bool {
	if hclsyntax.ValidIdentifier(name) {
		return true
	}
	remedy := ""
	for _, attr := range []string{"name", "label"} {
		if _, ok := kind.Field(attr); ok && remedy == "" {
			remedy = " The live name may be any other: set it with the attribute " + attr + "."
		}
	}
	l.fail(at, "Bad block name", "%q cannot be a block's name: it has to start with a letter and have only letters, digits, _ and - in it.%s", name, remedy)
	return false
}
