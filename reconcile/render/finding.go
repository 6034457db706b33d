package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Findings is what the reports of a drift are made of. Only Drift must be set; what is left out is not told.
type Findings struct {
	Drift reconcile.Drift
	// Access is what converging would change, as [reconcile.Plan] has it. The reports tell it the other way round, as what the drift did.
	Access []reconcile.AccessChange
	// Edges are the live access graph, over all systems; Tokens, what accounts get of authorization servers, with which it begins.
	Edges  []reconcile.Edge
	Tokens []reconcile.Token
	// Accounts are the objects of accounts, by their [reconcile.Node.Label]: for results about them. Where one is not in it, the edges tell.
	Accounts map[string]reconcile.Addr
	Targets  []reconcile.Target
	// Homes are the places of the connection blocks, by the systems' names: for results that have no place of their own.
	Homes map[string]hcl.Range
	// Remarks tell what could not be looked at, a sentence each.
	Remarks []string
	// Checks are what will not work even when all is as the spec says; Files, the spec's sources for their lines.
	Checks  []reconcile.Finding
	Files   map[string]*hcl.File
	Version string    // of keymaker
	At      time.Time // when live was read; shown in UTC
}

// drifted is what the drift did to accounts.
func (f Findings) drifted() []reconcile.AccessChange { return reversed(f.Access) }

// gravity is that of the gravest object.
func (f Findings) gravity() reconcile.Gravity {
	gravest := reconcile.Neutral
	for _, it := range f.Drift.Items {
		if it.Gravity.Compare(gravest) > 0 {
			gravest = it.Gravity
		}
	}
	return gravest
}

// belongs says whether an item belongs into a report: what the spec only refers to does when it is not as it should be.
func belongs(it reconcile.DriftItem) bool {
	return !it.Want.Reference || it.State != reconcile.InSync
}

// placeIn is where the spec declares an item, or claims it as its own.
func placeIn(it reconcile.DriftItem) hcl.Range {
	if it.Want.Range.Filename == "" && it.Own != nil {
		return it.Own.Range
	}
	return it.Want.Range
}

// said is what a report says of an item beside its differences: why it could not be read, or how it came to be listed.
func said(it reconcile.DriftItem) string {
	switch {
	case it.Err != nil:
		return Escape(it.Err.Error())
	case it.State == reconcile.Missing && it.Want.Reference:
		return "the spec refers to it, and no block declares it"
	case it.State == reconcile.Missing:
		return "declared, and not there"
	case it.State == reconcile.Extra && it.Own != nil:
		return "matches own " + Escape(`"`+it.Own.Instance()+`" "`+it.Own.Kind+`" `+word(it.Own.Match)) + ", and no block declares it"
	case it.State == reconcile.Extra:
		return "the spec says that it must not exist"
	case it.State == reconcile.Foreign:
		return "the spec neither declares nor owns it"
	}
	return ""
}

// setBack is the remedy of most drift.
const setBack = "keymaker apply sets back what the spec says; or write what is live into the spec"

// remedies say what to do about an item, a sentence each without its full stop; none where nothing is to be done.
func remedies(it reconcile.DriftItem) []string {
	switch it.State {
	case reconcile.Missing:
		if it.Want.Reference {
			return []string{"make it, or declare it with a block"}
		}
		return []string{"keymaker apply makes it; or take its block out of the spec"}
	case reconcile.Extra:
		switch {
		case it.Live.Protected != "":
			return []string{"keymaker never deletes it: " + Escape(it.Live.Protected)}
		case it.Own != nil:
			return []string{"declare it, or keymaker apply --prune deletes it"}
		}
		return []string{"keymaker apply deletes it"}
	case reconcile.Unreadable:
		return []string{"see to the reason, and run drift again: until then nobody knows what it is like"}
	}
	var all []string
	if slices.ContainsFunc(it.Diffs, func(d reconcile.Diff) bool { return !d.Watched }) {
		all = append(all, setBack)
	}
	for _, d := range it.Diffs {
		if d.Watched && d.Remedy != "" {
			all = append(all, Escape(d.Remedy))
		}
	}
	return all
}

