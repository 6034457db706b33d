package render

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"keymaker/reconcile"
)

// Verb is what was done to a plan; reports begin their last line with it.
type Verb string

// The verbs.
const (
	Apply   Verb = "Apply"
	Destroy Verb = "Destroy"
)

// Past is what an action did.
func Past(a reconcile.Action) string {
	switch a {
	case reconcile.ActionCreate:
		return "created"
	case reconcile.ActionDelete:
		return "deleted"
	}
	return "updated"
}

// Report writes what applying a plan came to. Its last line is fixed when everything was done:
//
//	Apply complete: 6 created, 1 updated, 0 deleted.
//	Destroy complete: 7 deleted.
//
// Otherwise a ledger says what is done, failed, unknown, not done and left to people, and the last line starts with "Apply incomplete: " or
// "Destroy incomplete: " and ends with how to go on. What a failed step's error says in full is [Failure]'s to tell.
func Report(w io.Writer, r reconcile.Report, verb Verb, s Style) error {
	pg := newPage(w, s)
	if r.Interrupted {
		pg.line(pg.loud.Render("Interrupted."), " The call in flight was allowed to end.")
		pg.gap()
	}
	if r.AllWell() {
		pg.doneRows(r)
	} else {
		pg.ledger(r)
	}
	pg.leftToPeople(r)
	pg.costs(r.Costs)
	pg.gap()
	if r.Complete() {
		pg.line(pg.loud.Render(fmt.Sprintf("%s complete: %s.", verb, doneCounts(r, verb))))
		return pg.flush()
	}
	pg.line(pg.loud.Render(fmt.Sprintf("%s incomplete: %s.", verb, incompleteCounts(r, verb))), " ", remedy(r))
	return pg.flush()
}

func doneCounts(r reconcile.Report, verb Verb) string {
	n := func(a reconcile.Action) int { return r.Count(a, reconcile.StatusDone) }
	if verb == Destroy && n(reconcile.ActionCreate)+n(reconcile.ActionUpdate) == 0 {
		return fmt.Sprintf("%d deleted", n(reconcile.ActionDelete))
	}
	return fmt.Sprintf("%d created, %d updated, %d deleted", n(reconcile.ActionCreate), n(reconcile.ActionUpdate), n(reconcile.ActionDelete))
}

func incompleteCounts(r reconcile.Report, verb Verb) string {
	parts := []string{doneCounts(r, verb)}
	for _, s := range []reconcile.Status{reconcile.StatusFailed, reconcile.StatusUnknown, reconcile.StatusNotDone} {
		if n := r.With(s); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if n := pendingSteps(r); n > 0 {
		parts = append(parts, fmt.Sprintf("%d left to people", n))
	}
	return strings.Join(parts, ", ")
}

func pendingSteps(r reconcile.Report) int {
	n := 0
	for _, res := range r.Results {
		if len(res.Pending) > 0 {
			n++
		}
	}
	return n
}

// remedy says how to go on. Where every call went well and the exit code is not 0 all the same, it says so.
func remedy(r reconcile.Report) string {
	if r.AllWell() {
		return "Do what is left to people, then run `keymaker plan`: it looks again. The exit code is 3."
	}
	if slices.ContainsFunc(r.Results, func(res reconcile.Result) bool { return errors.Is(res.Err, reconcile.ErrMoved) }) {
		return "Plan again, and approve what it says now: this plan leaves out what moved."
	}
	return "Run the same command again: it looks first, and goes on."
}

// costs says how many calls were made, how many the plan said where that was another number, and how many it could not say.
func (pg *page) costs(costs []reconcile.Cost) {
	var parts []string
	for _, c := range costs {
		forecast, made := c.Sum()
		part := title(c.System) + " " + itoa(made)
		var aside []string
		if made != forecast {
			aside = append(aside, "forecast "+itoa(forecast))
		}
		if n := c.Watched(); n > 0 {
			aside = append(aside, itoa(n)+" more while it restarted")
		}
		if len(aside) > 0 {
			part += " (" + strings.Join(aside, ", ") + ")"
		}
		parts = append(parts, part)
	}
	if len(parts) > 0 {
		pg.gap()
		pg.hanging("Calls made: ", lipgloss.NewStyle(), clauses(strings.Join(parts, ", ")+"."))
	}
}

// doneRows writes a line for each object: what was done, in how many calls, and how long it took.
func (pg *page) doneRows(r reconcile.Report) {
	var rows [][]string
	for _, res := range r.Results {
		said := Escape(res.Said)
		if said == "" {
			said = Count(res.Calls, "call")
		}
		if res.LeftToPeople() {
			rows = append(rows, []string{Escape(res.Addr.String()), leftToPeople, "", ""})
			continue
		}
		rows = append(rows, []string{Escape(res.Addr.String()), pg.ink(res.Action).Render(Past(res.Action)), said, Took(res.Took)})
	}
	pg.rows("", 3, rows)
}

// ledger writes a line for each object, by how it ended.
func (pg *page) ledger(r reconcile.Report) {
	var rows [][]string
	for _, s := range []reconcile.Status{reconcile.StatusDone, reconcile.StatusFailed, reconcile.StatusUnknown, reconcile.StatusNotDone} {
		for _, res := range r.Results {
			if res.Status == s {
				rows = append(rows, []string{pg.status(s), Escape(res.Addr.String()) + Escape(ending(res))})
			}
		}
	}
	pg.rows("", 2, rows)
}

func (pg *page) status(s reconcile.Status) string {
	switch s {
	case reconcile.StatusDone:
		return pg.added.Render(string(s))
	case reconcile.StatusNotDone:
		return string(s)
	}
	return pg.removed.Render(string(s))
}

// leftToPeople is what was done about a step that Keymaker makes no call of.
const leftToPeople = "left to people"

// ending tells, after the address, how a step ended.
func ending(res reconcile.Result) string {
	switch {
	case res.LeftToPeople():
		return " " + leftToPeople
	case res.Status == reconcile.StatusDone:
		return " " + Past(res.Action)
	case res.Status == reconcile.StatusUnknown && res.Call != "":
		return ": the answer to " + res.Call + " did not arrive"
	case res.Err != nil:
		return ": " + res.Err.Error()
	case res.After != "":
		return ", which waits for " + res.After
	}
	return ""
}

func (pg *page) leftToPeople(r reconcile.Report) {
	if pendingSteps(r) == 0 {
		return
	}
	pg.gap()
	pg.line(pg.loud.Render("Left to people"))
	for _, res := range r.Results {
		if len(res.Pending) == 0 {
			continue
		}
		pg.line("  ", Escape(res.Addr.String()))
		for _, p := range res.Pending {
			for _, l := range lines(p) {
				pg.line("      ", l)
			}
		}
	}
}
