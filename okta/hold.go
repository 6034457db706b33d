package okta

import (
	"maps"
	"net/http"
	"slices"

	"keymaker/reconcile"
)

// heldNote is the administrators' note on an app that is made inactive until its policy is in place. It is what tells such an app from one that somebody switched off, for
// the run that goes on where another was killed. Okta shows an app's notes to administrators, and gives them no meaning (Okta's API description, application settings).
const heldNote = "keymaker made this app inactive, and activates it once the access policy for it is in place. If it still is, run keymaker apply again."

// Hold makes an app inactive, with a note that says so; to let it go is to activate it and to put the note back. An app whose step was not a create is not held.
func (s *System) Hold(step reconcile.Step) (held reconcile.Step, release []reconcile.Op, ok bool) {
	made, is := step.Change.(reconcile.Create)
	if !is || made.Want.Addr.Kind != kindApp || !isActive(made.Want) {
		return step, nil, false
	}
	p := planner{view: s.recall()}
	held = step
	held.Ops = slices.Clone(step.Ops)
	for i, op := range held.Ops {
		r, isRequest := op.(Request)
		if !isRequest || r.Method != http.MethodPost || r.Goal != "" {
			continue
		}
		notes, _ := valueAt(r.Body, "settings", attrNotes).(reconcile.Map)
		wanted := notes["admin"]
		if wanted == nil {
			wanted = reconcile.Null{}
		}
		marked := maps.Clone(notes) // it may be the want's own
		if marked == nil {
			marked = reconcile.Map{}
		}
		marked["admin"] = reconcile.Text(heldNote)
		putValue(r.Body, marked, "settings", attrNotes)
		r.Query = "activate=false"
		held.Ops[i] = r
		clear := Request{Addr: r.Addr, Method: http.MethodPut, Path: p.path(made.Want), Edits: []Edit{
			{Attr: attrNotes + ".admin", Path: []string{"settings", attrNotes, "admin"}, Seen: reconcile.Text(heldNote), Goal: wanted}}}
		return held, []reconcile.Op{p.lifecycle(made.Want, active), clear}, true
	}
	return step, nil, false
}

// due is what is still to be done to the live apps that an earlier run held and did not let go.
func (r *reader) due() map[reconcile.Addr][]reconcile.Diff {
	all := make(map[reconcile.Addr][]reconcile.Diff)
	for a, o := range r.live {
		if diffs := due(r.want[a], o); a.Kind == kindApp && diffs != nil {
			all[a] = diffs
		}
	}
	return all
}

func due(want, live reconcile.Object) []reconcile.Diff {
	notes, _ := live.Get(attrNotes).(reconcile.Map)
	if notes["admin"] != reconcile.Text(heldNote) {
		return nil
	}
	diffs := []reconcile.Diff{{Name: attrNotes + ".admin", Live: notes["admin"], Want: reconcile.Null{}, Field: fieldNamed(appKind(), attrNotes), Range: want.Range}}
	if !isActive(live) && isActive(want) {
		diffs = append(diffs, reconcile.Diff{Name: attrStatus, Live: reconcile.Text(inactive), Want: reconcile.Text(active), Field: fieldNamed(appKind(), attrStatus), Range: want.Range})
	}
	return diffs
}

func fieldNamed(k reconcile.Kind, name string) reconcile.Field {
	i := slices.IndexFunc(k.Fields, func(f reconcile.Field) bool { return f.Name == name })
	if i < 0 {
		return reconcile.Field{}
	}
	return k.Fields[i]
}

// isHeldNote says whether a difference ends a hold: it is made last, so that whoever finds the app meanwhile knows that it is held.
func isHeldNote(d reconcile.Diff) bool {
	return d.Name == attrNotes+".admin" && d.Live == reconcile.Text(heldNote)
}
