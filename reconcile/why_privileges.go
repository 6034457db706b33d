package reconcile

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// privileges weighs what the roles give, and tells by which the question is answered.
func (w *explainer) privileges(out *Why, roles []held, public Node) {
	var grants, denies []string
	for _, h := range roles {
		for _, e := range w.roles[h.role] {
			switch e.To.Kind {
			case NodePrivilege:
				grants = append(grants, e.To.Name)
			case NodeDenial:
				denies = append(denies, e.To.Name)
			}
		}
	}
	scale := w.judge.Weigh(grants, denies)
	for i, part := range slices.Concat(w.question.Parts, w.question.Needs) {
		v := scale.Ask(part)
		if len(v.Missing) == 0 && len(v.Denied) == 0 {
			if i < len(w.question.Parts) {
				out.addGrants(w, roles, v.Granted, public)
			}
			continue
		}
		if len(v.Missing) > 0 {
			out.addRoles(roles) // how far it comes
			out.Missing = WhyHop{Verb: "is not granted", What: v.Missing[0], Remedy: w.give(roles, public, v.Missing[0])}
			if len(v.Missing) == len(scale.Ask(part).Missing) && len(v.Granted) == 0 {
				out.Missing.What = part
				out.Missing.Remedy = w.give(roles, public, part)
			}
			return
		}
		out.addGrants(w, roles, v.Granted, public)
		out.Missing = w.denied(roles, part, v.Denied)
		return
	}
	out.Yes = true
}

// denied tells by which denial a privilege is taken: one that takes all of it, if there is one.
func (w *explainer) denied(roles []held, part string, denials []string) WhyHop {
	text := denials[0]
	for _, d := range denials {
		if w.judge.Weigh([]string{part}, []string{d}).Useless(part) {
			text = d
			break
		}
	}
	role, e := w.giver(roles, NodeDenial, text)
	hop := WhyHop{Verb: "is denied", What: text, By: "to " + role.Label()}
	hop.Addr, hop.Range, _ = w.sourceOf(e)
	hop.Remedy = fmt.Sprintf("A denial beats every grant: take it out of role %s, or the role from the account.", role.Label())
	if n := len(denials) - 1; n > 0 {
		hop.Remedy += fmt.Sprintf(" %d more %s of it.", n, map[bool]string{true: "denial takes a part", false: "denials take parts"}[n == 1])
	}
	return hop
}

// sourceOf is the object that gives or denies a role something, and where the spec says so. A role that no block declares is known from the server alone: declared is false.
func (w *explainer) sourceOf(e Edge) (addr Addr, at hcl.Range, declared bool) {
	o := w.state[e.Via]
	a, ok := o.Attr(w.judge.Attribute(e.To.Kind))
	if !ok { // not a role's object, but the one by which the role is reached
		return Addr{}, hcl.Range{}, false
	}
	for _, it := range a.Items {
		if it.Value == Text(e.To.Name) && !it.Range.Empty() {
			return e.Via, it.Range, true
		}
	}
	if len(a.Items) > 0 { // somebody else made it: the spec's list is another
		return e.Via, hcl.Range{}, true
	}
	return e.Via, orRange(a.Range, o.Range), true
}

// giver is the role that gives or denies a privilege, and the object that says so.
func (w *explainer) giver(roles []held, kind NodeKind, text string) (Node, Edge) {
	for _, h := range roles {
		for _, e := range w.roles[h.role] {
			if e.To.Kind == kind && e.To.Name == text {
				return h.role, e
			}
		}
	}
	return Node{}, Edge{}
}

// addGrants tells the grants that count, each behind the way to its role.
func (out *Why) addGrants(w *explainer, roles []held, grants []string, public Node) {
	for _, text := range grants {
		role, e := w.giver(roles, NodePrivilege, text)
		for _, h := range roles {
			if h.role != role {
				continue
			}
			out.addRoles([]held{h})
			break
		}
		hop := WhyHop{Verb: "is granted", What: text, By: "to " + role.Label()}
		declared := false
		hop.Addr, hop.Range, declared = w.sourceOf(e)
		switch {
		case role == public:
			hop.By += ", which every login has"
		case !declared:
			hop.By += ", which no block declares"
		}
		if !slices.Contains(out.Hops, hop) {
			out.Hops = append(out.Hops, hop)
		}
	}
}

// addRoles tells how somebody comes to have roles.
func (out *Why) addRoles(roles []held) {
	for _, h := range roles {
		for _, hop := range h.hops {
			if !slices.Contains(out.Hops, hop) {
				out.Hops = append(out.Hops, hop)
			}
		}
	}
}

// give says which role could be granted what is missing.
func (w *explainer) give(roles []held, public Node, text string) string {
	for _, h := range roles {
		if h.role == public {
			continue
		}
		for _, e := range w.roles[h.role] {
			if o, ok := w.state[e.Via]; ok && !o.Range.Empty() {
				return fmt.Sprintf("Add %q to the grants of %s, which it has, or give it a role that has it.", text, e.Via)
			}
		}
		return fmt.Sprintf("Grant it to role %s, which it has, or give it a role that has it.", h.role.Label())
	}
	return "Give it a role that has it."
}
