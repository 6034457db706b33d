package render

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"keymaker/reconcile"
)

// PlanJSON is a plan in Terraform's plan representation (developer.hashicorp.com/terraform/internals/json-format), so that policies and tools written for it work:
// one entry of resource_changes for each step, in the plan's order, with the type SYSTEM_KIND. An update's before and after hold all attributes that are known of the
// object. A plan that is saved says when. Unlike there, sensitive values are null on both sides, and marked in before_sensitive and after_sensitive. What is Keymaker's own stands under the one key
// keymaker. kinds are those of all systems.
func PlanJSON(p reconcile.Plan, kinds []reconcile.Kind) ([]byte, error) {
	f := fieldsOf(kinds)
	doc := planJSON{
		FormatVersion: "1.2",
		Applyable:     len(p.Steps) > 0,
		Complete:      !p.Pending(),
		Changes:       []resourceChange{},
		Relevant:      relevantOf(p.Steps),
		Keymaker:      ownJSON(p),
	}
	if !p.Made.IsZero() {
		doc.Timestamp = p.Made.UTC().Format(time.RFC3339)
	}
	extras := make(map[reconcile.Addr]bool)
	for _, it := range p.Drift.Items {
		extras[it.Addr] = it.State == reconcile.Extra
	}
	for _, s := range p.Steps {
		c := resourceChangeOf(s.Change, f)
		if s.Change.Action() == reconcile.ActionDelete && extras[s.Change.Addr()] {
			c.Reason = "delete_because_no_resource_config"
		}
		doc.Changes = append(doc.Changes, c)
	}
	return document(doc)
}

type planJSON struct {
	FormatVersion string           `json:"format_version"`
	Applyable     bool             `json:"applyable"`
	Complete      bool             `json:"complete"`
	Errored       bool             `json:"errored"`
	Timestamp     string           `json:"timestamp,omitempty"`
	Changes       []resourceChange `json:"resource_changes"`
	Relevant      []relevantJSON   `json:"relevant_attributes"`
	Keymaker      keymakerJSON     `json:"keymaker"`
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

// keymakerJSON is what Terraform's representation has no word for.
type keymakerJSON struct {
	FormatVersion string                 `json:"format_version"`
	Summary       summaryJSON            `json:"summary"`
	Targets       []targetJSON           `json:"targets"`
	Order         []string               `json:"order"`
	Steps         []stepJSON             `json:"steps"`
	Access        []accessJSON           `json:"access"`
	Hazards       []hazardJSON           `json:"hazards"`
	Pending       []pendingJSON          `json:"pending"`
	Calls         map[string][]tallyJSON `json:"calls"`
	Kept          []keptJSON             `json:"kept"`
	Ignored       []ignoredJSON          `json:"ignored"`
	Diagnostics   []findingJSON          `json:"diagnostics"`
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

func ownJSON(p reconcile.Plan) keymakerJSON {
	k := keymakerJSON{
		FormatVersion: formatVersion,
		Summary: summaryJSON{Create: p.Count(reconcile.ActionCreate), Update: p.Count(reconcile.ActionUpdate), Delete: p.Count(reconcile.ActionDelete),
			Pending: p.Pending(), Text: planSummary(p)},
		Targets: []targetJSON{}, Order: []string{}, Steps: []stepJSON{}, Access: accessOf(p.Access),
		Hazards: []hazardJSON{}, Pending: []pendingJSON{}, Calls: map[string][]tallyJSON{}, Kept: []keptJSON{}, Ignored: ignoredOf(p.Drift), Diagnostics: findingsOf(p.Findings, nil),
	}
	for _, t := range p.Targets {
		k.Targets = append(k.Targets, targetJSON{t.System, t.Title, t.URL, t.Product, talliesOf(t.Calls)})
	}
	for _, kept := range p.Kept {
		k.Kept = append(k.Kept, keptJSON{kept.Addr.String(), kept.Why})
	}
	for _, s := range p.Steps {
		k.addStep(s, p.Drift)
	}
	for _, sys := range systemsOf(p) {
		k.Calls[sys[0]] = talliesOf(p.Calls(sys[0]))
	}
	return k
}

func (k *keymakerJSON) addStep(s reconcile.Step, d reconcile.Drift) {
	addr := s.Change.Addr().String()
	step := stepJSON{
		Address: addr, Action: actionWord(s.Change.Action()), Stage: stageWord(s.Stage),
		Ops: []string{}, Notes: []noteJSON{}, Place: placeOf(declared(s.Change, d)),
	}
	for _, op := range s.Ops {
		step.Ops = append(step.Ops, op.String())
	}
	for _, n := range append(objectNotes(s.Change), s.Notes...) {
		step.Notes = append(step.Notes, noteJSON(n))
	}
	for _, h := range s.Hazards {
		k.Hazards = append(k.Hazards, hazardJSON{addr, string(h.Kind), h.Text})
	}
	if len(s.Pending) > 0 {
		k.Pending = append(k.Pending, pendingJSON{addr, s.Pending})
	}
	k.Order = append(k.Order, addr)
	k.Steps = append(k.Steps, step)
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
