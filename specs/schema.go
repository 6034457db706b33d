package specs

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"keymaker/reconcile"
)

// schemaVersion is the format of what [Schema] gives. The second number grows when something is added, the first when a reader would have to change.
const schemaVersion = "1.1"

type schemaFile struct {
	FormatVersion string           `json:"format_version"`
	Blocks        []schemaBlock    `json:"blocks"`
	References    []schemaRoot     `json:"references"`
	Functions     []schemaFunction `json:"functions"`
}

type schemaBlock struct {
	Type        string        `json:"type"`
	Labels      []schemaLabel `json:"labels"`
	Description string        `json:"description,omitempty"`
	Min         int           `json:"min"`
	Many        bool          `json:"many"`
	// AnyAttribute says that attributes of any other name may stand in the block, with values of any type.
	AnyAttribute bool              `json:"any_attribute,omitempty"`
	Attributes   []schemaAttribute `json:"attributes"`
	Blocks       []schemaBlock     `json:"blocks"`
	// Exports are the attributes that references may name.
	Exports []schemaExport `json:"exports,omitempty"`
	// Implicit says that references need no block.
	Implicit bool `json:"implicit,omitempty"`
}

// schemaLabel is a label: of one value, or of any name.
type schemaLabel struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
	// Optional labels may be left out; only the last can be.
	Optional bool `json:"optional,omitempty"`
}

type schemaAttribute struct {
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Type        schemaType `json:"type"`
	Required    bool       `json:"required"`
	Default     string     `json:"default,omitempty"` // in words: what leaving it out means
	Enum        []string   `json:"enum,omitempty"`
	Sensitive   bool       `json:"sensitive,omitempty"`
	Compare     string     `json:"compare,omitempty"`
	Locates     bool       `json:"locates,omitempty"`
}

type schemaType struct {
	Base      string           `json:"base"`
	Element   *schemaType      `json:"element,omitempty"`
	Reference *schemaReference `json:"reference,omitempty"`
	Text      string           `json:"text"` // as people read it
}

type schemaReference struct {
	System    string `json:"system,omitempty"` // none: any
	Kind      string `json:"kind"`
	Attribute string `json:"attribute"` // what a reference to the object means
	Only      bool   `json:"only"`      // a text is refused
}

type schemaExport struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Known       string `json:"known"` // when: from the spec, or after apply
}

type schemaRoot struct {
	Name        string `json:"name"`
	Form        string `json:"form"`
	Description string `json:"description"`
}

type schemaFunction struct {
	Name       string   `json:"name"`
	Parameters []string `json:"parameters"`
	Variadic   string   `json:"variadic,omitempty"` // the name of what may be repeated at the end
}

// Schema describes the spec language as JSON, for editors and other tools: the blocks, their attributes with types, documentation and allowed values, what
// can be referred to, and the functions. It is made of the declarations that decode the blocks, and the same languages give the same bytes. The error is
// one of encoding, and does not happen.
func Schema(languages []Language) ([]byte, error) {
	file := schemaFile{FormatVersion: schemaVersion, Blocks: coreBlocks(), References: coreReferences(), Functions: schemaFunctions(languages)}
	for _, lang := range languages {
		file.Blocks = append(file.Blocks, surplusBlocks(lang)...)
		connection := kindBlock(lang.Connection(), connectionWord, []schemaLabel{{Name: "system", Value: lang.System()}, {Name: "name", Optional: true}})
		connection.Many = true
		file.Blocks = append(file.Blocks, connection)
		for _, k := range lang.Kinds() {
			b := kindBlock(k, lang.System(), []schemaLabel{{Name: "kind", Value: k.Name}, {Name: "name"}})
			b.Many = true
			b.Attributes = append(b.Attributes, forEachAttribute, connectionAttribute)
			b.Blocks = append(b.Blocks, lifecycleBlock())
			file.Blocks = append(file.Blocks, b)
		}
		file.References = append(file.References, schemaRoot{lang.System(), lang.System() + ".KIND.NAME.ATTRIBUTE", "An object of " + lang.System() + ", or one of its attributes; " + lang.System() + ".CONNECTION.KIND.NAME.ATTRIBUTE on a named connection."})
	}
	return json.MarshalIndent(file, "", "  ")
}

