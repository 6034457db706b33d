package render

import (
	"strings"

	"keymaker/reconcile"
)

// DriftJUnit is a comparison as a JUnit report: a suite for each system, a case for each object. One that is in sync passes, one that could not be read is an error, any other
// a failure whose type is its state. Accounts whose access the drift changed are cases of a suite of their own: those that gained fail, those that only lost pass.
// What the checks found are cases of one more suite: those fail that break a login, the others pass with a warning as their output.
func DriftJUnit(f Findings) ([]byte, error) {
	doc := &junitSuites{Name: "keymaker drift"}
	for _, it := range f.Drift.Items {
		if belongs(it) {
			doc.add(Escape(it.Addr.Instance()), itemCase(it))
		}
	}
	for _, c := range f.drifted() {
		one := junitCase{Name: Escape(c.Account), Class: "access"}
		text := strings.Join(gainsAndLosses(c), "\n")
		if !widening(c) {
			one.Out = text
		} else {
			one.Failure = &junitText{Message: "the drift " + c.Effect() + " what this account may do", Type: c.Effect(), Text: text}
		}
		doc.add("access", one)
	}
	for _, c := range f.Checks {
		doc.add(checkSuite, checkCase(c))
	}
	return doc.document()
}

func itemCase(it reconcile.DriftItem) junitCase {
	r := placeIn(it)
	c := junitCase{Name: Escape(it.Addr.String()), Class: Escape(it.Addr.Instance() + "." + it.Addr.Kind), File: Escape(r.Filename), Line: r.Start.Line}
	var ls []string
	if s := said(it); s != "" {
		ls = append(ls, s)
	}
	ls = append(ls, told(it)...)
	if graver(it.Gravity) {
		ls = append(ls, "access: "+string(it.Gravity))
	}
	for _, l := range remedies(it) {
		ls = append(ls, "to do: "+l)
	}
	switch it.State {
	case reconcile.InSync, reconcile.Foreign:
	case reconcile.Unreadable:
		c.Error = &junitText{Message: "could not be read", Type: string(it.State), Text: strings.Join(ls, "\n")}
	default:
		message := string(it.State)
		if n := len(differences(it)); n > 0 {
			message += ", " + Count(n, "difference")
		}
		if graver(it.Gravity) {
			message += ", " + string(it.Gravity)
		}
		c.Failure = &junitText{Message: message, Type: string(it.State), Text: strings.Join(ls, "\n")}
	}
	var ignored []string
	for _, name := range it.Ignored {
		ignored = append(ignored, "ignored by the lifecycle block: "+Escape(name))
	}
	c.Out = strings.Join(ignored, "\n")
	return c
}

// gainsAndLosses tells an access change, a line each.
func gainsAndLosses(c reconcile.AccessChange) []string {
	var ls []string
	for _, n := range c.Gains {
		ls = append(ls, "gains "+string(n.Kind)+" "+phrase(n.Label()))
	}
	for _, n := range c.Loses {
		ls = append(ls, "loses "+string(n.Kind)+" "+phrase(n.Label()))
	}
	return ls
}
