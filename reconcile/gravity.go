package reconcile

import (
	"cmp"
	"slices"
)

// Gravity is how grave a drift is: what it did to access, seen from the spec. Widening is the gravest.
type Gravity string

// The gravities. Unknown is that of what could not be read, and is graver than anything but what widens.
const (
	Neutral Gravity = "neutral"
	Narrows Gravity = "narrows"
	Unknown Gravity = "unknown"
	Changes Gravity = "changes"
	Widens  Gravity = "widens"
)

// Compare orders gravities, the gravest last.
func (g Gravity) Compare(h Gravity) int {
	rank := func(g Gravity) int { return slices.Index([]Gravity{Neutral, Narrows, Unknown, Changes, Widens}, g) }
	return cmp.Compare(rank(g), rank(h))
}

// with is the gravity of two things together: one that widens and one that narrows change access both ways.
func (g Gravity) with(h Gravity) Gravity {
	switch {
	case g == "" || g == Neutral:
		return h
	case h == "" || h == Neutral || g == h:
		return g
	case g == Unknown || h == Unknown:
		return slices.MaxFunc([]Gravity{g, h}, Gravity.Compare)
	}
	return Changes
}

// Grave says whether somebody may do more than the spec says, as far as anybody knows.
func (g Gravity) Grave() bool { return g.Compare(Unknown) >= 0 }

// hazardsOf asks a system what it would warn of if somebody planned what happened. A change that it cannot make steps of has no hazards that it knows of: what is live may be
// more than a spec can say.
func hazardsOf(s System, c Change) []Hazard {
	steps, err := s.Steps([]Change{c})
	if err != nil {
		return nil
	}
	var hazards []Hazard
	for _, step := range steps {
		hazards = append(hazards, step.Hazards...)
	}
	return hazards
}
