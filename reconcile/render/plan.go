package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/lipgloss"

	"keymaker/reconcile"
)

// Plan writes a plan for people: the servers, each step in order with what it changes, then access, hazards, order and calls. kinds are those of all systems; they say
// which attributes are sensitive and which only echo others. The last line is fixed:
//
//	Plan: 6 to create, 1 to update, 0 to delete.
//	No changes. Live Okta and Neo4j match the spec.
//	Nothing to delete.
func Plan(w io.Writer, p reconcile.Plan, kinds []reconcile.Kind, s Style) error {
	pg := newPage(w, s)
	if len(p.Steps) == 0 {
		pg.idlePlan(p)
		return pg.flush()
	}
	pg.targets(p)
	f := fieldsOf(kinds)
	for _, step := range p.Steps {
		pg.gap()
		pg.step(step, p.Drift, f)
	}
	pg.access("Access", p.Access)
	pg.hazards(p.Steps)
	pg.checks(p.Findings)
	pg.gap()
	pg.order(p.Steps)
	pg.calls(p, time.Now())
	pg.gap()
	pg.kept(p.Kept)
	pg.ignored(p.Drift)
	pg.gap()
	pg.line(pg.loud.Render(planSummary(p)))
	return pg.flush()
}

// planSummary is a plan's last line.
func planSummary(p reconcile.Plan) string {
	if len(p.Steps) == 0 {
		return idle(p)
	}
	return fmt.Sprintf("Plan: %d to create, %d to update, %d to delete.",
		p.Count(reconcile.ActionCreate), p.Count(reconcile.ActionUpdate), p.Count(reconcile.ActionDelete))
}

// idlePlan is the page of a plan without steps: one line, and the rest only for those who ask.
func (pg *page) idlePlan(p reconcile.Plan) {
	if pg.verbose {
		pg.targets(p)
		pg.gap()
		pg.ignored(p.Drift)
	}
	pg.gap()
	pg.kept(p.Kept)
	pg.checks(p.Findings)
	pg.gap()
	pg.line(planSummary(p))
}

// idle says why there is nothing to do.
func idle(p reconcile.Plan) string {
	if p.Destroy {
		return "Nothing to delete."
	}
	if len(p.Drift.Kept()) > 0 {
		return "No changes may be made. What the removed blocks name is kept."
	}
	titles := make([]string, len(p.Targets))
	for i, t := range p.Targets {
		titles[i] = Escape(t.Title)
	}
	switch len(titles) {
	case 0:
		return "No changes. The spec declares nothing."
	case 1:
		return "No changes. Live " + titles[0] + " matches the spec."
	}
	return "No changes. Live " + strings.Join(titles, " and ") + " match the spec."
}

// targets writes one line for each server: which it is, and what reading it took.
func (pg *page) targets(p reconcile.Plan) {
	var rows [][]string
	for _, t := range p.Targets {
		var said []string
		if t.Product != "" {
			said = append(said, Escape(t.Product))
		}
		if len(t.Calls) > 0 {
			said = append(said, reading(t.Calls))
		}
		rows = append(rows, []string{Escape(t.Title), Escape(t.URL), strings.Join(append(said, readState(t.System, p.Drift)), ", ")})
	}
	pg.rows("", 2, rows)
}

func readState(system string, d reconcile.Drift) string {
	n := 0
	for _, it := range d.Items {
		if it.Addr.Instance() == system && it.State == reconcile.Unreadable {
			n++
		}
	}
	if n > 0 {
		return "read incomplete: " + Count(n, "object") + " unreadable"
	}
	return "read complete"
}

// hazardText is what a hazard says, with the connection where that has a name.
func hazardText(s reconcile.Step, h reconcile.Hazard) string {
	if s.Change == nil || s.Change.Addr().Connection == "" {
		return h.Text
	}
	return s.Change.Addr().Instance() + ": " + h.Text
}

func (pg *page) hazards(steps []reconcile.Step) {
	var rows [][]string
	var kinds []reconcile.HazardKind
	n := make(map[reconcile.HazardKind]int)
	for _, s := range steps {
		for _, h := range s.Hazards {
			if n[h.Kind]++; n[h.Kind] == 1 {
				kinds = append(kinds, h.Kind)
			}
			if pg.verbose || n[h.Kind] <= manyAccounts {
				rows = append(rows, []string{pg.loud.Render(Escape(string(h.Kind))), Escape(hazardText(s, h))})
			}
		}
	}
	for _, k := range kinds {
		if left := n[k] - manyAccounts; left > 0 && !pg.verbose {
			rows = append(rows, []string{pg.loud.Render(Escape(string(k))), "and " + itoa(left) + " more (--verbose)"})
		}
	}
	if len(rows) > 0 {
		pg.gap()
		pg.line(pg.loud.Render("Hazards"))
		pg.rows("  ", 3, rows)
	}
}