// kindBlock describes a block by its kind. Attributes that are worked out and not written are left out.
func kindBlock(k reconcile.Kind, typ string, labels []schemaLabel) schemaBlock {
	b := schemaBlock{Type: typ, Labels: labels, Description: k.Doc, Attributes: []schemaAttribute{}, Blocks: []schemaBlock{}, Implicit: k.Implicit}
	for _, f := range k.Fields {
		if !f.Echo {
			b.Attributes = append(b.Attributes, schemaAttribute{
				Name: f.Name, Description: f.Doc, Type: describeType(f.Type), Required: f.Required, Default: f.Default, Enum: f.Enum,
				Sensitive: f.Sensitive || f.Type.Base == reconcile.TypeSecret, Compare: comparison(f.Compare), Locates: f.Locates,
			})
		}
	}
	for _, inner := range k.Blocks {
		labels := []schemaLabel{}
		if inner.Labeled {
			labels = append(labels, schemaLabel{Name: "name"})
		}
		c := kindBlock(inner.Kind, inner.Name, labels)
		c.Min, c.Many = inner.Min, inner.Many
		b.Blocks = append(b.Blocks, c)
	}
	for _, e := range k.Exports {
		known := "after apply"
		switch {
		case e.BlockName:
			known = "from the spec"
		case e.Field != "":
			known = "from the spec when it sets " + e.Field + ", else after apply"
		}
		b.Exports = append(b.Exports, schemaExport{e.Name, e.Doc, known})
	}
	return b
}

func comparison(c reconcile.Comparison) string {
	switch c {
	case reconcile.AsSet:
		return "set"
	case reconcile.OwnedKeys:
		return "owned keys"
	case reconcile.Relative:
		return "relative order"
	}
	return "exact"
}

func describeType(t reconcile.Type) schemaType {
	out := schemaType{Text: t.String()}
	switch t.Base {
	case reconcile.TypeBool:
		out.Base = "bool"
	case reconcile.TypeInt:
		out.Base = "integer"
	case reconcile.TypeDuration:
		out.Base = "duration"
	case reconcile.TypeList:
		out.Base = "list"
	case reconcile.TypeSet:
		out.Base = "set"
	case reconcile.TypeMap:
		out.Base = "map"
	case reconcile.TypeJSON:
		out.Base = "any"
	case reconcile.TypeSecret:
		out.Base = "secret"
	default:
		out.Base = "string"
	}
	if t.Elem != nil {
		e := describeType(*t.Elem)
		out.Element = &e
	}
	if t.Ref != nil {
		out.Reference = &schemaReference{t.Ref.System, t.Ref.Kind, t.Ref.Export, t.Ref.Only}
	}
	return out
}

var (
	anyType  = schemaType{Base: "any", Text: "any"}
	textType = describeType(reconcile.String)
	boolType = describeType(reconcile.Bool)
	// addressType is not evaluated: the address is written out.
	addressType = schemaType{Base: "address", Text: "address"}
	nameLabel   = []schemaLabel{{Name: "name"}}

	forEachAttribute = schemaAttribute{Name: forEach, Type: schemaType{Base: "any", Text: "map or set of string"},
		Description: "Makes one for each key of the map or each text of the set; each.key and each.value tell which."}
	connectionAttribute = schemaAttribute{Name: connectionWord, Type: schemaType{Base: "connection", Text: "connection"},
		Description: "Which server it is on, written out as connection.SYSTEM.NAME. Left out is the unnamed connection, or the one that the module was handed."}
)

