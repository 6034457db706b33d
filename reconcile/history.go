package reconcile

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Attribution is who changed something, and when, as a system's own log tells it.
type Attribution struct {
	Confidence Confidence
	System     string    // whose log, as [System.Name]; the engine fills it in
	Actor      string    // as people know them: an address, a user name
	At         time.Time // when the log says it happened
	Event      string    // the log's id of the entry, or its place
	What       string    // the log's word for what was done: policy.rule.update, a statement
	Why        string    // of [ConfidenceNone]: the reason
}

// Confidence is how sure an attribution is.
type Confidence string

// The confidences.
const (
	// ConfidenceExact says that the entry's details give the very value that is live.
	ConfidenceExact Confidence = "exact"
	// ConfidenceObject says that the entry changed the object, and does not say what of it.
	ConfidenceObject Confidence = "object"
	// ConfidenceNone says that no entry was found: older than the log, or the log may not be read.
	ConfidenceNone Confidence = "none"
)

// Culprits is what a log tells of one object: of the object as a whole, and of single differences, by their names.
type Culprits struct {
	Object Attribution
	Diffs  map[string]Attribution
}

// Historian is a [System] with a log of who changed what.
type Historian interface {
	// Who looks up the objects that are not in sync in the log, back to since. What keymaker itself wrote explains nothing and is left out. Every item that it was asked about
	// is in the answer; what the log does not tell, or what may not be read, is an attribution with the reason and never an error. It changes nothing.
	Who(ctx context.Context, items []DriftItem, since time.Time) map[Addr]Culprits
}

// Inquiry is how far a look beyond the attributes may go.
type Inquiry struct {
	Log   bool // whether logs may be read at all
	Since time.Time
}

// Watcher is a [System] that sees of its objects what no attribute tells and what bears on access: a second secret, a claim that nobody declared in an app's tokens.
type Watcher interface {
	// Watch lists, for objects that were read, the differences that are there beside those of their attributes, named as the kind's [Watch]es. They come with gravity and
	// meaning, with Watched and Remedy set, and with By where the log tells it. It works from what the last Read saw and, as far as the inquiry allows, from the log; it reads no secret.
	// The texts are remarks for the report: what could not be watched, and why.
	Watch(ctx context.Context, items []DriftItem, ask Inquiry) (seen map[Addr][]Diff, remarks []string)
}

// Oversee adds to a drift what the systems see beside attributes. An object that was in sync and has such a difference is drifted; what its lifecycle ignores is listed as ignored.
// The second result is what the systems could not watch.
func Oversee(ctx context.Context, systems []System, d Drift, ask Inquiry) (Drift, []string) {
	out := Drift{Items: slices.Clone(d.Items)}
	var remarks []string
	for _, s := range systems {
		watcher, ok := s.(Watcher)
		if !ok {
			continue
		}
		seen, said := watcher.Watch(ctx, itemsOf(s.Name(), d), ask)
		remarks = append(remarks, said...)
		for i, it := range out.Items {
			for _, d := range seen[it.Addr] {
				if d.By != nil {
					d.By.System = s.Name()
				}
			}
			out.Items[i] = it.watched(seen[it.Addr])
		}
	}
	return out, remarks
}

func (it DriftItem) watched(diffs []Diff) DriftItem {
	if it.Want.Reference || it.Want.Absent || it.State != InSync && it.State != Drifted {
		return it
	}
	it.Diffs, it.Ignored = slices.Clone(it.Diffs), slices.Clone(it.Ignored)
	for _, d := range diffs {
		if slices.Contains(it.Want.Lifecycle.IgnoreChanges, d.Name) {
			it.Ignored = append(it.Ignored, d.Name)
			continue
		}
		it.Diffs, it.State = append(it.Diffs, d), Drifted
	}
	return it
}

// Attribute asks the systems' logs who made the drift. What is in sync, foreign or could not be read is not asked about.
func Attribute(ctx context.Context, systems []System, d Drift, since time.Time) Drift {
	out := Drift{Items: slices.Clone(d.Items)}
	for _, s := range systems {
		historian, ok := s.(Historian)
		if !ok {
			continue
		}
		var ask []DriftItem
		for _, it := range itemsOf(s.Name(), d) {
			if it.State == Drifted || it.State == Missing || it.State == Extra {
				ask = append(ask, it)
			}
		}
		if len(ask) == 0 {
			continue
		}
		told := historian.Who(ctx, ask, since)
		for i, it := range out.Items {
			if c, ok := told[it.Addr]; ok {
				c.Object.System = s.Name()
				out.Items[i] = it.attributed(c)
			}
		}
	}
	return out
}

func (it DriftItem) attributed(c Culprits) DriftItem {
	it.By = &c.Object
	it.Diffs = slices.Clone(it.Diffs)
	for i, d := range it.Diffs {
		if by, ok := c.Diffs[d.Name]; ok && d.By == nil {
			by.System = c.Object.System
			it.Diffs[i].By = &by
		}
	}
	return it
}

func itemsOf(system string, d Drift) []DriftItem {
	return slices.DeleteFunc(slices.Clone(d.Items), func(it DriftItem) bool { return it.Addr.Instance() != system })
}

// Culprits lists who made an object what it is: each attribution once, exact ones first, the newest first among equals. Where nobody is known it is the one reason.
func (it DriftItem) Culprits() []Attribution {
	var all []Attribution
	add := func(by *Attribution) {
		if by != nil && !slices.Contains(all, *by) {
			all = append(all, *by)
		}
	}
	for _, d := range it.Diffs {
		add(d.By)
	}
	named := slices.ContainsFunc(all, func(a Attribution) bool { return a.Confidence != ConfidenceNone })
	if !named || slices.ContainsFunc(it.Diffs, func(d Diff) bool { return d.By == nil }) {
		add(it.By)
	}
	rank := func(a Attribution) int {
		return slices.Index([]Confidence{ConfidenceExact, ConfidenceObject, ConfidenceNone}, a.Confidence)
	}
	slices.SortStableFunc(all, func(a, b Attribution) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), b.At.Compare(a.At)) })
	if i := slices.IndexFunc(all, func(a Attribution) bool { return a.Confidence == ConfidenceNone }); i > 0 {
		all = all[:i]
	}
	return all
}

// Strangers adds to a drift the live objects that the spec neither declares nor owns, as far as the systems saw them without being asked to: what an own block for everything
// would match.
func Strangers(systems []System, want []Object, d Drift) Drift {
	known := make(map[Addr]bool, len(d.Items))
	for _, it := range d.Items {
		known[it.Addr] = true
	}
	out := Drift{Items: slices.Clone(d.Items)}
	for _, s := range systems {
		owner, ok := s.(Owner)
		if !ok {
			continue
		}
		system, connection := SplitInstance(s.Name())
		for _, k := range s.Kinds() {
			if !k.Ownable {
				continue
			}
			strangers, _ := owner.Owned(Own{System: system, Connection: connection, Kind: k.Name, Match: "*"}, ObjectsOf(s.Name(), want)) // what was not read is nobody's here
			for _, o := range strangers {
				if !known[o.Addr] {
					known[o.Addr] = true
					out.Items = append(out.Items, DriftItem{Addr: o.Addr, State: Foreign, Live: o, Gravity: Neutral})
				}
			}
		}
	}
	out.sort()
	return out
}
