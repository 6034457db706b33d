package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// State is what a comparison found about one object; every object of the spec is in exactly one.
type State string

// The states.
const (
	InSync     State = "in sync"
	Drifted    State = "drifted"
	Missing    State = "missing"
	Unreadable State = "unreadable"
	// Extra is live and must not be: declared by a removed block, or matched by an own block and not declared.
	Extra State = "extra"
	// Foreign was seen, and the spec neither declares nor owns it. It is nobody's mistake: reports list it only when asked to.
	Foreign State = "foreign"
)

// Drift is the comparison of a whole spec with what is live, in address order.
type Drift struct {
	Items []DriftItem
}

// DriftItem is the comparison of one object.
type DriftItem struct {
	Addr  Addr
	State State
	Want  Object // with references resolved as far as they are known
	Live  Object // zero when missing or unreadable
	Diffs []Diff // when drifted
	Err   error  // when unreadable
	Own   *Own   // when extra because an own block matches it; nil for a removed block
	// Ignored lists attributes that differ and that lifecycle.ignore_changes leaves alone.
	Ignored []string
	// Gravity is how grave the drift is for access, and Means says what it does, one line each, as far as no single difference tells it. [Weigh] sets both.
	Gravity Gravity
	Means   []string
	// By is who made the object what it is, nil when nobody asked; differences have their own. [Attribute] sets it.
	By *Attribution
}

// Diff is the difference of one attribute. Live or Want is nil where that side has nothing.
type Diff struct {
	Name       string // attribute, or attribute.key for a map with owned keys
	Live, Want Value
	// Added and Removed are the members that a set gains and loses; both empty when the attribute is no set.
	Added, Removed []Value
	Field          Field
	Range          hcl.Range // where the spec sets the attribute
	// Watched says that this is nothing a spec can set, and so nothing that a plan would undo: a [Watcher] saw it.
	Watched bool
	// Remedy says what to do about a watched difference, a sentence.
	Remedy string
	// Sources are the system's ids of the objects that make a watched difference, for the log.
	Sources []string
	// Gravity, Means and By are this difference's own, as in [DriftItem].
	Gravity Gravity
	Means   []string
	By      *Attribution
}

// Count says how many items are in a state.
func (d Drift) Count(s State) int {
	n := 0
	for _, it := range d.Items {
		if it.State == s && !it.Want.Reference {
			n++
		}
	}
	return n
}

// Item finds the comparison of an object.
func (d Drift) Item(a Addr) (DriftItem, bool) {
	i, found := slices.BinarySearchFunc(d.Items, a, func(it DriftItem, a Addr) int { return CompareAddr(it.Addr, a) })
	if !found {
		return DriftItem{}, false
	}
	return d.Items[i], true
}

// Compare compares wanted objects with live ones. Only attributes that the want has are compared: what the spec leaves out is unmanaged, and never
// drift. References are resolved from the live objects first; one that stays unknown differs from anything.
func Compare(kinds []Kind, want []Object, live Live) Drift {
	byAddr := make(map[Addr]*Object, len(live.Objects))
	for i := range live.Objects {
		byAddr[live.Objects[i].Addr] = &live.Objects[i]
	}
	fields := fieldsOf(kinds)
	lookup := func(r Ref) (Value, bool) {
		if o, found := byAddr[r.Addr]; found {
			return o.Lookup(r.Attr)
		}
		return nil, false
	}
	d := Drift{Items: make([]DriftItem, 0, len(want))}
	for _, w := range want {
		if !w.known() { // most are, and need no copy
			w = ResolveObject(w, lookup)
		}
		it := DriftItem{Addr: w.Addr, Want: w}
		l, found := byAddr[w.Addr]
		switch {
		case live.Unread[w.Addr] != nil:
			it.State, it.Err = Unreadable, live.Unread[w.Addr]
		case w.Absent && found:
			it.State, it.Live = Extra, *l
		case w.Absent:
			it.State = InSync
		case !found:
			it.State = Missing
		default:
			it.Live = *l
			it.Diffs, it.Ignored = diffObject(fields[w.Addr.System+"."+w.Addr.Kind], w, *l)
			it.Diffs = addDue(it.Diffs, live.Due[w.Addr])
			it.State = InSync
			if len(it.Diffs) > 0 {
				it.State = Drifted
			}
			if err := restsOnUnread(it.Diffs, live.Unread); err != nil { // nobody knows whether it differs
				it.State, it.Err, it.Diffs = Unreadable, err, nil
			}
		}
		d.Items = append(d.Items, it)
	}
	d.sort()
	return d
}

// restsOnUnread is why differences cannot be told: one is against a value of an object that could not be read.
func restsOnUnread(diffs []Diff, unread map[Addr]error) error {
	var why error
	for _, d := range diffs {
		if d.Want == nil {
			continue
		}
		Resolve(d.Want, func(r Ref) (Value, bool) {
			if err := unread[r.Addr]; err != nil && why == nil {
				why = fmt.Errorf("%s needs %s of %s: %w", d.Name, r.Attr, r.Addr, err)
			}
			return nil, false
		})
	}
	return why
}

func (d *Drift) sort() {
	slices.SortFunc(d.Items, func(a, b DriftItem) int { return CompareAddr(a.Addr, b.Addr) })
}

