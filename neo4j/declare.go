package neo4j

import (
	"errors"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Declare makes the object that a block wants, and finds the mistakes that only Neo4j knows.
func (l Language) Declare(b reconcile.Block) ([]reconcile.Object, hcl.Diagnostics) {
	if l.lists == nil {
		l = NewLanguage()
	}
	d := &declaration{block: b, lists: l.lists, object: reconcile.Object{Addr: b.Addr, Range: b.Range, Lifecycle: b.Lifecycle}}
	d.object.Need(b.Needs...)
	kinds := map[string]func(){kindRole: d.role, kindUser: d.user, kindProvider: d.provider}
	switch declare, known := kinds[b.Addr.Kind]; {
	case !known:
		d.fail(b.Range, "Unknown kind", "Neo4j has no kind "+b.Addr.Kind+".")
	case b.Removed: // it is only looked for
		d.set("name", reconcile.Text(d.name()))
		if b.Addr.Kind == kindRole && d.object.TextAttr("name") == publicRole {
			d.fail(b.Range, "PUBLIC cannot be dropped", "PUBLIC is a reserved role: every user has it, and Neo4j does not drop it. To leave it without privileges declare it with grant = [].")
		}
	default:
		declare()
	}
	if d.diags.HasErrors() {
		return nil, d.diags
	}
	return []reconcile.Object{d.object}, d.diags
}

// declaration is one block on its way to an object.
type declaration struct {
	block  reconcile.Block
	lists  *privilegeLists
	object reconcile.Object
	diags  hcl.Diagnostics
}

func (d *declaration) fail(at hcl.Range, summary, detail string) {
	d.diags = append(d.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

func (d *declaration) warn(at hcl.Range, summary, detail string) {
	d.diags = append(d.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

// has says whether the spec gives the attribute a value; null is as good as nothing.
func (d *declaration) has(name string) bool {
	v := d.block.Value(name)
	_, null := v.(reconcile.Null)
	return v != nil && !null
}

// set puts an attribute of the block, as it is written there, into the object.
func (d *declaration) set(name string, v reconcile.Value) {
	arg := d.block.Fields[name]
	at := arg.Range
	if at.Empty() {
		at = d.block.Range
	}
	d.object.Set(reconcile.Attr{Name: name, Value: v, Range: at, Items: arg.Items})
}

// name is the object's live name; "" after a diagnostic.
func (d *declaration) name() string {
	name := d.block.Name
	if name == "" {
		name = d.block.Addr.Name
	}
	if !d.has("name") {
		return name
	}
	text, ok := d.block.Value("name").(reconcile.Text)
	if !ok {
		d.fail(d.block.At("name"), "Name is not known", "The name of a Neo4j object has to be known before apply: write it out, or use a variable.")
		return ""
	}
	return string(text)
}

// members lists the members of a list, each with the place where it stands: its own when the list is written out, that of the whole attribute otherwise.
func members(arg reconcile.Argument) []reconcile.Item {
	if len(arg.Items) > 0 {
		return arg.Items
	}
	var items []reconcile.Item
	for _, v := range reconcile.Members(arg.Value) {
		items = append(items, reconcile.Item{Value: v, Range: arg.Range})
	}
	return items
}

// memberAt is the place of a map's member.
func memberAt(arg reconcile.Argument, key string) hcl.Range {
	for _, it := range arg.Items {
		if it.Key == key {
			return it.Range
		}
	}
	return arg.Range
}

// inside is the place of a part of an item's text, the whole item when the spec does not have the text as it is. A part of no length is the place after
// it: the closing quote.
func inside(it reconcile.Item, text string, offset, length int) hcl.Range {
	if !it.Literal || offset > len(text) {
		return it.Range
	}
	end := min(offset+max(length, 1), len(text)+1)
	at := func(i int) hcl.Pos {
		column := utf8.RuneCountInString(text[:min(i, len(text))]) + max(0, i-len(text))
		return hcl.Pos{Line: it.Range.Start.Line, Column: it.Range.Start.Column + 1 + column, Byte: it.Range.Start.Byte + 1 + i}
	}
	return hcl.Range{Filename: it.Range.Filename, Start: at(offset), End: at(end)}
}

// role declares neo4j "role".
func (d *declaration) role() {
	name := d.name()
	if err := checkRoleName(name); err != nil && !d.diags.HasErrors() {
		d.fail(d.block.At("name"), "Role name is refused", err.Error())
	}
	d.set("name", reconcile.Text(name))
	d.copyOf()
	grants := d.privileges("grant", AccessGrant)
	denies := d.privileges("deny", AccessDeny)
	for _, atom := range SortAtoms(keysOf(denies)) {
		if _, both := grants[atom]; both {
			d.warn(denies[atom].Range, "Privilege is granted and denied", atom.String()+" is in grant and in deny of this role. A denial beats a grant: the grant has no effect.")
		}
	}
}

// copyOf declares what a new role begins with.
func (d *declaration) copyOf() {
	if !d.has("copy_of") {
		return
	}
	if d.has("grant") || d.has("deny") {
		d.fail(d.block.At("copy_of"), "Copied privileges would be taken away", "grant and deny are managed as a whole: what copy_of brings and they do not name goes again. Keep either copy_of, or grant and deny.")
	}
	if d.object.TextAttr("name") == publicRole {
		d.fail(d.block.At("copy_of"), "PUBLIC cannot be created", "PUBLIC is a reserved role that every Neo4j has, so it is never made as a copy. Say what it may do with grant and deny.")
	}
	if text, ok := d.block.Value("copy_of").(reconcile.Text); ok {
		if err := checkRoleName(string(text)); err != nil {
			d.fail(d.block.At("copy_of"), "Role name is refused", err.Error())
		}
	}
	d.set("copy_of", d.block.Value("copy_of"))
}

func (d *declaration) privilegeError(it reconcile.Item, text string, err error) {
	var pe *PrivilegeError
	if !errors.As(err, &pe) {
		d.fail(it.Range, "Privilege does not parse", err.Error())
		return
	}
	at := inside(it, text, pe.Offset, pe.Length)
	if !it.Literal && pe.Offset < len(text) {
		d.fail(at, pe.Summary, "In "+reconcile.Text(text).String()+": "+pe.Remedy)
		return
	}
	d.fail(at, pe.Summary, pe.Remedy)
}

func keysOf[K comparable, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}
