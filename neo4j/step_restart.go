package neo4j

import (
	"fmt"
	"slices"
	"strings"

	"keymaker/reconcile"
)

// finishProviders makes the steps, and lets the last of those that need a restart make it for all.
func finishProviders(s *System, seen snapshot, providers []*providerStep) []reconcile.Step {
	slices.SortFunc(providers, func(a, b *providerStep) int {
		if a.stage != b.stage {
			return int(a.stage) - int(b.stage)
		}
		return reconcile.CompareAddr(a.change.Addr(), b.change.Addr())
	})
	shareLines(providers)
	carrier := -1
	for i, p := range providers {
		if len(p.static) > 0 && !p.aura {
			carrier = i
		}
	}
	steps := make([]reconcile.Step, len(providers))
	for i, p := range providers {
		steps[i] = p.step(s, seen, i == carrier, providers)
		if i > 0 { // they write the same lists
			steps[i].After = []reconcile.Addr{providers[i-1].change.Addr()}
		}
	}
	return steps
}

// shareLines lets each edit of a provider list begin with what the providers before it make of the list, and writes the lines that a person would have to
// add by hand: there a list is one line for all providers of the plan.
func shareLines(providers []*providerStep) {
	lists := make(map[string][]string)
	for _, p := range providers {
		for i, e := range p.edits {
			if e.Add == "" && e.Drop == "" {
				continue
			}
			if base, ok := lists[e.Key]; ok {
				p.edits[i].Base = base
			}
			lists[e.Key] = e.list(p.edits[i].Base)
		}
	}
	for _, p := range providers {
		for _, e := range p.edits {
			switch {
			case e.Add != "" || e.Drop != "":
				p.lines = append(p.lines, e.Key+"="+strings.Join(lists[e.Key], ","))
			case e.Value == nil || isEmpty(e.Value):
				p.lines = append(p.lines, "remove "+e.Key)
			default:
				p.lines = append(p.lines, e.Key+"="+showSetting(e.Value))
			}
		}
		if p.byHand != "" {
			p.lines = append(p.lines, p.byHand)
		}
	}
}

// step puts a provider's ops in order: ask the server whether it takes the values, make them last, set them now, and restart if that is what it takes.
func (p *providerStep) step(s *System, seen snapshot, carries bool, all []*providerStep) reconcile.Step {
	step := reconcile.Step{Change: p.change, Stage: p.stage, Hazards: p.hazards, Notes: slices.Clone(p.remarks)}
	if p.aura {
		step.Pending, step.Later = auraPending(p.name, p.change), []string{reconcile.WholeChange}
		return step
	}
	for _, c := range p.dynamic {
		if c.Member == p.dynamic[0].Member {
			c.Check = true
			step.Ops = append(step.Ops, c)
		}
	}
	if s.confFile != "" && len(p.edits) > 0 {
		step.Ops = append(step.Ops, WriteConf{File: s.confFile, Edits: p.edits})
	}
	for _, c := range p.dynamic {
		step.Ops = append(step.Ops, c)
	}
	canRestart := s.confFile != "" && s.restart.can()
	if carries && canRestart {
		p.restart(s, seen, &step, all)
	}
	p.notes(s, seen, &step, canRestart, all)
	p.pending(s, seen, &step, canRestart)
	return step
}

// restart makes this step the one that restarts, after all other providers of the plan are written.
func (p *providerStep) restart(s *System, seen snapshot, step *reconcile.Step, all []*providerStep) {
	op := Restart{Command: s.restart.command, Timeout: s.restart.timeout}
	if s.restart.direct != nil {
		op.Command = nil
	}
	for _, other := range all {
		for _, m := range other.static {
			if !slices.Contains(op.Members, m) {
				op.Members = append(op.Members, m)
			}
		}
		op.Expect = append(op.Expect, other.expect...)
	}
	slices.SortFunc(op.Members, func(a, b string) int { return indexOf(seen, a) - indexOf(seen, b) })
	step.Ops = append(step.Ops, op)
	step.Hazards = append(step.Hazards, reconcile.Hazard{
		Kind: reconcile.HazardRestart,
		Text: fmt.Sprintf("restarts %s: connections end, and settings that were changed at run time and are not in %s are lost", inTurn(op.Members), s.confFile),
	})
}

// inTurn names members in the order in which they are restarted.
func inTurn(members []string) string {
	if len(members) == 1 {
		return members[0]
	}
	return strings.Join(members, ", then ")
}

