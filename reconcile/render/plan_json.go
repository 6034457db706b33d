package render

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"keymaker/reconcile"
)

// PlanJSON writes a plan in Terraform's plan representation (developer.hashicorp.com/terraform/internals/json-format), so that policies and tools written for it work:
// one entry of resource_changes for each step, in the plan's order, with the type SYSTEM_KIND. An update's before and after hold all attributes that are known of the
// object. A plan that is saved says when. Unlike there, sensitive values are null on both sides, and marked in before_sensitive and after_sensitive. What is Keymaker's own stands under the one key
// keymaker. kinds are those of all systems. The document is written step by step: one of ten thousand steps is never held whole. An error is that of w.
func PlanJSON(w io.Writer, p reconcile.Plan, kinds []reconcile.Kind) error {
	f := fieldsOf(kinds)
	extras := make(map[reconcile.Addr]bool)
	for _, it := range p.Drift.Items {
		extras[it.Addr] = it.State == reconcile.Extra
	}
	s := newJSONStream(w)
	s.open()
	s.field("format_version", "1.2")
	s.field("applyable", len(p.Steps) > 0)
	s.field("complete", !p.Pending())
	s.field("errored", false)
	if !p.Made.IsZero() {
		s.field("timestamp", p.Made.UTC().Format(time.RFC3339))
	}
	list(s, "resource_changes", p.Steps, func(step reconcile.Step) any {
		c := resourceChangeOf(step.Change, f)
		if step.Change.Action() == reconcile.ActionDelete && extras[step.Change.Addr()] {
			c.Reason = "delete_because_no_resource_config"
		}
		return c
	})
	s.field("relevant_attributes", relevantOf(p.Steps))
	s.name("keymaker")
	ownJSON(s, p)
	s.close()
	return s.end()
}

type resourceChange struct {
	Address  string     `json:"address"`
	Module   string     `json:"module_address,omitempty"`
	Mode     string     `json:"mode"`
	Type     string     `json:"type"`
	Name     string     `json:"name"`
	Index    string     `json:"index,omitempty"`
	Provider string     `json:"provider_name"`
	Change   changeJSON `json:"change"`
	Reason   string     `json:"action_reason,omitempty"`
}

// relevantJSON is an attribute of another object that a change takes its value from.
type relevantJSON struct {
	Resource  string   `json:"resource"`
	Attribute []string `json:"attribute"`
}

type changeJSON struct {
	Actions         []string `json:"actions"`
	Before          any      `json:"before"`
	After           any      `json:"after"`
	AfterUnknown    any      `json:"after_unknown"`
	BeforeSensitive any      `json:"before_sensitive"`
	AfterSensitive  any      `json:"after_sensitive"`
}

// relevantOf lists the attributes that the changes wait for: each reference whose value is only known after an earlier step, in address order.
func relevantOf(steps []reconcile.Step) []relevantJSON {
	seen := make(map[reconcile.Ref]bool)
	var collect func(v reconcile.Value)
	collect = func(v reconcile.Value) {
		switch v := v.(type) {
		case reconcile.Ref:
			seen[v] = true
		case reconcile.Map:
			for _, m := range v {
				collect(m)
			}
		case reconcile.Join:
			for _, m := range v {
				collect(m)
			}
		}
		for _, m := range reconcile.Members(v) {
			collect(m)
		}
	}
	for _, s := range steps {
		switch c := s.Change.(type) {
		case reconcile.Create:
			for _, a := range c.Want.Attrs {
				collect(a.Value)
			}
		case reconcile.Update:
			for _, d := range c.Diffs {
				collect(d.Want)
			}
		}
	}
	out := []relevantJSON{}
	for _, r := range slices.SortedFunc(maps.Keys(seen), func(a, b reconcile.Ref) int {
		return cmp.Or(reconcile.CompareAddr(a.Addr, b.Addr), cmp.Compare(a.Attr, b.Attr))
	}) {
		out = append(out, relevantJSON{r.Addr.String(), []string{r.Attr}})
	}
	return out
}

func resourceChangeOf(c reconcile.Change, f fields) resourceChange {
	addr := c.Addr()
	return resourceChange{
		Address: addr.String(), Module: addr.Module, Mode: "managed", Type: addr.System + "_" + addr.Kind,
		Name: addr.Name, Index: addr.Key, Provider: addr.System, Change: changeOf(c, f),
	}
}

func changeOf(c reconcile.Change, f fields) changeJSON {
	out := changeJSON{
		Actions: []string{actionWord(c.Action())}, AfterUnknown: map[string]any{}, BeforeSensitive: false, AfterSensitive: false,
	}
	before := func(o reconcile.Object) {
		v := objectFacets(o, f)
		out.Before, out.BeforeSensitive = v.known, v.secret
	}
	after := func(o reconcile.Object) {
		v := objectFacets(o, f)
		out.After, out.AfterUnknown, out.AfterSensitive = v.known, v.unknown, v.secret
	}
	switch c := c.(type) {
	case reconcile.Create:
		after(c.Want)
	case reconcile.Update:
		before(c.Live)
		after(updated(c))
	case reconcile.Delete:
		before(c.Live)
	}
	return out
}

