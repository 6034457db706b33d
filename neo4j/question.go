package neo4j

import (
	"errors"
	"slices"

	"keymaker/reconcile"
)

// Question reads what somebody may want to do, in the words of a privilege. A mistake is a *[reconcile.QuestionError].
//
// Nothing can be done in a database that may not be entered, and no property be read of what is not found, so a question about a graph asks for ACCESS too, and one
// about READ for TRAVERSE (Operations Manual, "Database administration", "Read privileges").
func (*judge) Question(text string) (reconcile.Question, error) {
	atoms, err := ParsePrivilege(AccessGrant, text)
	var pe *PrivilegeError
	if errors.As(err, &pe) {
		return reconcile.Question{}, &reconcile.QuestionError{Text: text, Offset: pe.Offset, Length: pe.Length, Summary: pe.Summary, Remedy: pe.Remedy}
	}
	if err != nil {
		return reconcile.Question{}, err
	}
	q := reconcile.Question{Text: text}
	need := func(a Atom) {
		if t := a.String(); !slices.Contains(q.Needs, t) {
			q.Needs = append(q.Needs, t)
		}
	}
	for _, a := range atoms {
		q.Parts = append(q.Parts, a.String())
		if a.scope != ScopeGraph {
			continue
		}
		need(Atom{action: "ACCESS", scope: ScopeDatabase, place: a.place, home: a.home})
		if a.action == "READ" {
			found := a
			found.action, found.property = "TRAVERSE", Pick{}
			need(found)
		}
	}
	return q, nil
}