// undone counts the differences that an apply takes back, and all that there are. What could not be read is none.
func undone(d reconcile.Drift) (n, all int) {
	for _, it := range d.Items {
		switch {
		case it.State == reconcile.Missing || it.State == reconcile.Extra:
			all++
			if !it.Want.Reference && it.Own == nil && it.Live.Protected == "" {
				n++
			}
		case it.State == reconcile.Drifted:
			all += len(it.Diffs)
			for _, diff := range it.Diffs {
				if !diff.Watched {
					n++
				}
			}
		}
	}
	return n, all
}

// undoing says what takes a drift back; "" where there is none.
func undoing(d reconcile.Drift) string {
	n, all := undone(d)
	switch {
	case all == 0:
		return ""
	case n == all:
		return "keymaker apply takes it back."
	case n == 0:
		return "keymaker apply takes none of it back: it is for people, as each object says."
	}
	return fmt.Sprintf("keymaker apply takes back %d of %s; the rest is for people, as each object says.", n, Count(all, "difference"))
}

// gravest lists items as people read them: what is not as it should be before what is, the gravest first, what is nobody's last.
func gravest(items []reconcile.DriftItem) []reconcile.DriftItem {
	rank := func(it reconcile.DriftItem) int {
		switch it.State {
		case reconcile.InSync:
			return 1
		case reconcile.Foreign:
			return 2
		}
		return 0
	}
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, func(a, b reconcile.DriftItem) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Or(b.Gravity, reconcile.Neutral).Compare(cmp.Or(a.Gravity, reconcile.Neutral)))
	})
	return sorted
}

// graveness counts the objects that are not as they should be, by what they do to access: 1 widens, 2 narrow; "" where there are none.
func graveness(d reconcile.Drift) string {
	n := make(map[reconcile.Gravity]int)
	for _, it := range d.Items {
		if it.State != reconcile.InSync && it.State != reconcile.Foreign {
			n[cmp.Or(it.Gravity, reconcile.Neutral)]++
		}
	}
	var parts []string
	for _, g := range []struct {
		gravity   reconcile.Gravity
		one, many string
	}{{reconcile.Widens, "widens access", "widen access"}, {reconcile.Changes, "changes it both ways", "change it both ways"}, {reconcile.Unknown, "is not known", "are not known"},
		{reconcile.Narrows, "narrows it", "narrow it"}, {reconcile.Neutral, "leaves it", "leave it"}} {
		verb := g.many
		if n[g.gravity] == 1 {
			verb = g.one
		}
		if n[g.gravity] > 0 {
			parts = append(parts, itoa(n[g.gravity])+" "+verb)
		}
	}
	return strings.Join(parts, ", ")
}

// apart says whether the differences of an object are told one by one with what each means and who made it: where there are several, and they do not say the same.
func apart(it reconcile.DriftItem) bool { return len(it.Diffs) > 1 }

// graver says whether a gravity is worth a word.
func graver(g reconcile.Gravity) bool { return g != "" && g != reconcile.Neutral }

// meanings are what a drifted object means for access, a line each, its differences' first.
func meanings(it reconcile.DriftItem) []string {
	var ls []string
	add := func(texts []string) {
		for _, text := range texts {
			if e := Escape(text); !slices.Contains(ls, e) {
				ls = append(ls, e)
			}
		}
	}
	for _, d := range it.Diffs {
		add(d.Means)
	}
	add(it.Means)
	return ls
}

// byLines say who made an object what it is, a line each.
func byLines(it reconcile.DriftItem) []string {
	var ls []string
	for _, a := range it.Culprits() {
		ls = append(ls, byLine(a))
	}
	return ls
}

// diffMeans are what one difference means, a line each.
func diffMeans(d reconcile.Diff) []string {
	return meanings(reconcile.DriftItem{Diffs: []reconcile.Diff{d}})
}

