package reconcile

import (
	"fmt"
	"testing"
)

func waitingStep(name string, after ...string) Step {
	at := func(name string) Addr { return Addr{System: "o", Kind: "app", Name: name} }
	s := Step{Change: Update{Want: Object{Addr: at(name)}, Live: Object{Addr: at(name)}}, Stage: Converge}
	for _, a := range after {
		s.After = append(s.After, at(a))
	}
	return s
}

func waitingText(steps []Step) string {
	text := ""
	for _, s := range steps {
		text += fmt.Sprint(s.Change.Addr().Name, s.After, " ")
	}
	return text
}

// Where two sets of steps share some, one pair may be the other way round of another: then nothing is ordered, and nothing is left of the attempt.
func TestGuardMakesNoCircle(t *testing.T) {
	for _, c := range []struct {
		earlier, later []int
		want           string
		ok             bool
	}{
		{[]int{0}, []int{1}, "a[] b[o.app.a] ", true},
		{[]int{0, 1}, []int{1, 0}, "a[] b[] ", false},
		{[]int{1}, []int{1}, "a[] b[] ", true},
	} {
		g := accessGuard{steps: []Step{waitingStep("a"), waitingStep("b")}}
		g.depend()
		if ok := g.order(c.earlier, c.later); ok != c.ok || waitingText(g.steps) != c.want {
			t.Errorf("%v before %v: %t, %s, want %t, %s", c.earlier, c.later, ok, waitingText(g.steps), c.ok, c.want)
		}
		if _, err := Order(g.steps); err != nil {
			t.Errorf("%v before %v: %v", c.earlier, c.later, err)
		}
	}
}

// An account is changed after what waits for it only where nothing else between the two has to wait for the account.
func TestAccountIsTurnedWithoutACircle(t *testing.T) {
	for _, c := range []struct {
		steps []Step
		want  string
		ok    bool
	}{
		{[]Step{waitingStep("account"), waitingStep("policy", "account")}, "account[o.app.policy] policy[] ", true},
		{[]Step{waitingStep("account"), waitingStep("policy", "mapping"), waitingStep("mapping", "account")}, "account[] policy[o.app.mapping] mapping[o.app.account] ", false},
	} {
		h := holder{steps: c.steps}
		h.depend()
		if ok := h.turn(0, []int{1}); ok != c.ok || waitingText(h.steps) != c.want {
			t.Errorf("turned %t, %s, want %t, %s", ok, waitingText(h.steps), c.ok, c.want)
		}
		if _, err := Order(h.steps); err != nil {
			t.Error(err)
		}
	}
}
