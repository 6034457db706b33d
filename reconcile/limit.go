package reconcile

import (
	"fmt"
	"slices"
	"strings"
)

// Limits bound how much one plan may do: a mistake in a glob or a folder that is half checked out should not empty an org. A field below 0 sets no bound.
type Limits struct {
	// Deletes is how many objects may be deleted.
	Deletes int
	// Percent is which share of what is live, of the objects that the spec declares or owns, may be changed or deleted.
	Percent int
}

// NoLimits sets no bound.
var NoLimits = Limits{Deletes: -1, Percent: -1}

// PruneLimits are the bounds of a plan that prunes, unless others are asked for.
var PruneLimits = Limits{Deletes: 10, Percent: 30}

// Check refuses changes that go beyond a bound. The error names the bound, what was counted, and the flag that raises it.
func (l Limits) Check(d Drift, changes []Change) error {
	live, changed := 0, 0
	for _, it := range d.Items {
		if !it.Live.Addr.IsZero() && !it.Want.Reference {
			live++
		}
	}
	var deleted []string
	for _, c := range changes {
		switch c.Action() {
		case ActionDelete:
			deleted = append(deleted, c.Addr().String())
			changed++
		case ActionUpdate:
			changed++
		}
	}
	if l.Deletes >= 0 && len(deleted) > l.Deletes {
		const most = 10
		if n := len(deleted) - most; n > 0 {
			deleted = append(deleted[:most], fmt.Sprintf("and %d more", n))
		}
		return fmt.Errorf("the plan deletes more than --max-delete %d allows: %s\nNothing was written. Where this is meant, raise --max-delete", l.Deletes, strings.Join(deleted, ", "))
	}
	if l.Percent >= 0 && changed*100 > live*l.Percent {
		return fmt.Errorf("the plan changes or deletes %d of %d live objects, more than --max-change %d%% allows\nNothing was written. Where this is meant, raise --max-change", changed, live, l.Percent)
	}
	return nil
}

// HazardKinds lists the kinds of hazard, as flags spell them: with a dash for the blank.
func HazardKinds() []string {
	var names []string
	for _, k := range []HazardKind{HazardWidens, HazardRestart, HazardRevokes, HazardDeletes, HazardSecret, HazardBroken} {
		names = append(names, flagName(k))
	}
	return names
}

func flagName(k HazardKind) string { return strings.ReplaceAll(string(k), " ", "-") }

// DeniedError says that a plan would do what its operator refuses.
type DeniedError struct{ Hazards []Hazard }

// Error lists the hazards, a line each.
func (e *DeniedError) Error() string {
	return "the plan would do what --deny refuses; nothing was written\n" + e.List()
}

// List is the hazards, each on a line of its own that begins with a line break.
func (e *DeniedError) List() string {
	var b strings.Builder
	for _, h := range e.Hazards {
		b.WriteString("\n  " + flagName(h.Kind) + ": " + h.Text)
	}
	return b.String()
}

// Deny refuses a plan with hazards of some kinds, spelled as in [HazardKinds]. An account that gains a role or privilege, or loses a denial, widens access whether or
// not a step says so; one that loses takes it. What breaks a login is a hazard too, see [Finding]. "widening" is another word for "widens-access". The error is a
// *[DeniedError], or says that there is no such kind.
func (p Plan) Deny(kinds []string) error {
	kinds = slices.Clone(kinds)
	for i, k := range kinds {
		if k == "widening" {
			kinds[i] = flagName(HazardWidens)
			continue
		}
		if !slices.Contains(HazardKinds(), k) {
			return fmt.Errorf("--deny takes %s, not %q", strings.Join(HazardKinds(), ", "), k)
		}
	}
	var found []Hazard
	for _, s := range p.Steps {
		for _, h := range s.Hazards {
			if slices.Contains(kinds, flagName(h.Kind)) {
				found = append(found, Hazard{h.Kind, s.Change.Addr().String() + ": " + h.Text})
			}
		}
	}
	for _, c := range p.Access {
		for _, kind := range c.hazards() {
			if slices.Contains(kinds, flagName(kind)) {
				found = append(found, Hazard{kind, "account " + c.Account + " " + c.Effect()})
			}
		}
	}
	for _, f := range p.Findings {
		if h, ok := f.hazard(); ok && slices.Contains(kinds, flagName(h.Kind)) {
			found = append(found, h)
		}
	}
	if len(found) > 0 {
		return &DeniedError{found}
	}
	return nil
}

// hazards are the kinds of hazard that an account's change amounts to.
func (c AccessChange) hazards() []HazardKind {
	switch c.Effect() {
	case EffectWidens:
		return []HazardKind{HazardWidens}
	case EffectNarrows:
		return []HazardKind{HazardRevokes}
	case EffectNeutral:
		return nil
	}
	return []HazardKind{HazardWidens, HazardRevokes}
}