// shared is who made an object what it is, as far as its differences do not each say it: all of it where they say the same.
func shared(it reconcile.DriftItem) []string {
	if !apart(it) {
		return byLines(it)
	}
	said := make(map[reconcile.Attribution]bool)
	for _, d := range it.Diffs {
		if d.By != nil {
			said[*d.By] = true
		}
	}
	var ls []string
	for _, a := range it.Culprits() {
		if len(said) == 1 || !said[a] {
			ls = append(ls, byLine(a))
		}
	}
	return ls
}

// told are an object's differences as lines: of several, each with what it means and who made it behind it.
func told(it reconcile.DriftItem) []string {
	var ls []string
	for _, d := range it.Diffs {
		for _, one := range differencesOf(d) {
			ls = append(ls, one.text())
		}
		if apart(it) {
			for _, l := range diffMeans(d) {
				ls = append(ls, "  "+l)
			}
			if by := byOfDiff(it, d); by != "" {
				ls = append(ls, "  "+by)
			}
		}
	}
	rest := it
	if apart(it) {
		rest.Diffs = nil
	}
	return append(append(ls, meanings(rest)...), shared(it)...)
}

// byOfDiff is who made one difference, where the object does not say it for all of them; "" else.
func byOfDiff(it reconcile.DriftItem, d reconcile.Diff) string {
	if d.By == nil || slices.Contains(shared(it), byLine(*d.By)) {
		return ""
	}
	return byLine(*d.By)
}

// byLine is an attribution on one line: by somebody, when, by which entry of the log, and how sure that is.
func byLine(a reconcile.Attribution) string {
	if a.Confidence == reconcile.ConfidenceNone {
		return "by somebody unknown: " + Escape(a.Why)
	}
	text := "by " + Escape(cmp.Or(a.Actor, "somebody without a name"))
	if !a.At.IsZero() {
		text += ", " + stamp(a.At)
	}
	if a.Event != "" {
		text += ", event " + Escape(a.Event)
	}
	return text + " (" + string(a.Confidence) + ")"
}

// difference is one line of what differs: a value on both sides, or one that only one side has (a member of a set, a key of a map); the other side is then "".
type difference struct {
	name       string
	spec, live string
	member     bool // of a set
	at         hcl.Range
	gravity    reconcile.Gravity
}

// text is a difference on one line: + is what live has beyond the spec, - what it lacks.
func (d difference) text() string {
	switch {
	case d.spec == "":
		return d.name + "   + " + d.live
	case d.live == "":
		return d.name + "   - " + d.spec
	}
	return d.name + "   spec " + d.spec + ", live " + d.live
}

func differences(it reconcile.DriftItem) []difference {
	var all []difference
	for _, d := range it.Diffs {
		for _, one := range differencesOf(d) {
			one.at = d.Range
			if one.at.Filename == "" {
				one.at = it.Want.Range
			}
			one.gravity = d.Gravity
			all = append(all, one)
		}
	}
	return all
}

func differencesOf(d reconcile.Diff) []difference {
	name, d := diffName(d), diffShown(d)
	if d.Field.Sensitive {
		return []difference{{name: name, spec: sensitive, live: sensitive}}
	}
	if len(d.Added)+len(d.Removed) == 0 {
		return bothSides(name, d.Want, d.Live)
	}
	var all []difference
	for _, v := range d.Removed {
		all = append(all, difference{name: name, live: alone(v), member: true})
	}
	for _, v := range d.Added {
		all = append(all, difference{name: name, spec: alone(v), member: true})
	}
	return all
}

// bothSides tells both sides of a difference; of two maps only the keys that differ.
func bothSides(name string, want, live reconcile.Value) []difference {
	wm, isMap := want.(reconcile.Map)
	lm, both := live.(reconcile.Map)
	if !isMap || !both {
		d := difference{name: name}
		if want != nil {
			d.spec = inline(want)
		}
		if live != nil {
			d.live = inline(live)
		}
		return []difference{d}
	}
	var all []difference
	for _, k := range differingKeys(wm, lm) {
		all = append(all, bothSides(name+"."+word(k), wm[k], lm[k])...)
	}
	return all
}
