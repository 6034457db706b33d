package render

import (
	"fmt"

	"keymaker/reconcile"
)

// PlanMarkdown is a plan for a pull request, in GitHub's Markdown: counts first, then access and hazards, what is left to people, and each object folded away. It is
// at most 65,536 bytes long, which is as much as a comment takes; what does not fit is left out whole and counted ("12 more objects"). Nothing in it
// depends on anything but the plan, so the same plan gives the same text. kinds are those of all systems.
func PlanMarkdown(p reconcile.Plan, kinds []reconcile.Kind) []byte {
	m := newMarkdown()
	m.para("### Keymaker plan")
	m.para("**" + words(planSummary(p)) + "**")
	var targets []string
	for _, t := range p.Targets {
		targets = append(targets, codeSpan(t.Title+" "+t.URL)+", "+readState(t.System, p.Drift))
	}
	m.list("Servers", targets, "server", 4<<10)
	m.list("Access", accessItems(p.Access), "line", 12<<10)
	m.list("Hazards", hazardItems(p.Steps), "hazard", 8<<10)
	m.list("Checks", checkItems(p.Findings), "check", 8<<10)
	m.list("Left to people", pendingItems(p.Steps), "object", 8<<10)
	f := fieldsOf(kinds)
	var objects []string
	if len(p.Steps) > 0 {
		m.para("#### Objects")
	}
	for _, s := range p.Steps {
		objects = append(objects, stepSection(s, p.Drift, f))
	}
	var rest []string
	for _, k := range p.Kept {
		rest = append(rest, "kept: "+codeSpan(k.Addr.String())+", "+codeSpan(k.Why))
	}
	for _, text := range ignoredTexts(p.Drift) {
		rest = append(rest, "ignored: "+codeSpan(text))
	}
	m.limit -= 4 << 10 // for what is not touched
	m.sections(objects, func(n int) string {
		return fmt.Sprintf("**%s**, left out because a comment takes no more. `keymaker plan` shows all.", Count(n, "more object"))
	})
	m.limit += 4 << 10
	m.list("Not touched", rest, "object", 3<<10)
	return m.bytes()
}

func stepSection(s reconcile.Step, d reconcile.Drift, f fields) string {
	verb, attrs := stepAttrs(s, f)
	title := string(rune(s.Change.Action())) + " " + codeHTML(s.Change.Addr().String()) + " " + verb
	if at := place(declared(s.Change, d)); at != "" {
		title += ", " + codeHTML(at)
	}
	body := block(func(pg *page) {
		pg.attrLines(attrs(pg))
		pg.notes(append(objectNotes(s.Change), s.Notes...), s.Pending)
	})
	for _, op := range s.Ops {
		body += "# " + Escape(op.String()) + "\n"
	}
	return folded(title, "diff", body, 16<<10)
}

// accessItems tell what accounts gain and lose, one item an account with its lines below it.
func accessItems(changes []reconcile.AccessChange) []string {
	var items []string
	for _, c := range changes {
		head := codeSpan(c.Account) + " " + c.Effect()
		for _, l := range accessTexts(c) {
			items = append(items, head+": "+l)
		}
	}
	return items
}

// accessTexts are the nodes of an access change in Markdown: gains role `etl_writer`.
func accessTexts(c reconcile.AccessChange) []string {
	var texts []string
	add := func(verb string, nodes []reconcile.Node, when string) {
		for i, n := range nodes {
			if i == manyPrivileges {
				texts = append(texts, verb+" "+Count(len(nodes)-i, "more")+when)
				return
			}
			texts = append(texts, verb+" "+string(n.Kind)+" "+codeSpan(n.Label())+when)
		}
	}
	add("gains", minus(c.Gains, c.LaterGains), "")
	add("loses", minus(c.Loses, c.LaterLoses), "")
	add("gains", c.LaterGains, ", "+laterHead)
	add("loses", c.LaterLoses, ", "+laterHead)
	return texts
}

func hazardItems(steps []reconcile.Step) []string {
	var items []string
	for _, s := range steps {
		for _, h := range s.Hazards {
			items = append(items, codeSpan(string(h.Kind))+" "+codeSpan(hazardText(s, h)))
		}
	}
	return items
}

func pendingItems(steps []reconcile.Step) []string {
	var items []string
	for _, s := range steps {
		if len(s.Pending) > 0 {
			items = append(items, codeSpan(s.Change.Addr().String())+", "+Count(len(s.Pending), "line")+", shown with the object")
		}
	}
	return items
}