// updated is the live object with an update's differences applied, and with nothing else: what the spec has and lifecycle.ignore_changes leaves alone stays
// live. Of a map with owned keys only the differing keys change, another one is replaced as a whole.
func updated(c reconcile.Update) reconcile.Object {
	o := c.Live
	o.Attrs = slices.Clone(o.Attrs)
	for _, d := range c.Diffs {
		if d.Field.Compare != reconcile.OwnedKeys {
			o.Set(reconcile.Attr{Name: d.Name, Value: d.Want})
			continue
		}
		m := reconcile.Map{}
		if live, ok := o.Get(d.Field.Name).(reconcile.Map); ok {
			m = maps.Clone(live)
		}
		m[strings.TrimPrefix(d.Name, d.Field.Name+".")] = d.Want
		o.Set(reconcile.Attr{Name: d.Field.Name, Value: m})
	}
	return o
}

type summaryJSON struct {
	Create  int    `json:"create"`
	Update  int    `json:"update"`
	Delete  int    `json:"delete"`
	Pending bool   `json:"pending"`
	Text    string `json:"text"`
}

type targetJSON struct {
	System  string      `json:"system"`
	Title   string      `json:"title"`
	URL     string      `json:"url"`
	Product string      `json:"product"`
	Calls   []tallyJSON `json:"calls"`
}

type stepJSON struct {
	Address string     `json:"address"`
	Action  string     `json:"action"`
	Stage   string     `json:"stage"`
	Ops     []string   `json:"ops"`
	Notes   []noteJSON `json:"notes"`
	Place   *placeJSON `json:"place"`
}

type noteJSON struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

type hazardJSON struct {
	Address string `json:"address"`
	Kind    string `json:"kind"`
	Text    string `json:"text"`
}

type pendingJSON struct {
	Address string   `json:"address"`
	Lines   []string `json:"lines"`
}

type keptJSON struct {
	Address string `json:"address"`
	Why     string `json:"why"`
}

type ignoredJSON struct {
	Address   string     `json:"address"`
	Attribute string     `json:"attribute"`
	Place     *placeJSON `json:"place"`
}

// ownJSON is what Terraform's representation has no word for.
func ownJSON(s *jsonStream, p reconcile.Plan) {
	s.open()
	s.field("format_version", formatVersion)
	s.field("summary", summaryJSON{Create: p.Count(reconcile.ActionCreate), Update: p.Count(reconcile.ActionUpdate), Delete: p.Count(reconcile.ActionDelete),
		Pending: p.Pending(), Text: planSummary(p)})
	list(s, "targets", p.Targets, func(t reconcile.Target) any {
		return targetJSON{t.System, t.Title, t.URL, t.Product, talliesOf(t.Calls)}
	})
	list(s, "order", p.Steps, func(step reconcile.Step) any { return step.Change.Addr().String() })
	list(s, "steps", p.Steps, func(step reconcile.Step) any { return stepOf(step, p.Drift) })
	list(s, "access", p.Access, func(c reconcile.AccessChange) any { return jsonOfAccess(c) })
	hazards, pending, calls := []hazardJSON{}, []pendingJSON{}, map[string][]tallyJSON{}
	for _, step := range p.Steps {
		addr := step.Change.Addr().String()
		for _, h := range step.Hazards {
			hazards = append(hazards, hazardJSON{addr, string(h.Kind), h.Text})
		}
		if len(step.Pending) > 0 {
			pending = append(pending, pendingJSON{addr, step.Pending})
		}
	}
	for _, sys := range systemsOf(p) {
		calls[sys[0]] = talliesOf(p.Calls(sys[0]))
	}
	list(s, "hazards", hazards, func(h hazardJSON) any { return h })
	s.field("pending", pending)
	s.field("calls", calls)
	list(s, "kept", p.Kept, func(k reconcile.Kept) any { return keptJSON{k.Addr.String(), k.Why} })
	s.field("ignored", ignoredOf(p.Drift))
	s.field("diagnostics", findingsOf(p.Findings, nil))
	s.close()
}

func stepOf(s reconcile.Step, d reconcile.Drift) stepJSON {
	step := stepJSON{
		Address: s.Change.Addr().String(), Action: actionWord(s.Change.Action()), Stage: stageWord(s.Stage),
		Ops: []string{}, Notes: []noteJSON{}, Place: placeOf(declared(s.Change, d)),
	}
	for _, op := range s.Ops {
		step.Ops = append(step.Ops, op.String())
	}
	for _, n := range append(objectNotes(s.Change), s.Notes...) {
		step.Notes = append(step.Notes, noteJSON(n))
	}
	return step
}

func stageWord(s reconcile.Stage) string {
	switch s {
	case reconcile.Restrict:
		return "restrict"
	case reconcile.Retire:
		return "retire"
	}
	return "converge"
}

func ignoredOf(d reconcile.Drift) []ignoredJSON {
	out := []ignoredJSON{}
	for _, it := range d.Items {
		for _, name := range it.Ignored {
			out = append(out, ignoredJSON{it.Addr.String(), name, placeOf(ignoredRange(it, name))})
		}
	}
	return out
}