func indexOf(seen snapshot, member string) int {
	return slices.IndexFunc(seen.members, func(m memberState) bool { return m.address == member })
}

// notes tells the three truths: what is in effect at once, what is made to last, and what a restart is needed for.
func (p *providerStep) notes(s *System, seen snapshot, step *reconcile.Step, canRestart bool, all []*providerStep) {
	note := func(label, text string) { step.Notes = append(step.Notes, reconcile.Note{Label: label, Text: text}) }
	switch {
	case len(p.dynamic) > 0:
		var members []string
		for _, c := range p.dynamic {
			members = append(members, c.Member)
		}
		note("now", fmt.Sprintf("%d of %s, by dbms.setConfigValue", len(uniqueSorted(members)), countMembers(len(seen.members))))
	case len(p.static) > 0:
		note("now", "nothing: Neo4j reads this at start only")
	default:
		note("now", "nothing")
	}
	switch {
	case len(p.lines) == 0:
		note("to keep", "nothing")
	case s.confFile != "":
		note("to keep", countLines(len(p.edits))+" in the marked block of "+s.confFile)
		if len(seen.members) > 1 { // each has a neo4j.conf of its own, which no query shows
			note("each member", "Keymaker writes this one file: where members do not share it, the restart command has to bring it to $KEYMAKER_MEMBER first. A member that comes back with other settings stops the restarts")
		}
	default:
		note("to keep", countLines(len(p.lines))+" in neo4j.conf, by hand")
	}
	switch {
	case len(p.static) == 0:
		note("restart", "not needed")
	case !canRestart:
		note("restart", "needed on "+countMembers(len(p.static))+", by hand")
	case carrierOf(all) != p:
		note("restart", "with "+carrierOf(all).change.Addr().String())
	case s.restart.direct != nil:
		note("restart", countMembers(len(p.static)))
	default:
		note("restart", countMembers(len(p.static))+" by "+strings.Join(s.restart.command, " "))
	}
}

func carrierOf(all []*providerStep) *providerStep {
	last := all[0]
	for _, p := range all {
		if len(p.static) > 0 && !p.aura {
			last = p
		}
	}
	return last
}

func countMembers(n int) string {
	if n == 1 {
		return "1 member"
	}
	return fmt.Sprintf("%d members", n)
}

// pending lists what only a person can do.
func (p *providerStep) pending(s *System, seen snapshot, step *reconcile.Step, canRestart bool) {
	if s.confFile == "" && len(p.lines) > 0 {
		step.Pending = append(step.Pending, "in neo4j.conf of "+addresses(seen)+":")
		step.Pending = append(step.Pending, p.lines...)
		if len(p.static) == 0 {
			step.Pending = append(step.Pending, "no restart is needed: the settings are in effect, and the lines keep them at the next start")
		}
	}
	if len(p.static) > 0 && !canRestart {
		step.Pending = append(step.Pending, "restart "+inTurn(p.static)+", and run the same command again")
		step.Later = p.late
		if _, updates := p.change.(reconcile.Update); !updates {
			step.Later = []string{reconcile.WholeChange}
		}
	}
}

func addresses(seen snapshot) string {
	var list []string
	for _, m := range seen.members {
		list = append(list, m.address)
	}
	return strings.Join(list, ", ")
}

// auraPending says what to click where no setting is in reach (Aura documentation, "Single sign-on").
func auraPending(name string, c reconcile.Change) []string {
	lines := []string{
		"Neo4j Aura keeps providers in its console: Organization > Security > Single Sign-On, as Organization Owner or Admin, add or edit " + name,
		"that takes Business Critical, Virtual Dedicated Cloud or AuraDS Enterprise, and a redirect URI at the provider: https://login.neo4j.com/login/callback",
	}
	create, ok := c.(reconcile.Create)
	if !ok {
		return lines
	}
	for _, attr := range []string{"well_known_discovery_uri", "audience", "username_claim", "groups_claim"} {
		if v := create.Want.Get(attr); v != nil {
			lines = append(lines, attr+": "+showSetting(v))
		}
	}
	mapping := mappingOf(create.Want.Get("group_to_role"))
	for _, group := range sortedKeys(mapping) {
		for _, role := range mapping[group] {
			lines = append(lines, "role mapping: "+group+"="+role)
		}
	}
	return append(lines, "a running instance takes a new role mapping, and another groups claim than groups, by a support ticket only")
}
