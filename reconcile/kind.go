package reconcile

import "slices"

// Kind describes one kind of object, as data: which attributes a block of it takes, of which type, how each is compared with the live one, and what
// other blocks may refer to. The spec language is decoded by it, drift is computed by it, and the reference documentation is generated from it.
type Kind struct {
	System string
	Name   string // app, role; for a connection block the system's name
	Doc    string // one sentence for people
	Fields []Field
	Blocks []BlockKind // blocks that may stand inside
	// Exports are the attributes that other blocks may refer to, as in okta.app.etl.client_id.
	Exports []Export
	// Implicit kinds may be referred to without a block: the object is then read and used, never written (okta.authorization_server.default).
	Implicit bool
	// Ownable kinds may stand in an own block: their system can list what a pattern matches.
	Ownable bool
	// Watches are what drift reports of an object beside its attributes. They cannot be set; lifecycle.ignore_changes may name them.
	Watches []Watch
}

// Watch is something about an object that no attribute tells and that bears on access: how many secrets an app has. See [Watcher].
type Watch struct{ Name, Doc string }

// Watched finds a watch by name.
func (k Kind) Watched(name string) bool {
	return slices.ContainsFunc(k.Watches, func(w Watch) bool { return w.Name == name })
}

// BlockKind is a block inside a block: a policy's rule, an app's secret.
type BlockKind struct {
	Kind
	Labeled bool // takes one label, which names it
	Many    bool // may stand more than once
	Min     int  // at least so many must stand
}

// Field is one attribute of a kind.
type Field struct {
	Name     string
	Doc      string
	Type     Type
	Required bool
	Compare  Comparison
	// Enum, when not empty, lists the texts allowed (for collections: as members).
	Enum []string
	// Locates says that the attribute tells which live object is meant (a scope's authorization server): another value is another object, so it is never compared.
	Locates bool
	// Once says that the attribute is used when something is made and never compared afterwards: a password, what a role was copied from.
	Once bool
	// Echo says that the attribute repeats, for another place, what other attributes say (the conf file's copy of a setting): compared like any other, but told in a step's notes.
	Echo bool
	// Sensitive values are shown as (sensitive).
	Sensitive bool
	// Default is what a left-out attribute means in words, for the documentation; "" is "not managed".
	Default string
}

// Comparison is how a want is compared with what is live.
type Comparison int

const (
	// Exact compares value with value.
	Exact Comparison = iota
	// AsSet compares collections without order.
	AsSet
	// OwnedKeys compares only the members of a map that the want names; each is a difference of its own, and lists of texts inside compare as sets.
	OwnedKeys
	// Relative compares the order of the want's members among themselves; live members that the want does not name may stand anywhere between.
	Relative
)

// Base is the basic shape of an attribute.
type Base int

const (
	// TypeString is a text.
	TypeString Base = iota
	// TypeBool is true or false.
	TypeBool
	// TypeInt is a whole number.
	TypeInt
	// TypeDuration is a text such as "1h" or "90m" (Go's time.ParseDuration); decoded as Text in Go's canonical spelling ("1h0m0s").
	TypeDuration
	// TypeList is an ordered list of Elem, decoded as List.
	TypeList
	// TypeSet is a list whose order means nothing, decoded as Set.
	TypeSet
	// TypeMap has any keys and values of Elem, decoded as Map.
	TypeMap
	// TypeJSON is any value: texts, numbers, booleans, null, lists and maps, decoded as such.
	TypeJSON
	// TypeSecret is a secret: an expression of env("NAME") or secret_file("path"), decoded as Secret.
	TypeSecret
)

// Type is the type of an attribute.
type Type struct {
	Base Base
	Elem *Type // of list, set and map
	// Ref, when set on a string, lets a reference to a block of this kind stand where the text may stand; it means the attribute Ref.Export of that object.
	Ref *RefTo
}

// RefTo says what may be referred to.
type RefTo struct {
	// System and Kind name the objects; System "" means a kind of this name in any system, so that another identity provider fits without a change here.
	System, Kind string
	Export       string // which attribute of the object is meant by a bare reference
	// Only forbids a literal text: the value must be a reference.
	Only bool
}

// Export is an attribute that other blocks may refer to.
type Export struct {
	Name string
	Doc  string
	// Field names the attribute that gives the value when the block sets it; "" when no attribute does.
	Field string
	// BlockName says that the block's name is the value when Field is not set. Otherwise the value is known after apply.
	BlockName bool
}

// String is the type as people read it: string, list of string, map of bool.
func (t Type) String() string {
	switch t.Base {
	case TypeBool:
		return "bool"
	case TypeInt:
		return "number"
	case TypeDuration:
		return "duration"
	case TypeList:
		return "list of " + t.Elem.String()
	case TypeSet:
		return "set of " + t.Elem.String()
	case TypeMap:
		return "map of " + t.Elem.String()
	case TypeJSON:
		return "any"
	case TypeSecret:
		return "secret"
	}
	if t.Ref != nil {
		kind := t.Ref.Kind
		if t.Ref.System != "" {
			kind = t.Ref.System + "." + kind
		}
		if t.Ref.Only {
			return "reference to " + kind
		}
		return "string or " + kind
	}
	return "string"
}

// String types for the tables of kinds.
var (
	// String is a plain text.
	String = Type{Base: TypeString}
	// Bool is true or false.
	Bool = Type{Base: TypeBool}
	// Integer is a whole number.
	Integer = Type{Base: TypeInt}
	// Duration is a text as time.ParseDuration takes it.
	Duration = Type{Base: TypeDuration}
	// JSON is any value.
	JSON = Type{Base: TypeJSON}
	// SecretText is a secret.
	SecretText = Type{Base: TypeSecret}
)

// SetOfType is an unordered list of elem.
func SetOfType(elem Type) Type { return Type{Base: TypeSet, Elem: &elem} }

// ListOfType is an ordered list of elem.
func ListOfType(elem Type) Type { return Type{Base: TypeList, Elem: &elem} }

// MapOfType is a map of elem.
func MapOfType(elem Type) Type { return Type{Base: TypeMap, Elem: &elem} }

// Reference is a text for which a reference to system.kind may stand, meaning its attribute export; system "" is any.
func Reference(system, kind, export string) Type {
	return Type{Base: TypeString, Ref: &RefTo{System: system, Kind: kind, Export: export}}
}

// Field finds a field by name.
func (k Kind) Field(name string) (Field, bool) {
	for _, f := range k.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}
