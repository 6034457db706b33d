package reconcile

import "github.com/hashicorp/hcl/v2"

// Block is a declaration of the spec, decoded by its [Kind]: types are checked, expressions evaluated, references resolved or kept as [Ref].
// What remains for a system is to make [Object] of it and to check what only the system knows.
type Block struct {
	Addr   Addr   // of an object block; zero for connections and unlabeled inner blocks
	Type   string // the word the block starts with inside its parent: rule, secret; "" at the top
	Name   string // the label
	Fields map[string]Argument
	Blocks []Block
	Range  hcl.Range // the header, for diagnostics about the block as a whole
	// Needs are the objects that this block's expressions refer to, in address order, inner blocks included.
	Needs     []Addr
	Lifecycle Lifecycle
	// Removed says that this is a removed block: its object must not exist. Fields holds only what tells which object is meant, whatever else the kind requires, and
	// there are no inner blocks. The system makes the one object that is looked for and checks nothing else; what else it makes is dropped.
	Removed bool
	// Dir is the folder of the spec: relative paths in it start there.
	Dir string
}

// Argument is one attribute as the spec gives it.
type Argument struct {
	Value Value
	Range hcl.Range // the expression
	// Items tells where each member of a list, set or map was written, in source order; empty when the expression is not a literal collection.
	Items []Item
}

// Item is one member of a literal collection.
type Item struct {
	Key   string // of a map
	Value Value
	Range hcl.Range
	// Literal says that Range is a plain quoted string without escapes or templates: byte i of the text stands at Range.Start.Byte+1+i.
	Literal bool
}

// Lifecycle is a block's lifecycle block.
type Lifecycle struct {
	PreventDestroy bool
	IgnoreChanges  []string // attribute names; members of a map as profile.key
	// Range is where the block stands that says so; zero when there is none.
	Range hcl.Range
}

// Has says whether the spec sets the attribute.
func (b Block) Has(name string) bool { _, ok := b.Fields[name]; return ok }

// Value gives an attribute, nil when it is left out.
func (b Block) Value(name string) Value { return b.Fields[name].Value }

// Text gives a known text attribute, fallback when it is left out, null or not known yet.
func (b Block) Text(name, fallback string) string {
	if t, ok := b.Fields[name].Value.(Text); ok {
		return string(t)
	}
	return fallback
}

// At is the place of an attribute, the block's header when it is left out.
func (b Block) At(name string) hcl.Range {
	if a, ok := b.Fields[name]; ok {
		return a.Range
	}
	return b.Range
}

// Inner lists the inner blocks of a type, in source order.
func (b Block) Inner(typ string) []Block {
	var inner []Block
	for _, c := range b.Blocks {
		if c.Type == typ {
			inner = append(inner, c)
		}
	}
	return inner
}