// AddUnread notes that what an own block matches could not be read, at the address that a block named as its pattern would have.
func (d *Drift) AddUnread(own Own, err error) {
	addr := Addr{System: own.System, Connection: own.Connection, Kind: own.Kind, Name: own.Match}
	d.Items = append(d.Items, DriftItem{Addr: addr, State: Unreadable, Err: err, Own: &own})
	d.sort()
}

// AddExtra adds live objects that an own block matches and no block declares.
func (d *Drift) AddExtra(own Own, extra []Object) {
	known := make(map[Addr]bool, len(d.Items))
	for _, it := range d.Items {
		known[it.Addr] = true
	}
	for _, o := range extra {
		if !known[o.Addr] {
			d.Items = append(d.Items, DriftItem{Addr: o.Addr, State: Extra, Live: o, Own: &own})
		}
	}
	d.sort()
}

// fieldsOf maps system.kind, inner blocks included, to its fields by name.
func fieldsOf(kinds []Kind) map[string]map[string]Field {
	all := make(map[string]map[string]Field)
	var add func(system string, k Kind)
	add = func(system string, k Kind) {
		m := make(map[string]Field, len(k.Fields))
		for _, f := range k.Fields {
			m[f.Name] = f
		}
		all[system+"."+k.Name] = m
		for _, b := range k.Blocks {
			add(system, b.Kind)
		}
	}
	for _, k := range kinds {
		add(k.System, k)
	}
	return all
}

// addDue adds what is still to be done to differences, where they do not say it already.
func addDue(diffs, due []Diff) []Diff {
	for _, d := range due {
		if !slices.ContainsFunc(diffs, func(have Diff) bool { return have.Name == d.Name }) {
			diffs = append(diffs, d)
		}
	}
	return diffs
}

func diffObject(fields map[string]Field, want, live Object) (diffs []Diff, ignored []string) {
	for _, a := range want.Attrs {
		f := fields[a.Name]
		if f.Once {
			continue
		}
		if f.Locates || slices.Contains(want.Lifecycle.IgnoreChanges, a.Name) {
			if !f.Locates && len(diffAttr(f, a, live.Get(a.Name))) > 0 {
				ignored = append(ignored, a.Name)
			}
			continue
		}
		for _, d := range diffAttr(f, a, live.Get(a.Name)) {
			if slices.Contains(want.Lifecycle.IgnoreChanges, d.Name) {
				ignored = append(ignored, d.Name)
				continue
			}
			diffs = append(diffs, d)
		}
	}
	return diffs, ignored
}

// diffAttr compares one attribute by the rule of its field.
func diffAttr(f Field, want Attr, live Value) []Diff {
	d := Diff{Name: want.Name, Live: live, Want: want.Value, Field: f, Range: want.Range}
	switch f.Compare {
	case AsSet:
		if d.Added, d.Removed = diffSets(want.Value, live); len(d.Added)+len(d.Removed) == 0 && live != nil {
			return nil
		}
	case OwnedKeys:
		return diffKeys(f, want, live)
	case Relative:
		if inOrder(Texts(want.Value), Texts(live)) {
			return nil
		}
	default:
		if Equal(want.Value, live) {
			return nil
		}
	}
	return []Diff{d}
}

// diffSets gives the members of want that live lacks, and the other way round.
func diffSets(want, live Value) (added, removed []Value) {
	if slices.EqualFunc(Members(want), Members(live), sameText) { // most are
		return nil, nil
	}
	return missingFrom(Members(want), Members(live)), missingFrom(Members(live), Members(want))
}

func sameText(a, b Value) bool {
	t, text := a.(Text)
	return text && b == Value(t)
}

func missingFrom(from, in []Value) []Value {
	have := make(map[string]bool, len(in))
	for _, v := range in {
		have[canonical(v)] = true
	}
	return slices.DeleteFunc(slices.Clone(from), func(v Value) bool { return have[canonical(v)] })
}

// diffKeys compares the members of a map that the want names. Lists of texts inside are sets: groups have no order.
func diffKeys(f Field, want Attr, live Value) []Diff {
	wm, _ := want.Value.(Map)
	lm, _ := live.(Map)
	var diffs []Diff
	for _, k := range slices.Sorted(maps.Keys(wm)) {
		d := Diff{Name: want.Name + "." + k, Live: lm[k], Want: wm[k], Field: f, Range: itemRange(want, k)}
		if isTextList(d.Want) && (d.Live == nil || isTextList(d.Live)) {
			d.Added, d.Removed = diffSets(d.Want, d.Live)
			if len(d.Added)+len(d.Removed) == 0 && d.Live != nil {
				continue
			}
		} else if Equal(d.Want, d.Live) {
			continue
		}
		diffs = append(diffs, d)
	}
	return diffs
}

func itemRange(a Attr, key string) hcl.Range {
	for _, it := range a.Items {
		if it.Key == key {
			return it.Range
		}
	}
	return a.Range
}

// isTextList says whether v is a list or set of which every member is a text or will be one.
func isTextList(v Value) bool {
	switch v.(type) {
	case List, Set:
	default:
		return false
	}
	return !slices.ContainsFunc(Members(v), func(m Value) bool {
		switch m.(type) {
		case Text, Ref, Join:
			return false
		}
		return true
	})
}

// inOrder says whether the names in want that stand in live too stand there in want's order, and all do.
func inOrder(want, live []string) bool {
	at := make(map[string]int, len(live))
	for i, name := range live {
		at[name] = i
	}
	last := -1
	for _, name := range want {
		i, ok := at[name]
		if !ok || cmp.Less(i, last) {
			return false
		}
		last = i
	}
	return true
}
