package reconcile

import (
	"fmt"
	"slices"
)

// meansMost is how many lines say what a drift means; what goes beyond is counted.
const meansMost = 8

// weighMost bounds the work of one [Weigh], in objects and accounts looked at: some ten seconds. Accounts and grants cost little each, so that only what bears on
// everybody (policies, providers, users), by the thousand, is ever beyond it.
const weighMost = 2_000_000

// Weigh says of each object, and of each of its differences, what it means for access: the access graph as it is against the one that there would be with that one
// difference undone, and what the object's system names as a hazard of making the live value out of the one that the spec has. It makes no calls.
//
// What a [Watcher] told brings its own gravity. An object that could not be read is of unknown gravity; so is a difference that there was no time to weigh, which says so.
func Weigh(systems []System, live []Object, d Drift) Drift {
	w := weigher{scene: sceneOf(systems, live), left: weighMost, size: len(live) + len(d.Items)}
	w.meet(d)
	out := Drift{Items: slices.Clone(d.Items)}
	for i := range out.Items {
		out.Items[i] = w.item(out.Items[i])
	}
	return out
}

type weigher struct {
	*scene
	left int // of weighMost
	size int // objects, live or not
}

func (w *weigher) item(it DriftItem) DriftItem {
	switch it.State {
	case Unreadable:
		it.Gravity = Unknown
		return it
	case Missing:
		it.Gravity, it.Means = w.change(Create{Want: it.Want}, Delete{Live: it.Want})
	case Extra:
		it.Gravity, it.Means = w.change(Delete{Live: it.Live}, Create{Want: it.Live})
	case Drifted:
		it.Diffs = slices.Clone(it.Diffs)
		for i, diff := range it.Diffs {
			if !diff.Watched {
				diff.Gravity, diff.Means = w.difference(it, diff)
				it.Diffs[i] = diff
			}
			it.Gravity = it.Gravity.with(diff.Gravity)
		}
	}
	if it.Gravity == "" {
		it.Gravity = Neutral
	}
	return it
}

// difference weighs one difference of a drifted object, as if it were the only one.
func (w *weigher) difference(it DriftItem, d Diff) (Gravity, []string) {
	there := overlay(it.Live, it.Want, []Diff{d})
	here := it.Live
	here.Needs, here.Range = it.Want.Needs, it.Want.Range
	back := d
	back.Live, back.Want, back.Added, back.Removed = d.Want, d.Live, d.Removed, d.Added
	return w.change(Update{Live: it.Live, Want: it.Want, Diffs: []Diff{d}}, Update{Live: there, Want: here, Diffs: []Diff{back}})
}

// change weighs what undoing would undo; drift is the same change seen the other way round, as what happened. What the system says of it comes before the accounts, of which
// there may be many.
func (w *weigher) change(undo, drift Change) (Gravity, []string) {
	s, ok := w.named[undo.Addr().Instance()]
	if !ok {
		return Neutral, nil
	}
	var gravity Gravity
	var means []string
	for _, h := range hazardsOf(s, drift) {
		switch h.Kind {
		case HazardWidens:
			gravity = gravity.with(Widens)
		case HazardRevokes, HazardDeletes:
			gravity = gravity.with(Narrows)
		case HazardSecret:
			gravity = gravity.with(Changes)
		default:
			continue
		}
		means = append(means, h.Text)
	}
	changes, ok := w.access(s, undo)
	if !ok {
		means = append(means, "there are too many differences to weigh this one by itself; what all of them did to accounts stands under access")
		if gravity == "" {
			gravity = Unknown
		}
	}
	for _, c := range changes {
		gravity = gravity.with(Gravity(c.Effect()))
		for _, n := range c.Gains {
			means = append(means, c.Account+" gains "+string(n.Kind)+" "+n.Label())
		}
		for _, n := range c.Loses {
			means = append(means, c.Account+" loses "+string(n.Kind)+" "+n.Label())
		}
	}
	if gravity == "" {
		gravity = Neutral
	}
	if n := len(means) - meansMost; n > 0 {
		means = append(means[:meansMost:meansMost], fmt.Sprintf("and %d more, listed under access", n))
	}
	return gravity, means
}

// access compares who would reach what without the drift, which undo takes back, with who does; false when there is no time left for it.
func (w *weigher) access(s System, undo Change) ([]AccessChange, bool) {
	var met meeting
	switch {
	case w.isAccount(undo.Addr()):
		met = w.account(undo)
	case w.isShared(undo):
		met = w.sharer(undo)
	default:
		if w.left <= 0 {
			return nil, false
		}
		w.left -= w.size
		met = w.hub(s, undo)
	}
	w.left -= weighAccount * len(met.now.accounts)
	if len(met.now.accounts)+len(met.then.accounts) == 0 {
		return nil, true
	}
	return CompareAccess(met.then.edges(), met.now.edges(), w.judge), true
}

// weighAccount is how much more it takes to weigh an account's privileges than to look at an object.
const weighAccount = 20
