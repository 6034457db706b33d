package reconcile

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Account is somebody who should be able to log in: an app that gets tokens with its own credentials.
type Account struct {
	Addr  Addr
	Name  string
	Range hcl.Range
	// Lacks says why the account cannot be proven from here: its credentials are not at hand, and where they could be. "" when they are. Nothing is wrong with the
	// account itself.
	Lacks string
}

// Prover is a system that can prove a part of an account's way in. Provers run in a fixed order; each adds to the evidence that the next one uses.
type Prover interface {
	// Accounts lists the accounts that this system gives a way in, in address order; most systems have none.
	Accounts(state []Object) []Account
	// Prove walks the system's hops for an account and tells each through hop as it ends. It returns false after a hop that failed. It changes nothing
	// that outlives it; a token that it asked for stays in the evidence and is told to nobody.
	Prove(ctx context.Context, account Account, state []Object, e *Evidence, hop func(Hop)) bool
	// Hops names the hops that Prove walks, in order: those that were not reached are told as skipped.
	Hops() []string
}

// Taker is a [Prover] to which accounts log in with what another issued. Where there are several, an account is proven on those that take its tokens.
type Taker interface {
	// Takes says whether an account may come here at all, as far as the state says: whoever issues its tokens is trusted.
	Takes(account Account, state []Object) bool
}

// Evidence is what provers hand on.
type Evidence struct {
	Token  Secret           // an access token
	Issuer string           // who issued it
	Claims map[string]Value // what it says, decoded
	Row    string           // what the login saw, as the drivers print it
}

// Hop is one step of the way from an account to its rows.
type Hop struct {
	Name   string // org, discovery, client, policy, token, claims, login, user, roles
	On     string // the named connection where it was walked, neo4j.eu; "" for an unnamed one
	Status HopStatus
	Text   string // what was found, or the hop it waited for
	// The remaining fields tell why a hop failed: what should have come, what came, what is likely wrong, in order, and what to run next.
	Expected, Came string
	Likely         []string
	See            string
	Range          hcl.Range // the spec's place, zero when there is none
}

// HopStatus is how a hop ended; it is the first word of its line.
type HopStatus string

// The hop statuses.
const (
	HopOK   HopStatus = "ok"
	HopFail HopStatus = "FAIL"
	HopSkip HopStatus = "skip"
)

// Proof is one account's hops, in order.
type Proof struct {
	Account Account
	Hops    []Hop
	Row     string // of the login, "" when it was not reached
}

// Broken gives the first hop that failed.
func (p Proof) Broken() (Hop, bool) {
	for _, h := range p.Hops {
		if h.Status == HopFail {
			return h, true
		}
	}
	return Hop{}, false
}

// Passed counts the hops that are ok.
func (p Proof) Passed() int {
	n := 0
	for _, h := range p.Hops {
		if h.Status == HopOK {
			n++
		}
	}
	return n
}

// Verify proves each account of a state, hop by hop, through the provers in order: the one that lists it, then those where it logs in. only, when not empty, names the accounts to prove. observe is called
// as hops end; it may be nil.
func Verify(ctx context.Context, provers []Prover, state []Object, only []Addr, observe func(Event)) []Proof {
	if observe == nil {
		observe = func(Event) {}
	}
	var proofs []Proof
	for _, p := range provers {
		for _, account := range p.Accounts(state) {
			if len(only) > 0 && !slices.Contains(only, account.Addr) {
				continue
			}
			proof := proveOne(ctx, wayOf(provers, p, account, state), account, state, observe)
			observe(Proven{Proof: proof})
			proofs = append(proofs, proof)
		}
	}
	return proofs
}

// wayOf lists the provers on an account's way. Other connections of the system that lists it know nothing of it. It logs in where its tokens are taken; where several take
// them, on those where it reaches a role.
func wayOf(provers []Prover, issuer Prover, account Account, state []Object) []Prover {
	var all, takers []Prover
	for _, p := range provers {
		if s, ok := p.(System); p == issuer || ok && sameSystem(s.Name(), account.Addr.System) {
			continue
		}
		all = append(all, p)
		if t, ok := p.(Taker); !ok || t.Takes(account, state) {
			takers = append(takers, p)
		}
	}
	if len(takers) == 0 { // the first hop there tells why
		takers = all
	}
	if len(takers) > 1 {
		takers = reached(provers, takers, account, state)
	}
	return append([]Prover{issuer}, takers...)
}

func sameSystem(instance, system string) bool {
	s, _ := SplitInstance(instance)
	return s == system
}

// reached keeps the provers where an account reaches a role; all, where it reaches none.
func reached(provers, takers []Prover, account Account, state []Object) []Prover {
	var systems []System
	for _, p := range provers {
		if s, ok := p.(System); ok {
			systems = append(systems, s)
		}
	}
	me := Node{Kind: NodeAccount, Name: account.Name, On: NodeOn(account.Addr.System, account.Addr.Connection)}
	nodes := reach(EdgesOf(systems, state))[me]
	var some []Prover
	for _, p := range takers {
		s, ok := p.(System)
		if !ok {
			continue
		}
		for n := range nodes {
			if n.Kind == NodeRole && n.On == NodeOn(SplitInstance(s.Name())) {
				some = append(some, p)
				break
			}
		}
	}
	if len(some) == 0 {
		return takers
	}
	return some
}

func proveOne(ctx context.Context, provers []Prover, account Account, state []Object, observe func(Event)) Proof {
	proof := Proof{Account: account}
	var evidence Evidence
	var rows []string
	broken := "" // on the part of the way that all others rest on
	for i, p := range provers {
		on := ""
		if s, ok := p.(System); ok {
			on = NodeOn(SplitInstance(s.Name()))
		}
		tell := func(h Hop) {
			h.On = on
			proof.Hops = append(proof.Hops, h)
			observe(Hopped{Account: account, Hop: h})
		}
		names := p.Hops()
		told := len(proof.Hops)
		missing := broken
		e := evidence
		if missing == "" && !p.Prove(ctx, account, state, &e, tell) {
			missing = proof.Hops[len(proof.Hops)-1].Name
		}
		for _, name := range names[min(len(names), len(proof.Hops)-told):] {
			if missing != "" {
				tell(Hop{Name: name, Status: HopSkip, Text: "needs " + missing})
			}
		}
		if e.Row != "" {
			rows = append(rows, e.Row)
		}
		if i == 0 { // the servers where it logs in do not wait for each other
			evidence, broken = e, missing
		}
	}
	proof.Row = strings.Join(rows, "\n")
	return proof
}
