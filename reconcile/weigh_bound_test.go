package reconcile

import (
	"context"
	"strings"
	"testing"
)

// counting is a system in which every object gives account a what its attribute says.
type counting struct{ System }

func (counting) Name() string { return "counting" }

func (counting) Steps([]Change) ([]Step, error) { return nil, nil }

func (counting) Do(context.Context, Op, Resolver) (Outcome, error) { return Outcome{}, nil }

func (counting) Access(state []Object) []Edge {
	var edges []Edge
	for _, o := range state {
		edges = append(edges, Edge{From: Node{Kind: NodeAccount, Name: "a"}, To: Node{Kind: NodePrivilege, Name: o.TextAttr("p")}, Via: o.Addr})
	}
	return edges
}

// Where there is no time left to weigh a difference, that is said, and nobody is told that it is harmless.
func TestWeighIsBounded(t *testing.T) {
	live := []Object{{Addr: Addr{System: "counting", Kind: "k", Name: "x"}}}
	live[0].Set(Attr{Name: "p", Value: Text("w")})
	it := DriftItem{Addr: live[0].Addr, State: Extra, Live: live[0]}
	for _, left := range []int{1, 0} {
		w := weigher{scene: sceneOf([]System{counting{}}, live), left: left, size: 1}
		got := w.item(it)
		if left > 0 && (got.Gravity != Widens || w.left >= 0) {
			t.Errorf("with time: %s %q, left %d", got.Gravity, got.Means, w.left)
		}
		if left == 0 && (got.Gravity != Unknown || !strings.Contains(strings.Join(got.Means, " "), "too many differences")) {
			t.Errorf("without: %s %q", got.Gravity, got.Means)
		}
	}
}
