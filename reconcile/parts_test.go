package reconcile

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
)

// touching is a system of which only what it lets through is asked.
type touching struct {
	System
	tokens []Token
	doors  []Door
}

func (touching) Name() string           { return "a" }
func (touching) Access([]Object) []Edge { return nil }

var _ Issuing = touching{}

func (s touching) Tokens([]Object) iter.Seq[Token] { return slices.Values(s.tokens) }
func (s touching) Doors([]Object) []Door           { return s.doors }
func account(n int) Node                           { return Node{Kind: NodeAccount, Name: fmt.Sprint("account", n)} }
func role(n int) Node                              { return Node{Kind: NodeRole, Name: fmt.Sprint("role", n)} }
func subjectOf(n int) Node                         { return Node{Kind: NodeSubject, Name: fmt.Sprint("id", n)} }
func tokenOf(n int) Token                          { return Token{Account: account(n), Subject: Text(fmt.Sprint("id", n))} }
func touchStep(name string, s Stage, nodes ...Node) Step {
	return Step{Change: Create{Want: Object{Addr: Addr{System: "a", Kind: "thing", Name: name}}}, Stage: s, Touches: nodes}
}

// Of random steps over random accounts, two of different stages wait for each other exactly when they have to do with one account, or one of them with any.
func TestStepsWaitForThoseOfTheirAccounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	waiting, free := 0, 0
	for range 400 {
		size := 2 + rng.IntN(6)
		reach := make(map[Node][]Node) // by role, the accounts that get to it
		var old, new []Edge
		for range rng.IntN(2 * size) {
			a, r := account(rng.IntN(size)), role(rng.IntN(size))
			reach[r] = append(reach[r], a)
			if e := (Edge{From: a, To: r}); rng.IntN(2) == 0 {
				old = append(old, e)
			} else {
				new = append(new, e)
			}
		}
		var steps []Step
		var accounts []map[Node]bool // nil is any
		for n := range 2 + rng.IntN(12) {
			nodes, of := []Node{}, make(map[Node]bool)
			for range rng.IntN(3) {
				k := rng.IntN(size)
				node := []Node{account(k), role(k), subjectOf(k)}[rng.IntN(3)]
				nodes = append(nodes, node)
				of[node] = true
				for _, a := range reach[node] {
					of[a] = true
				}
				if node.Kind == NodeSubject {
					of[account(k)] = true
				}
			}
			if rng.IntN(8) == 0 {
				nodes, of = nil, nil
			}
			steps = append(steps, touchStep(fmt.Sprintf("s%02d", n), Stage(rng.IntN(3)), nodes...))
			steps[n].Touches = nodes
			accounts = append(accounts, of)
		}
		system := touching{}
		for k := range size {
			system.tokens = append(system.tokens, tokenOf(k))
		}
		made := partition([]System{system}, nil, steps, old, new)
		deps := dependencies(made)
		direct := directly(steps, accounts)
		for l := range steps {
			for e := range steps {
				if e == l {
					continue
				}
				if got, want := waits(deps, l, e), waits(direct, l, e); got != want {
					t.Fatalf("%s of stage %d waits for %s of stage %d: %t, want %t\n%+v", steps[l].Change.Addr(), steps[l].Stage, steps[e].Change.Addr(), steps[e].Stage, got, want, made)
				} else if got {
					waiting++
				} else if steps[e].Stage < steps[l].Stage {
					free++
				}
			}
		}
	}
	if waiting == 0 || free == 0 {
		t.Errorf("%d wait, and %d do not: one of both was never tried", waiting, free)
	}
}

// directly is what waits for what, pair by pair.
func directly(steps []Step, accounts []map[Node]bool) [][]int {
	deps := make([][]int, len(steps))
	for l := range steps {
		for e := range steps {
			together := accounts[l] == nil || accounts[e] == nil
			for a := range accounts[l] {
				together = together || accounts[e][a]
			}
			if together && steps[e].Stage < steps[l].Stage {
				deps[l] = append(deps[l], e)
			}
		}
	}
	return deps
}

// Where a server takes another claim than sub for the name, nobody can tell whose account a name is: it may be anybody's.
func TestANameOfAnotherClaimIsAnybodys(t *testing.T) {
	steps := []Step{touchStep("app", Restrict, account(1)), touchStep("user", Converge, subjectOf(2))}
	for claim, want := range map[string]bool{"sub": false, "email": true} {
		made := partition([]System{touching{doors: []Door{{SubjectClaim: claim}}}}, nil, steps, nil, nil)
		if got := waits(dependencies(made), 1, 0); got != want {
			t.Errorf("with %s the user waits for the app: %t, want %t", claim, got, want)
		}
	}
}

// What thousands of steps have to do with each other in too many ways to tell apart is told by what hangs together: nobody is forgotten, and the graph stays small.
func TestManySharesBecomeFew(t *testing.T) {
	const n = 300
	var edges []Edge
	var steps []Step
	for i := range n {
		for j := range n {
			edges = append(edges, Edge{From: account(i), To: role(j)})
		}
		steps = append(steps, touchStep(fmt.Sprintf("a%03d", i), Restrict, account(i)), touchStep(fmt.Sprintf("r%03d", i), Retire, role(i)))
	}
	steps = append(steps, touchStep("far", Restrict, account(n)), touchStep("farther", Retire, account(n)))
	made := partition([]System{touching{}}, nil, steps, edges, edges)
	deps := dependencies(made)
	size := 0
	for _, list := range deps {
		size += len(list)
	}
	if size > 10*len(steps) {
		t.Errorf("%d waits of %d steps", size, len(steps))
	}
	if !waits(deps, 1, 0) || !waits(deps, 1, 2) || waits(deps, 2*n+1, 0) || !waits(deps, 2*n+1, 2*n) {
		t.Error("who waits for whom is not what it was")
	}
}

// A plan of one stage needs no parts.
func TestOneStageHasNoParts(t *testing.T) {
	steps := []Step{touchStep("a", Converge, account(1)), touchStep("b", Converge, account(1))}
	made := partition([]System{touching{}}, nil, steps, nil, nil)
	if made[0].Parts != nil || slices.ContainsFunc(dependencies(made), func(d []int) bool { return len(d) > 0 }) {
		t.Errorf("%+v", made)
	}
}
