package planfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"keymaker/reconcile"
)

// Op is a call of a saved plan: the text that was approved, and what it costs. It cannot be made: what runs is planned again, and must read the same.
type Op struct {
	Text    string
	Tallies []reconcile.Tally
}

// String is the call as it was shown.
func (o Op) String() string { return o.Text }

// Calls is what the call costs.
func (o Op) Calls() []reconcile.Tally { return slices.Clone(o.Tallies) }

type tally struct {
	What   string `json:"what"`
	N      int    `json:"n"`
	Bucket string `json:"bucket,omitempty"`
	Along  int    `json:"along,omitempty"`
}

type op struct {
	Text  string  `json:"text"`
	Calls []tally `json:"calls,omitempty"`
}

type hazard struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

type diff struct {
	Name    string            `json:"name"`
	Live    json.RawMessage   `json:"live"`
	Want    json.RawMessage   `json:"want"`
	Added   []json.RawMessage `json:"added,omitempty"`
	Removed []json.RawMessage `json:"removed,omitempty"`
	Place   *span             `json:"place,omitempty"`
}

type step struct {
	Action  string    `json:"action"`
	Want    *object   `json:"want,omitempty"`
	Live    *object   `json:"live,omitempty"`
	Diffs   []diff    `json:"diffs,omitempty"`
	Ops     []op      `json:"ops,omitempty"`
	Stage   int       `json:"stage"`
	Hazards []hazard  `json:"hazards,omitempty"`
	Notes   []note    `json:"notes,omitempty"`
	Pending []string  `json:"pending,omitempty"`
	Later   []string  `json:"later,omitempty"`
	After   []address `json:"after,omitempty"`
}

type own struct {
	System     string    `json:"system"`
	Connection string    `json:"connection,omitempty"`
	Kind       string    `json:"kind"`
	Match      string    `json:"match"`
	Place      *span     `json:"place,omitempty"`
	Lifecycle  lifecycle `json:"lifecycle,omitzero"`
}

type driftItem struct {
	Address address  `json:"address"`
	State   string   `json:"state"`
	Want    *object  `json:"want,omitempty"`
	Live    *object  `json:"live,omitempty"`
	Diffs   []diff   `json:"diffs,omitempty"`
	Error   string   `json:"error,omitempty"`
	Own     *own     `json:"own,omitempty"`
	Ignored []string `json:"ignored,omitempty"`
}

type node struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	On   string `json:"on,omitempty"`
	In   string `json:"in,omitempty"`
}

type accessChange struct {
	Account string `json:"account"`
	Gains   []node `json:"gains,omitempty"`
	Loses   []node `json:"loses,omitempty"`
	// what of them waits for people
	LaterGains []node `json:"later_gains,omitempty"`
	LaterLoses []node `json:"later_loses,omitempty"`
	Mark       string `json:"mark,omitempty"`
}

type finding struct {
	Check     string   `json:"check"`
	Breaks    string   `json:"breaks,omitempty"`
	Accounts  []string `json:"accounts,omitempty"`
	Summary   string   `json:"summary"`
	Detail    string   `json:"detail,omitempty"`
	Remedy    string   `json:"remedy,omitempty"`
	Address   address  `json:"address"`
	Place     *span    `json:"place,omitempty"`
	Other     *address `json:"other,omitempty"`
	OtherText string   `json:"other_text,omitempty"`
	OtherAt   *span    `json:"other_place,omitempty"`
}

func findingOf(f reconcile.Finding) finding {
	out := finding{Check: f.Check, Breaks: f.Breaks, Accounts: f.Accounts, Summary: f.Summary, Detail: f.Detail, Remedy: f.Remedy, Address: address(f.Addr), Place: spanOf(f.Range),
		OtherText: f.OtherText, OtherAt: spanOf(f.OtherRange)}
	if !f.Other.IsZero() {
		other := address(f.Other)
		out.Other = &other
	}
	return out
}

