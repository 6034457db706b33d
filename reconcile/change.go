package reconcile

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Change is what has to happen to one object. The sum is closed: [Create], [Update] and [Delete].
type Change interface {
	// Addr is the object's address.
	Addr() Addr
	// Action is what happens, as its glyph.
	Action() Action
	change()
}

// Action is what a change does; its value is the glyph that shows it.
type Action rune

// The actions.
const (
	ActionCreate Action = '+'
	ActionUpdate Action = '~'
	ActionDelete Action = '-'
)

type (
	// Create makes an object that is not there.
	Create struct{ Want Object }
	// Update changes the attributes in Diffs, and nothing else.
	Update struct {
		Live, Want Object
		Diffs      []Diff
	}
	// Delete takes an object away.
	Delete struct{ Live Object }
)

// Addr is the wanted object's address.
func (c Create) Addr() Addr { return c.Want.Addr }

// Addr is the object's address.
func (c Update) Addr() Addr { return c.Want.Addr }

// Addr is the live object's address.
func (c Delete) Addr() Addr { return c.Live.Addr }

// Action is +.
func (Create) Action() Action { return ActionCreate }

// Action is ~.
func (Update) Action() Action { return ActionUpdate }

// Action is -.
func (Delete) Action() Action { return ActionDelete }

func (Create) change() {}
func (Update) change() {}
func (Delete) change() {}

// Sides are the object before a change and after it, as far as there is such a thing.
func Sides(c Change) []Object {
	switch c := c.(type) {
	case Create:
		return []Object{c.Want}
	case Update:
		return []Object{c.Live, c.Want}
	case Delete:
		return []Object{c.Live}
	}
	return nil
}

// Range is where the spec declares the object of a change; zero for a deletion.
func Range(c Change) hcl.Range {
	switch c := c.(type) {
	case Create:
		return c.Want.Range
	case Update:
		return c.Want.Range
	}
	return hcl.Range{}
}

// changesIn are the changes that steps make.
func changesIn(steps []Step) []Change {
	changes := make([]Change, len(steps))
	for i, s := range steps {
		changes[i] = s.Change
	}
	return changes
}

// Diff finds the difference of one attribute, false when the update leaves it alone. For a map with owned keys the name is attribute.key.
func (c Update) Diff(name string) (Diff, bool) {
	i := slices.IndexFunc(c.Diffs, func(d Diff) bool { return d.Name == name })
	if i < 0 {
		return Diff{}, false
	}
	return c.Diffs[i], true
}

// Policy says what may be done about a drift.
type Policy struct {
	// Destroy deletes every object that the spec declares, instead of converging it.
	Destroy bool
	// Prune deletes what own blocks match and no block declares; without it such objects are only reported.
	Prune bool
}

// Police turns a drift into changes. Objects that the spec only refers to are never changed; protected ones are never deleted: they are left, and told
// in the second result. prevent_destroy is a diagnostic.
func Police(d Drift, p Policy) ([]Change, []Kept, hcl.Diagnostics) {
	var changes []Change
	var kept []Kept
	var diags hcl.Diagnostics
	for _, it := range d.Items {
		switch {
		case it.Want.Reference:
		case it.State == Extra && it.Own != nil && !p.Prune:
		case it.State == Extra:
			c, k, diag := policeExtra(it)
			if c != nil {
				changes = append(changes, c)
			}
			if k != nil {
				kept = append(kept, *k)
			}
			diags = diags.Extend(diag)
		case it.Want.Absent:
		case p.Destroy:
			c, k, diag := policeDestroy(it)
			if c != nil {
				changes = append(changes, c)
			}
			if k != nil {
				kept = append(kept, *k)
			}
			diags = diags.Extend(diag)
		case it.State == Missing:
			changes = append(changes, Create{Want: it.Want})
		case it.State == Drifted:
			changes = append(changes, Update{Live: it.Live, Want: it.Want, Diffs: it.Diffs})
		}
	}
	return changes, kept, diags
}

// Undoing are the changes that would undo a drift, those included that no plan may make: what an own block matches goes, whether its lifecycle block holds it or not.
func Undoing(d Drift) []Change {
	var changes []Change
	for _, it := range d.Items {
		switch {
		case it.Want.Reference || it.State != Extra && it.Want.Absent:
		case it.State == Extra && it.Live.Protected == "":
			changes = append(changes, Delete{Live: it.Live})
		case it.State == Missing:
			changes = append(changes, Create{Want: it.Want})
		case it.State == Drifted:
			changes = append(changes, Update{Live: it.Live, Want: it.Want, Diffs: it.Diffs})
		}
	}
	return changes
}

// Kept is an object that was to be deleted and is not.
type Kept struct {
	Addr Addr
	Why  string
}

// Kept lists what removed blocks name and what is never deleted all the same.
func (d Drift) Kept() []Kept {
	var kept []Kept
	for _, it := range d.Items {
		if it.State == Extra && it.Own == nil && it.Live.Protected != "" {
			kept = append(kept, Kept{Addr: it.Addr, Why: it.Live.Protected})
		}
	}
	return kept
}

// policeExtra deletes what must not be there. An own block's prevent_destroy holds for all that it matches.
func policeExtra(it DriftItem) (Change, *Kept, hcl.Diagnostics) {
	switch {
	case it.Own != nil && it.Own.Lifecycle.PreventDestroy:
		return nil, nil, hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "Object is protected from deletion",
			Detail:   it.Addr.String() + " would be pruned, and the own block that matches it has prevent_destroy = true. Remove that line to allow it, or declare the object to keep it.",
			Subject:  it.Own.Range.Ptr(),
		}}
	case it.Live.Protected != "":
		return nil, &Kept{Addr: it.Addr, Why: it.Live.Protected}, nil
	}
	return Delete{Live: it.Live}, nil, nil
}

func policeDestroy(it DriftItem) (Change, *Kept, hcl.Diagnostics) {
	switch {
	case it.State == Missing || it.State == Unreadable:
		return nil, nil, nil
	case it.Want.Lifecycle.PreventDestroy:
		return nil, nil, hcl.Diagnostics{{
			Severity: hcl.DiagError,
			Summary:  "Object is protected from deletion",
			Detail:   it.Addr.String() + " has prevent_destroy = true in its lifecycle block. Remove that line to allow it to be deleted.",
			Subject:  it.Want.Range.Ptr(),
		}}
	case it.Live.Protected != "":
		return nil, &Kept{Addr: it.Addr, Why: it.Live.Protected}, nil
	}
	live := it.Live
	live.Needs = it.Want.Needs // a deletion goes before that of what the object needed
	return Delete{Live: live}, nil, nil
}
