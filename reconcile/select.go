package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Selection narrows a plan to some of the spec's objects. The zero Selection takes all.
type Selection struct {
	Targets  []string // addresses; none means all
	Excludes []string // addresses
}

// IsZero says whether everything is taken.
func (s Selection) IsZero() bool { return len(s.Targets)+len(s.Excludes) == 0 }

// Partial says what a plan leaves out, and why. The zero Partial is a plan of the whole spec.
type Partial struct {
	Selection
	// Left are the objects that differ and that the plan leaves as they are, in address order.
	Left []Addr
}

// Pick lists the objects of a comparison that a selection takes. A target brings what it needs, what stands inside its block and every key of its for_each; an
// excluded object takes what needs it along. For a destruction it is the other way round: what needs a target goes first, so it is brought. An address that
// names nothing is an error that lists what there is.
func (s Selection) Pick(d Drift, destroy bool) (map[Addr]bool, error) {
	forward, back := make(map[Addr][]Addr), make(map[Addr][]Addr)
	for _, it := range d.Items {
		for _, n := range slices.Concat(it.Want.Needs, it.Live.Needs) {
			forward[it.Addr] = append(forward[it.Addr], n)
			back[n] = append(back[n], it.Addr)
		}
	}
	if destroy {
		forward, back = back, forward
	}
	picked := make(map[Addr]bool)
	for _, it := range d.Items {
		if len(s.Targets) == 0 {
			picked[it.Addr] = true
		}
	}
	for _, name := range s.Targets {
		found, err := named(d, "--target", name)
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			closure(a, forward, picked)
		}
	}
	out := make(map[Addr]bool)
	for _, name := range s.Excludes {
		found, err := named(d, "--exclude", name)
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			closure(a, back, out)
		}
	}
	maps.DeleteFunc(picked, func(a Addr, _ bool) bool { return out[a] })
	return picked, nil
}

// named finds the objects that an address on the command line means.
func named(d Drift, flag, name string) ([]Addr, error) {
	var found []Addr
	for _, it := range d.Items {
		text := it.Addr.String()
		if text == name || strings.HasPrefix(text, name+".") || strings.HasPrefix(text, name+"[") {
			found = append(found, it.Addr)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	all := make([]string, 0, len(d.Items))
	for _, it := range d.Items {
		all = append(all, it.Addr.String())
	}
	const most = 20
	if n := len(all) - most; n > 0 {
		all = append(all[:most], fmt.Sprintf("and %d more", n))
	}
	return nil, fmt.Errorf("%s %s: the spec has no such object; it has %s", flag, name, cmp.Or(strings.Join(all, ", "), "none"))
}

// Apply narrows a comparison and its changes to what the selection takes.
func (s Selection) Apply(d Drift, changes []Change, destroy bool) (Drift, []Change, Partial, error) {
	if s.IsZero() {
		return d, changes, Partial{}, nil
	}
	picked, err := s.Pick(d, destroy)
	if err != nil {
		return d, changes, Partial{}, err
	}
	part := Partial{Selection: s}
	var taken []Change
	for _, c := range changes {
		if picked[c.Addr()] {
			taken = append(taken, c)
		} else {
			part.Left = append(part.Left, c.Addr())
		}
	}
	slices.SortFunc(part.Left, CompareAddr)
	d.Items = slices.DeleteFunc(slices.Clone(d.Items), func(it DriftItem) bool { return !picked[it.Addr] })
	return d, taken, part, nil
}