func (f finding) finding() reconcile.Finding {
	out := reconcile.Finding{Check: f.Check, Breaks: f.Breaks, Accounts: f.Accounts, Summary: f.Summary, Detail: f.Detail, Remedy: f.Remedy, Addr: f.Address.addr(), Range: f.Place.place(),
		OtherText: f.OtherText, OtherRange: f.OtherAt.place()}
	if f.Other != nil {
		out.Other = f.Other.addr()
	}
	return out
}

// pace is how fast a target takes calls, which is part of what a plan forecasts.
type pace struct {
	Call     time.Duration `json:"call_ns"`
	Along    time.Duration `json:"along_ns,omitempty"`
	Parallel int           `json:"parallel"`
}

func paceOf(p reconcile.Pace) *pace {
	if p == (reconcile.Pace{}) {
		return nil
	}
	return &pace{p.Call, p.Along, p.Parallel}
}

func (p *pace) pace() reconcile.Pace {
	if p == nil {
		return reconcile.Pace{}
	}
	return reconcile.Pace{Call: p.Call, Along: p.Along, Parallel: p.Parallel}
}

type target struct {
	System  string  `json:"system"`
	Title   string  `json:"title"`
	URL     string  `json:"url"`
	Product string  `json:"product,omitempty"`
	Pace    *pace   `json:"pace,omitempty"`
	Calls   []tally `json:"calls,omitempty"`
}

type kept struct {
	Address address `json:"address"`
	Why     string  `json:"why"`
}

type partial struct {
	Targets  []string  `json:"targets,omitempty"`
	Excludes []string  `json:"excludes,omitempty"`
	Left     []address `json:"left,omitempty"`
}

type plan struct {
	Steps    []step         `json:"steps"`
	Drift    []driftItem    `json:"drift,omitempty"`
	Kept     []kept         `json:"kept,omitempty"`
	Targets  []target       `json:"targets,omitempty"`
	Access   []accessChange `json:"access,omitempty"`
	Findings []finding      `json:"findings,omitempty"`
	Destroy  bool           `json:"destroy,omitempty"`
	Partial  partial        `json:"partial,omitzero"`
}

