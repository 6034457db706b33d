package reconcile

import (
	"context"
	"slices"

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

// Verify proves each account of a state, hop by hop, through the provers in order. only, when not empty, names the accounts to prove. observe is called
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
			proof := proveOne(ctx, provers, account, state, observe)
			observe(Proven{Proof: proof})
			proofs = append(proofs, proof)
		}
	}
	return proofs
}

func proveOne(ctx context.Context, provers []Prover, account Account, state []Object, observe func(Event)) Proof {
	proof := Proof{Account: account}
	var evidence Evidence
	tell := func(h Hop) {
		proof.Hops = append(proof.Hops, h)
		observe(Hopped{Account: account, Hop: h})
	}
	broken := ""
	for _, p := range provers {
		names := p.Hops()
		told := len(proof.Hops)
		if broken == "" && !p.Prove(ctx, account, state, &evidence, tell) {
			broken = proof.Hops[len(proof.Hops)-1].Name
		}
		for _, name := range names[min(len(names), len(proof.Hops)-told):] {
			if broken != "" {
				tell(Hop{Name: name, Status: HopSkip, Text: "needs " + broken})
			}
		}
	}
	proof.Row = evidence.Row
	return proof
}
