package reconcile

import (
	"cmp"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Object is one thing a system holds, as the spec wants it or as it is live. Both sides have the same shape, so that they can be compared.
//
// A want lists only the attributes that the spec sets: an attribute left out is not managed, never reset and never drift. A live object lists all
// that was read of the attributes its kind knows.
type Object struct {
	Addr  Addr
	Attrs []Attr // sorted by name
	// Facts are values that the system gave and nobody sets: ids, issuers, a generated client_id. References are resolved from them. Live only.
	Facts map[string]Value
	// Needs are the objects that must exist while this one does, in address order. Want only.
	Needs []Addr
	// Reference marks an object that the spec uses and does not declare: it is read, never written, and an error when missing.
	Reference bool
	// Absent says that the object must not exist (a removed block): live, it is deleted. Want only.
	Absent bool
	// Formerly are the names that the object had before moved blocks renamed it, the newest first: a live object of one of them is this one, and is renamed in place.
	// Names that it still has are none of them. Want only.
	Formerly  []string
	Lifecycle Lifecycle
	Range     hcl.Range // where it is declared; zero when live
	// Protected says why the object must never be deleted ("PUBLIC is a reserved role"); "" when it may be. Live only.
	Protected string
	// Notes are told with the object wherever it is shown: "nobody receives this app's secret".
	Notes []Note
}

// Attr is one attribute.
type Attr struct {
	Name  string
	Value Value
	Range hcl.Range // where the spec sets it; zero when live
	// Items are the places of a collection's members, where the spec wrote them out.
	Items []Item
}

// Note is a remark with a label, shown under an object: {"restart", "not needed"}.
type Note struct{ Label, Text string }

// Get gives an attribute's value, or nil.
func (o Object) Get(name string) Value {
	if a, ok := o.Attr(name); ok {
		return a.Value
	}
	return nil
}

// Attr finds an attribute by name.
func (o Object) Attr(name string) (Attr, bool) {
	i, ok := slices.BinarySearchFunc(o.Attrs, name, func(a Attr, name string) int { return cmp.Compare(a.Name, name) })
	if !ok {
		return Attr{}, false
	}
	return o.Attrs[i], true
}

// Set puts an attribute in its place, replacing one of the same name. A nil value removes it.
func (o *Object) Set(a Attr) {
	i, ok := slices.BinarySearchFunc(o.Attrs, a.Name, func(b Attr, name string) int { return cmp.Compare(b.Name, name) })
	switch {
	case ok && a.Value == nil:
		o.Attrs = slices.Delete(o.Attrs, i, i+1)
	case ok:
		o.Attrs[i] = a
	case a.Value != nil:
		o.Attrs = slices.Insert(o.Attrs, i, a)
	}
}

// ShareWith takes no more memory than an object needs that is much like another: its values are the other's where they are the same, and its attributes have no room to grow.
// Thousands of live objects stay while a plan is made, and most are as the spec wants them.
func (o *Object) ShareWith(other Object) {
	o.Attrs = slices.Clone(o.Attrs)
	for i, a := range o.Attrs {
		if v := other.Get(a.Name); v != nil && identical(a.Value, v) {
			o.Attrs[i].Value = v
		}
	}
}

// TextAttr gives a text attribute, "" when it is absent or not a text.
func (o Object) TextAttr(name string) string {
	t, _ := o.Get(name).(Text)
	return string(t)
}

// Need adds objects to Needs, keeping it sorted and without doubles.
func (o *Object) Need(addrs ...Addr) {
	o.Needs = append(o.Needs, addrs...)
	slices.SortFunc(o.Needs, CompareAddr)
	o.Needs = slices.Compact(o.Needs)
}