// each maps a slice, keeping nil nil.
func each[A, B any](as []A, f func(A) (B, error)) ([]B, error) {
	if as == nil {
		return nil, nil
	}
	out := make([]B, len(as))
	for i, a := range as {
		b, err := f(a)
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}

// all is each for what cannot fail.
func all[A, B any](as []A, f func(A) B) []B {
	out, _ := each(as, func(a A) (B, error) { return f(a), nil })
	return out
}

func diffOf(d reconcile.Diff) (diff, error) {
	out := diff{Name: d.Name, Place: spanOf(d.Range)}
	var errs [4]error
	out.Live, errs[0] = raw(d.Live)
	out.Want, errs[1] = raw(d.Want)
	out.Added, errs[2] = each(d.Added, raw)
	out.Removed, errs[3] = each(d.Removed, raw)
	return out, errors.Join(errs[:]...)
}

func (l loader) diff(a reconcile.Addr, d diff) (reconcile.Diff, error) {
	out := reconcile.Diff{Name: d.Name, Range: d.Place.place(), Field: l.fields(a, d.Name)}
	if out.Field.Name == "" {
		out.Field = l.fields(a, before(d.Name, '.'))
	}
	var errs [4]error
	out.Live, errs[0] = l.value(d.Live)
	out.Want, errs[1] = l.value(d.Want)
	out.Added, errs[2] = each(d.Added, l.value)
	out.Removed, errs[3] = each(d.Removed, l.value)
	return out, errors.Join(errs[:]...)
}

func before(s string, sep byte) string {
	for i := range len(s) {
		if s[i] == sep {
			return s[:i]
		}
	}
	return s
}

func (m masker) step(s reconcile.Step) (step, error) {
	out := step{Action: string(s.Change.Action()), Stage: int(s.Stage), Pending: s.Pending, Later: s.Later, After: addrsOf(s.After)}
	var err error
	put := func(into **object, o reconcile.Object) {
		j, e := objectOf(m.object(o))
		*into, err = &j, errors.Join(err, e)
	}
	switch c := s.Change.(type) {
	case reconcile.Create:
		put(&out.Want, c.Want)
	case reconcile.Update:
		put(&out.Want, c.Want)
		put(&out.Live, c.Live)
		diffs, e := each(c.Diffs, func(d reconcile.Diff) (diff, error) { return diffOf(m.diff(d)) })
		out.Diffs, err = diffs, errors.Join(err, e)
	case reconcile.Delete:
		put(&out.Live, c.Live)
	}
	for _, o := range s.Ops {
		out.Ops = append(out.Ops, op{o.String(), all(o.Calls(), func(t reconcile.Tally) tally { return tally(t) })})
	}
	for _, h := range s.Hazards {
		out.Hazards = append(out.Hazards, hazard{string(h.Kind), h.Text})
	}
	out.Notes = all(s.Notes, func(n reconcile.Note) note { return note(n) })
	return out, err
}

func (l loader) step(s step) (reconcile.Step, error) {
	out := reconcile.Step{Stage: reconcile.Stage(s.Stage), Pending: s.Pending, Later: s.Later, After: addrs(s.After)}
	if out.Stage < reconcile.Restrict || out.Stage > reconcile.Retire {
		return out, fmt.Errorf("no such stage: %d", s.Stage)
	}
	var err error
	if out.Change, err = l.change(s); err != nil {
		return out, err
	}
	for _, o := range s.Ops {
		out.Ops = append(out.Ops, Op{o.Text, all(o.Calls, func(t tally) reconcile.Tally { return reconcile.Tally(t) })})
	}
	for _, h := range s.Hazards {
		out.Hazards = append(out.Hazards, reconcile.Hazard{Kind: reconcile.HazardKind(h.Kind), Text: h.Text})
	}
	out.Notes = all(s.Notes, func(n note) reconcile.Note { return reconcile.Note(n) })
	return out, nil
}

func (l loader) change(s step) (reconcile.Change, error) {
	var want, live reconcile.Object
	var err error
	if s.Want != nil {
		want, err = l.object(*s.Want)
	}
	if s.Live != nil && err == nil {
		live, err = l.object(*s.Live)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case s.Action == "+" && s.Want != nil && s.Live == nil:
		return reconcile.Create{Want: want}, nil
	case s.Action == "-" && s.Live != nil && s.Want == nil:
		return reconcile.Delete{Live: live}, nil
	case s.Action == "~" && s.Live != nil && s.Want != nil && want.Addr == live.Addr:
		diffs, err := each(s.Diffs, func(d diff) (reconcile.Diff, error) { return l.diff(want.Addr, d) })
		return reconcile.Update{Live: live, Want: want, Diffs: diffs}, err
	}
	return nil, fmt.Errorf("a step %q has not what such a step has", s.Action)
}

func (m masker) driftItem(it reconcile.DriftItem) (driftItem, error) {
	out := driftItem{Address: addrOf(it.Addr), State: string(it.State), Ignored: it.Ignored}
	var err error
	put := func(into **object, o reconcile.Object) {
		if o.Addr.IsZero() {
			return
		}
		j, e := objectOf(m.object(o))
		*into, err = &j, errors.Join(err, e)
	}
	put(&out.Want, it.Want)
	put(&out.Live, it.Live)
	diffs, e := each(it.Diffs, func(d reconcile.Diff) (diff, error) { return diffOf(m.diff(d)) })
	out.Diffs, err = diffs, errors.Join(err, e)
	if it.Err != nil {
		out.Error = it.Err.Error()
	}
	if it.Own != nil {
		out.Own = &own{it.Own.System, it.Own.Connection, it.Own.Kind, it.Own.Match, spanOf(it.Own.Range), lifecycleOf(it.Own.Lifecycle)}
	}
	return out, err
}

func (l loader) driftItem(it driftItem) (reconcile.DriftItem, error) {
	out := reconcile.DriftItem{Addr: it.Address.addr(), State: reconcile.State(it.State), Ignored: it.Ignored}
	states := []reconcile.State{reconcile.InSync, reconcile.Drifted, reconcile.Missing, reconcile.Unreadable, reconcile.Extra}
	if !slices.Contains(states, out.State) {
		return out, fmt.Errorf("no such state: %q", it.State)
	}
	var err error
	if it.Want != nil {
		out.Want, err = l.object(*it.Want)
	}
	if it.Live != nil && err == nil {
		out.Live, err = l.object(*it.Live)
	}
	if err != nil {
		return out, err
	}
	if out.Diffs, err = each(it.Diffs, func(d diff) (reconcile.Diff, error) { return l.diff(out.Addr, d) }); err != nil {
		return out, err
	}
	if out.State == reconcile.Unreadable {
		out.Err = errors.New(it.Error)
	}
	if o := it.Own; o != nil {
		out.Own = &reconcile.Own{System: o.System, Connection: o.Connection, Kind: o.Kind, Match: o.Match, Range: o.Place.place(), Lifecycle: o.Lifecycle.value()}
	}
	return out, nil
}

func nodeOf(n reconcile.Node) node { return node{string(n.Kind), n.Name, n.On, n.In} }
func (n node) node() reconcile.Node {
	return reconcile.Node{Kind: reconcile.NodeKind(n.Kind), Name: n.Name, On: n.On, In: n.In}
}
func tallyOf(t reconcile.Tally) tally  { return tally(t) }
func (t tally) tally() reconcile.Tally { return reconcile.Tally(t) }
func (m masker) plan(p reconcile.Plan) (plan, error) {
	out := plan{Destroy: p.Destroy, Partial: partial{p.Partial.Targets, p.Partial.Excludes, addrsOf(p.Partial.Left)}}
	var err error
	if out.Steps, err = each(p.Steps, m.step); err != nil {
		return out, err
	}
	if out.Drift, err = each(p.Drift.Items, m.driftItem); err != nil {
		return out, err
	}
	out.Kept = all(p.Kept, func(k reconcile.Kept) kept { return kept{addrOf(k.Addr), k.Why} })
	out.Targets = all(p.Targets, func(t reconcile.Target) target {
		return target{t.System, t.Title, t.URL, t.Product, paceOf(t.Pace), all(t.Calls, tallyOf)}
	})
	out.Access = all(p.Access, func(c reconcile.AccessChange) accessChange {
		return accessChange{c.Account, all(c.Gains, nodeOf), all(c.Loses, nodeOf), all(c.LaterGains, nodeOf), all(c.LaterLoses, nodeOf), c.Mark}
	})
	out.Findings = all(p.Findings, findingOf)
	return out, nil
}

func (l loader) plan(p plan) (reconcile.Plan, error) {
	out := reconcile.Plan{Destroy: p.Destroy}
	out.Partial.Targets, out.Partial.Excludes, out.Partial.Left = p.Partial.Targets, p.Partial.Excludes, addrs(p.Partial.Left)
	var err error
	if out.Steps, err = each(p.Steps, l.step); err != nil {
		return out, err
	}
	if out.Drift.Items, err = each(p.Drift, l.driftItem); err != nil {
		return out, err
	}
	out.Kept = all(p.Kept, func(k kept) reconcile.Kept { return reconcile.Kept{Addr: k.Address.addr(), Why: k.Why} })
	out.Targets = all(p.Targets, func(t target) reconcile.Target {
		return reconcile.Target{System: t.System, Title: t.Title, URL: t.URL, Product: t.Product, Pace: t.Pace.pace(), Calls: all(t.Calls, tally.tally)}
	})
	out.Access = all(p.Access, func(c accessChange) reconcile.AccessChange {
		return reconcile.AccessChange{Account: c.Account, Gains: all(c.Gains, node.node), Loses: all(c.Loses, node.node),
			LaterGains: all(c.LaterGains, node.node), LaterLoses: all(c.LaterLoses, node.node), Mark: c.Mark}
	})
	out.Findings = all(p.Findings, finding.finding)
	return out, nil
}