// coreBlocks are the blocks that belong to no system.
func coreBlocks() []schemaBlock {
	none := []schemaBlock{}
	return []schemaBlock{
		{Type: "variable", Labels: nameLabel, Many: true, Description: "A value that is given from outside.", Attributes: []schemaAttribute{
			{Name: "type", Type: anyType, Default: "any", Description: "The type: string, number, bool, list(…), set(…), map(…), object({…}) with optional(…), tuple([…]), any."},
			{Name: "default", Type: anyType, Description: "The value when none is given. Without it one has to be."},
			{Name: "description", Type: textType, Description: "What it is for."},
			{Name: "sensitive", Type: boolType, Default: "false", Description: "Its value is never shown."},
			{Name: "nullable", Type: boolType, Default: "true", Description: "Whether null may be given."},
		}, Blocks: []schemaBlock{{Type: "validation", Labels: []schemaLabel{}, Many: true, Description: "A condition on the value.", Blocks: none, Attributes: []schemaAttribute{
			{Name: "condition", Type: boolType, Required: true, Description: "Has to be true."},
			{Name: "error_message", Type: textType, Required: true, Description: "What is said when it is not."},
		}}}},
		{Type: "locals", Labels: []schemaLabel{}, Many: true, AnyAttribute: true, Description: "Names for values, local.NAME.", Attributes: []schemaAttribute{}, Blocks: none},
		{Type: "output", Labels: nameLabel, Many: true, Description: "A value shown after apply, or given to whoever uses the folder as a module.", Blocks: none, Attributes: []schemaAttribute{
			{Name: "value", Type: anyType, Required: true, Description: "The value."},
			{Name: "description", Type: textType, Description: "What it is."},
			{Name: "sensitive", Type: boolType, Default: "false", Description: "Its value is never shown."},
		}},
		{Type: "module", Labels: nameLabel, Many: true, AnyAttribute: true, Description: "Reuses a folder. Other attributes are the variables of that folder.", Blocks: none, Attributes: []schemaAttribute{
			{Name: sourceAttribute, Type: textType, Required: true, Description: "The folder, starting with ./ or ../, relative to the folder of this file."},
			forEachAttribute,
			{Name: connectionsAttribute, Type: schemaType{Base: "connections", Text: "map of connection"},
				Description: "Which connection the module's objects of a system are on, { SYSTEM = connection.SYSTEM.NAME }. What is left out is as where the block stands."},
		}},
		{Type: "moved", Labels: []schemaLabel{}, Many: true, Description: "A block or key that was renamed: the live object is renamed in place.", Blocks: none, Attributes: []schemaAttribute{
			{Name: "from", Type: addressType, Required: true, Description: "The address that the object had."},
			{Name: "to", Type: addressType, Required: true, Description: "The address that it has now, of the same kind."},
			{Name: "name", Type: textType, Default: "the name of the block that was renamed", Description: "What the object was called in its system. Needed when the old address has a key."},
		}},
		{Type: "removed", Labels: []schemaLabel{}, Many: true, AnyAttribute: true, Blocks: none,
			Description: "An object whose block is gone, by its address: when it is there, it is deleted. Beside from it takes what the blocks below take for the object's kind, but connection.",
			Attributes: []schemaAttribute{
				{Name: fromAttribute, Type: addressType, Required: true, Description: "The address that the object had, or that of a rule inside its policy."},
			}},
	}
}

// surplusBlocks are the blocks that say which objects of a system are not to be.
func surplusBlocks(lang Language) []schemaBlock {
	var blocks []schemaBlock
	for _, k := range lang.Kinds() {
		labels := []schemaLabel{{Name: "system", Value: lang.System()}, {Name: "kind", Value: k.Name}}
		gone := removedKind(k)
		gone.Doc, gone.Exports, gone.Implicit = "An object that must not exist: when it is there, it is deleted.", nil, false
		removed, own := kindBlock(gone, "removed", append(labels, schemaLabel{Name: "name"})), kindBlock(ownKind, "own", labels)
		removed.Many, own.Many = true, true
		removed.Attributes, own.Attributes = append(removed.Attributes, connectionAttribute), append(own.Attributes, connectionAttribute)
		blocks = append(blocks, removed, own)
	}
	return blocks
}

func lifecycleBlock() schemaBlock {
	return schemaBlock{Type: "lifecycle", Labels: []schemaLabel{}, Description: "What must not happen to the object.", Blocks: []schemaBlock{}, Attributes: []schemaAttribute{
		{Name: "prevent_destroy", Type: boolType, Default: "false", Description: "A plan that would delete the object is an error."},
		{Name: "ignore_changes", Type: schemaType{Base: "list", Element: &textType, Text: "list of attribute names"}, Description: "Attributes that are set at create and then left alone."},
	}}
}

func coreReferences() []schemaRoot {
	return []schemaRoot{
		{"var", "var.NAME", "A variable."},
		{"local", "local.NAME", "A local."},
		{"each", "each.key, each.value", "The member of for_each that this one is made for."},
		{"module", "module.NAME.OUTPUT", "An output of a module."},
	}
}

func schemaFunctions(languages []Language) []schemaFunction {
	functions := newLoader(".", languages, Options{}, newSource()).functions
	out := make([]schemaFunction, 0, len(functions))
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		f := functions[name]
		s := schemaFunction{Name: name, Parameters: []string{}}
		for _, p := range f.Params() {
			s.Parameters = append(s.Parameters, parameter(p))
		}
		if v := f.VarParam(); v != nil {
			s.Variadic = parameter(*v)
		}
		out = append(out, s)
	}
	return out
}

func parameter(p function.Parameter) string {
	if p.Type == cty.DynamicPseudoType {
		return p.Name
	}
	return p.Name + ": " + p.Type.FriendlyName()
}
