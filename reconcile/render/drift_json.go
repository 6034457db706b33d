package render

import (
	"cmp"
	"time"

	"keymaker/reconcile"
)

// DriftJSON is a comparison as a document: every object of the spec with its state, the differences with both sides, and what the checks found. An unknown value is null with
// want_unknown true, a sensitive one null on both sides with sensitive true. [DriftSchema] describes it.
func DriftJSON(f Findings) ([]byte, error) {
	d := f.Drift
	doc := driftJSON{FormatVersion: formatVersion, Items: []driftItemJSON{}, Access: accessOf(f.drifted()), Ignored: ignoredOf(d), Remarks: orEmpty(f.Remarks), Targets: targetsJSON(f), Checks: findingsOf(f.Checks, nil)}
	if !f.At.IsZero() {
		doc.Read = f.At.UTC().Format(time.RFC3339)
	}
	doc.Summary = driftSummaryJSON{
		Drifted: d.Count(reconcile.Drifted), Missing: d.Count(reconcile.Missing), Extra: d.Count(reconcile.Extra),
		InSync: d.Count(reconcile.InSync), Unreadable: d.Count(reconcile.Unreadable), Foreign: d.Count(reconcile.Foreign), Gravity: string(f.gravity()), Text: driftSummary(d),
	}
	for _, it := range d.Items {
		doc.Items = append(doc.Items, driftItemOf(it))
	}
	return document(doc)
}

type driftJSON struct {
	FormatVersion string           `json:"format_version"`
	Summary       driftSummaryJSON `json:"summary"`
	Items         []driftItemJSON  `json:"items"`
	Access        []accessJSON     `json:"access"`
	Checks        []findingJSON    `json:"checks"`
	Ignored       []ignoredJSON    `json:"ignored"`
	Targets       []readJSON       `json:"targets"`
	Remarks       []string         `json:"remarks"`
	Read          string           `json:"read_at,omitempty"`
}

type readJSON struct {
	System   string      `json:"system"`
	URL      string      `json:"url"`
	Product  string      `json:"product"`
	Calls    []tallyJSON `json:"calls"`
	Complete bool        `json:"complete"`
}

func targetsJSON(f Findings) []readJSON {
	out := []readJSON{}
	for _, t := range f.Targets {
		one := readJSON{System: t.System, URL: t.URL, Product: t.Product, Calls: talliesOf(t.Calls), Complete: true}
		for _, it := range f.Drift.Items {
			if it.State == reconcile.Unreadable && it.Addr.Instance() == t.System {
				one.Complete = false
			}
		}
		out = append(out, one)
	}
	return out
}

type driftSummaryJSON struct {
	Drifted    int    `json:"drifted"`
	Missing    int    `json:"missing"`
	Extra      int    `json:"extra"`
	InSync     int    `json:"in_sync"`
	Unreadable int    `json:"unreadable"`
	Foreign    int    `json:"foreign"`
	Gravity    string `json:"gravity"`
	Text       string `json:"text"`
}

type driftItemJSON struct {
	Address   string     `json:"address"`
	State     string     `json:"state"`
	Reference bool       `json:"reference"`
	Place     *placeJSON `json:"place"`
	Diffs     []diffJSON `json:"diffs"`
	Error     string     `json:"error,omitempty"`
	Gravity   string     `json:"gravity"`
	Means     []string   `json:"means"`
	By        []byJSON   `json:"by"`
	Remedies  []string   `json:"remedies"`
}

// byJSON is an attribution.
type byJSON struct {
	Confidence string `json:"confidence"`
	System     string `json:"system"`
	Actor      string `json:"actor,omitempty"`
	At         string `json:"at,omitempty"`
	Event      string `json:"event,omitempty"`
	What       string `json:"what,omitempty"`
	Why        string `json:"why,omitempty"`
}

func byOf(a reconcile.Attribution) byJSON {
	out := byJSON{Confidence: string(a.Confidence), System: a.System, Actor: a.Actor, Event: a.Event, What: a.What, Why: a.Why}
	if !a.At.IsZero() {
		out.At = a.At.UTC().Format(time.RFC3339Nano)
	}
	return out
}

type diffJSON struct {
	Attribute   string     `json:"attribute"`
	Live        any        `json:"live"`
	Want        any        `json:"want"`
	WantUnknown bool       `json:"want_unknown"`
	Sensitive   bool       `json:"sensitive"`
	Added       []any      `json:"only_in_spec"`
	Removed     []any      `json:"only_live"`
	Place       *placeJSON `json:"place"`
	Watched     bool       `json:"watched"`
	Gravity     string     `json:"gravity"`
	Means       []string   `json:"means"`
	By          *byJSON    `json:"by"`
}

func driftItemOf(it reconcile.DriftItem) driftItemJSON {
	out := driftItemJSON{
		Address: it.Addr.String(), State: string(it.State), Reference: it.Want.Reference, Place: placeOf(placeIn(it)), Diffs: []diffJSON{},
		Gravity: string(cmp.Or(it.Gravity, reconcile.Neutral)), Means: orEmpty(it.Means), By: []byJSON{}, Remedies: orEmpty(remedies(it)),
	}
	for _, a := range it.Culprits() {
		out.By = append(out.By, byOf(a))
	}
	if it.Err != nil {
		out.Error = it.Err.Error()
	}
	for _, d := range it.Diffs {
		out.Diffs = append(out.Diffs, diffOf(d))
	}
	return out
}

func diffOf(d reconcile.Diff) diffJSON {
	live, want := facetsOf(d.Live, d.Field.Sensitive), facetsOf(d.Want, d.Field.Sensitive)
	out := diffJSON{
		Attribute: d.Name, Live: live.known, Want: want.known, WantUnknown: want.unknown != nil,
		Sensitive: live.secret != nil || want.secret != nil, Added: []any{}, Removed: []any{}, Place: placeOf(d.Range),
		Watched: d.Watched, Gravity: string(cmp.Or(d.Gravity, reconcile.Neutral)), Means: orEmpty(d.Means),
	}
	if d.By != nil {
		by := byOf(*d.By)
		out.By = &by
	}
	if d.Field.Sensitive {
		return out
	}
	for _, v := range d.Added {
		out.Added = append(out.Added, facetsOf(v, false).known)
	}
	for _, v := range d.Removed {
		out.Removed = append(out.Removed, facetsOf(v, false).known)
	}
	return out
}