// order names the steps in the order in which they run; one step has none.
func (pg *page) order(steps []reconcile.Step) {
	if len(steps) < 2 {
		return
	}
	names := orderNames(steps, pg.verbose)
	for i, l := range wrap("Order: "+strings.Join(names, " → "), "→ ", pg.width) {
		if i > 0 {
			l = "       " + l
		}
		pg.line(l)
	}
}

// orderNames are the addresses of steps; those of one block with for_each that follow each other are one name, with their number, unless all are asked for.
func orderNames(steps []reconcile.Step, all bool) []string {
	most := 3 // of one block that are worth their names
	if all {
		most = len(steps)
	}
	var names []string
	for i := 0; i < len(steps); {
		block := steps[i].Change.Addr()
		block.Key = ""
		end := i + 1
		for end < len(steps) && inBlock(steps[end].Change.Addr(), block) {
			end++
		}
		if end-i > most {
			names = append(names, Escape(block.String())+" ("+itoa(end-i)+")")
			i = end
			continue
		}
		for ; i < end; i++ {
			names = append(names, Escape(steps[i].Change.Addr().String()))
		}
	}
	return names
}

// inBlock says whether an address is one of a block's.
func inBlock(a, block reconcile.Addr) bool {
	a.Key = ""
	return a == block
}

// calls forecasts what applying costs, by system, and how long it takes; a limit that will not do is said.
func (pg *page) calls(p reconcile.Plan, now time.Time) {
	var parts, waits []string
	var took time.Duration
	for _, sys := range systemsOf(p) {
		ts := p.Calls(sys[0])
		if len(ts) == 0 {
			continue
		}
		target := p.Paced(targetOf(p, sys[0]))
		parts = append(parts, Escape(sys[1])+" "+forecast(ts, target))
		f := target.Forecast(ts, now)
		took = max(took, f.Time)
		for _, b := range f.Bottlenecks {
			waits = append(waits, waitText(sys[1], b, now))
		}
	}
	if len(parts) == 0 {
		pg.line("Calls: none.")
		return
	}
	text := strings.Join(parts, "; ") + "."
	if took > 0 { // nothing is known of a saved plan's servers
		text += " About " + About(took) + "."
	}
	pg.hanging("Calls: ", lipgloss.NewStyle(), clauses(text))
	for _, w := range waits {
		pg.hanging("Waits: ", pg.loud, strings.SplitAfter(w, " "))
	}
}

// waitText says why calls will wait at a limit, also where others have used up what the running window has.
func waitText(title string, b reconcile.Bottleneck, now time.Time) string {
	limit := itoa(b.Budget.Limit-b.Budget.Keep) + " a " + unit(b.Budget.Per)
	if b.Budget.Keep > 0 {
		limit = itoa(b.Budget.Limit-b.Budget.Keep) + " of " + itoa(b.Budget.Limit) + " a " + unit(b.Budget.Per) + " (the rest is left to others)"
	}
	none := ""
	if left := b.Budget.Reset.Sub(now); left > 0 && b.Budget.Remaining <= b.Budget.Keep {
		none = ", none for the next " + About(left)
	}
	return Escape(title) + " takes " + limit + " to " + Escape(b.Budget.Bucket) + none + ", and " + itoa(b.Calls) + " are needed: the last waits about " + About(b.Wait) + "."
}

// targetOf is the server of a plan's system.
func targetOf(p reconcile.Plan, system string) reconcile.Target {
	i := slices.IndexFunc(p.Targets, func(t reconcile.Target) bool { return t.System == system })
	if i < 0 {
		return reconcile.Target{}
	}
	return p.Targets[i]
}

// systemsOf lists name and title of the systems of a plan: its targets, then any that only a step names.
func systemsOf(p reconcile.Plan) [][2]string {
	var all [][2]string
	add := func(name, title string) {
		if !slices.ContainsFunc(all, func(s [2]string) bool { return s[0] == name }) {
			all = append(all, [2]string{name, title})
		}
	}
	for _, t := range p.Targets {
		add(t.System, t.Title)
	}
	for _, s := range p.Steps {
		add(s.Change.Addr().Instance(), title(s.Change.Addr().Instance()))
	}
	return all
}

func (pg *page) kept(kept []reconcile.Kept) {
	for _, k := range kept {
		pg.line("Kept: ", Escape(k.Addr.String()), ", ", Escape(k.Why), ".")
	}
}

// ignored warns of attributes that differ and that lifecycle.ignore_changes leaves alone.
func (pg *page) ignored(d reconcile.Drift) {
	for _, text := range ignoredTexts(d) {
		pg.line(pg.faint.Render("Ignored: " + text + "."))
	}
}

func ignoredTexts(d reconcile.Drift) []string {
	var all []string
	for _, it := range d.Items {
		for _, name := range it.Ignored {
			why := "lifecycle"
			if at := place(ignoredRange(it, name)); at != "" {
				why += ", " + at
			}
			all = append(all, Escape(it.Addr.String()+" "+name)+" ("+why+")")
		}
	}
	return all
}
