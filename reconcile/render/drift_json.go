package render

import "keymaker/reconcile"

// DriftJSON is a comparison as a document: every object of the spec with its state, and the differences with both sides. An unknown value is null with
// want_unknown true, a sensitive one null on both sides with sensitive true. access is taken and told as [Drift] does.
func DriftJSON(d reconcile.Drift, access []reconcile.AccessChange) ([]byte, error) {
	doc := driftJSON{FormatVersion: formatVersion, Items: []driftItemJSON{}, Access: accessOf(reversed(access)), Ignored: ignoredOf(d)}
	doc.Summary = driftSummaryJSON{
		Drifted: d.Count(reconcile.Drifted), Missing: d.Count(reconcile.Missing), Extra: d.Count(reconcile.Extra),
		InSync: d.Count(reconcile.InSync), Unreadable: d.Count(reconcile.Unreadable), Text: driftSummary(d),
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
	Ignored       []ignoredJSON    `json:"ignored"`
}

type driftSummaryJSON struct {
	Drifted    int    `json:"drifted"`
	Missing    int    `json:"missing"`
	Extra      int    `json:"extra"`
	InSync     int    `json:"in_sync"`
	Unreadable int    `json:"unreadable"`
	Text       string `json:"text"`
}

type driftItemJSON struct {
	Address   string     `json:"address"`
	State     string     `json:"state"`
	Reference bool       `json:"reference"`
	Place     *placeJSON `json:"place"`
	Diffs     []diffJSON `json:"diffs"`
	Error     string     `json:"error,omitempty"`
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
}

func driftItemOf(it reconcile.DriftItem) driftItemJSON {
	out := driftItemJSON{
		Address: it.Addr.String(), State: string(it.State), Reference: it.Want.Reference, Place: placeOf(it.Want.Range), Diffs: []diffJSON{},
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
