package reconcile

import (
	"context"
	"strings"
	"sync"

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
	// Disabled says why the spec means that the account does not get in ("status is INACTIVE in the spec"), "" when it does.
	Disabled string
}

// Prover is a system that can prove a part of an account's way in. Provers run in a fixed order; each adds to the evidence that the next one uses. Several accounts may
// be proven at once.
type Prover interface {
	// Accounts lists the accounts that this system gives a way in, in address order; most systems have none.
	Accounts(state []Object) []Account
	// Prove walks the system's hops for an account and tells each through hop as it ends. It returns false after a hop that failed, or that ends the way as the
	// spec means it (see Evidence.Stop). It changes nothing that outlives it; a token that it asked for stays in the evidence and is told to nobody.
	Prove(ctx context.Context, account Account, state []Object, e *Evidence, hop func(Hop)) bool
	// Hops names the hops that Prove walks, in order: those that were not reached are told as skipped.
	Hops() []string
}

// Taker is a [Prover] to which accounts log in with what another issued. Where there are several, an account is proven on those that take its tokens.
type Taker interface {
	// Takes says whether an account may come here at all, as far as the state says: whoever issues its tokens is trusted.
	Takes(account Account, state []Object) bool
}

// Refuter is a prover that can show besides that what must not work does not: tokens that are refused, logins that fail. Each try is a failed login in the logs of a real
// system, so that nothing of it is done unasked.
type Refuter interface {
	Prover
	// Refute walks the refutations for an account whose way in was proven, or which the spec disables, and tells each through hop: ok when it was refused, FAIL when
	// it was not, skip when it could not be tried. One that failed ends nothing.
	Refute(ctx context.Context, account Account, state []Object, e *Evidence, hop func(Hop))
	// Refutations names the hops that Refute walks for an account, in order.
	Refutations(account Account) []string
}

// Expecter is a prover that can say beforehand which tokens it takes, so that who issues them can compare.
type Expecter interface {
	// Expects lists whose tokens the state means to be taken. Values that are not known yet are left out.
	Expects(state []Object) []Expectation
}

// Expectation is what one taker of tokens expects of them, as the spec means it.
type Expectation struct {
	By     Addr
	Issuer string // to the character; "" when the spec leaves it to the discovery document
	// Discovery is the address of the discovery document that the taker reads, "" when it reads none.
	Discovery string
	Audience  []string
	Range     hcl.Range // where the spec says so
}

// Evidence is what provers hand on.
type Evidence struct {
	Token  Secret           // an access token
	Issuer string           // who issued it
	Claims map[string]Value // what it says, decoded
	Row    string           // what the login saw, as the drivers print it
	// Stop says why the way ends although nothing is broken ("the spec keeps the app INACTIVE"); "" when it does not.
	Stop string
	// Expected is what the takers of tokens expect of them.
	Expected []Expectation
	// Run is what all accounts of a verification share; nil shares nothing.
	Run *Run
	// Negative says that refusals are to be proven too, at the price of failed logins in the systems' logs.
	Negative bool
	// Stray is a token for another audience, for refutations, StrayFrom who issued it, and StrayAudience for whom. Without one, StrayFrom says why there is none.
	Stray         Secret
	StrayFrom     string
	StrayAudience []string
}

// Hop is one step of the way from an account to its rows.
type Hop struct {
	Name   string // org, discovery, issuer, client, policy, token, scopes, claims, signature, server, provider, login, user, roles, rights
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
	Row     string           // of the login, "" when it was not reached
	Claims  map[string]Value // what the token says, decoded; nil unless they were asked for, or when there was no token
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

// VerifyOptions are how a verification goes.
type VerifyOptions struct {
	Only     []Addr // the accounts to prove; all when empty
	Negative bool   // refusals too
	Claims   bool   // keep what the tokens say in the proofs
	Parallel int    // accounts at once; one when it is less
	Args     string // what commands that hops name are given besides: the spec's path, and flags
}

// Verification is what a run of proofs found, and the calls that it took.
type Verification struct {
	Proofs []Proof // in the order of the accounts
	Cost   []Tally
}

// Verify proves each account of a state, hop by hop, through the provers in order: the one that lists it, then those where it logs in. observe is called as hops end, from one goroutine, and account after account also
// when several are proven at once; it may be nil. A token lives as long as its account's proof.
func Verify(ctx context.Context, provers []Prover, state []Object, o VerifyOptions, observe func(Event)) Verification {
	if observe == nil {
		observe = func(Event) {}
	}
	v := verifier{ctx: ctx, state: state, options: o, run: NewRun()}
	ways := newWaysIn(provers, state)
	only := make(map[Addr]bool, len(o.Only))
	for _, a := range o.Only {
		only[a] = true
	}
	var walks []walking
	for _, p := range provers {
		for _, account := range p.Accounts(state) {
			if len(only) == 0 || only[account.Addr] {
				way := ways.of(p, account)
				walks = append(walks, walking{verifier: v, account: account, way: way.provers, expected: way.expected})
			}
		}
	}
	return Verification{Proofs: v.all(walks, observe), Cost: v.run.Cost()}
}

// verifier is one verification.
type verifier struct {
	ctx     context.Context
	state   []Object
	options VerifyOptions
	run     *Run
}

// all proves accounts, some at once, and tells what happens in their order: an account's events wait until those before it have ended.
func (v verifier) all(walks []walking, observe func(Event)) []Proof {
	proofs := make([]Proof, len(walks))
	events := make([]chan Event, len(walks))
	for i := range events {
		events[i] = make(chan Event, 64)
	}
	var group sync.WaitGroup
	group.Go(func() {
		slots := make(chan struct{}, max(1, v.options.Parallel))
		for i, w := range walks {
			slots <- struct{}{}
			group.Go(func() {
				defer func() { <-slots; close(events[i]) }()
				proofs[i] = w.prove(func(e Event) { events[i] <- e })
			})
		}
	})
	for i := range events {
		for e := range events[i] {
			observe(e)
		}
	}
	group.Wait()
	return proofs
}

// walking is one account's way: who issues its tokens, then where it logs in.
type walking struct {
	verifier
	account  Account
	way      []Prover
	expected []Expectation
	proof    Proof
	observe  func(Event)
}

// leg is what one prover of a way came to.
type leg struct {
	evidence Evidence
	why      string // why what rests on it is skipped, "" when nothing is
}

func (w *walking) prove(observe func(Event)) Proof {
	w.observe, w.proof = observe, Proof{Account: w.account}
	legs := make([]leg, len(w.way))
	first := Evidence{Run: w.run, Negative: w.options.Negative, Expected: w.expected}
	var rows []string
	for i, p := range w.way {
		legs[i] = leg{evidence: first}
		if i > 0 { // the servers where it logs in rest on the issuer's hops, and do not wait for each other
			legs[i] = legs[0]
		}
		w.walk(p, &legs[i])
		if row := legs[i].evidence.Row; row != "" {
			rows = append(rows, row)
		}
	}
	if w.options.Negative {
		w.refute(legs)
	}
	w.proof.Row = strings.Join(rows, "\n")
	if w.options.Claims {
		w.proof.Claims = legs[0].evidence.Claims
	}
	w.observe(Proven{Proof: w.proof})
	return w.proof
}

// walk tells one prover's hops, those that were not reached too.
func (w *walking) walk(p Prover, l *leg) {
	tell := w.teller(p)
	told := len(w.proof.Hops)
	if l.why == "" && !p.Prove(w.ctx, w.account, w.state, &l.evidence, tell) {
		l.why = l.evidence.Stop
		if l.why == "" {
			l.why = "needs " + w.proof.Hops[len(w.proof.Hops)-1].Name
		}
	}
	skipRest(p.Hops(), len(w.proof.Hops)-told, l.why, tell)
}

// teller adds a prover's hops to the proof.
func (w *walking) teller(p Prover) func(Hop) {
	on := ""
	if s, ok := p.(System); ok {
		on = NodeOn(SplitInstance(s.Name()))
	}
	return func(h Hop) {
		h.On = on
		if h.Status == HopFail && h.Range.Empty() {
			h.Range = w.account.Range
		}
		h.See = WithArgs(h.See, w.options.Args)
		w.proof.Hops = append(w.proof.Hops, h)
		w.observe(Hopped{Account: w.account, Hop: h})
	}
}

// WithArgs gives a command of Keymaker's that a hop names, "keymaker plan --target ADDR", the arguments with which it reads the same spec. Other commands stay.
func WithArgs(see, args string) string {
	if rest, ours := strings.CutPrefix(see, "keymaker "); ours && args != "" {
		command, rest, _ := strings.Cut(rest, " ")
		return strings.TrimSpace("keymaker " + command + " " + args + " " + rest)
	}
	return see
}

// refute walks the refutations. Those of a way that did not end as it should would say nothing.
func (w *walking) refute(legs []leg) {
	for i, p := range w.way {
		r, ok := p.(Refuter)
		if !ok {
			continue
		}
		e, why := legs[0].evidence, legs[i].why
		if legs[i].evidence.Stop != "" {
			why = ""
		}
		tell, told := w.teller(p), len(w.proof.Hops)
		if why == "" {
			r.Refute(w.ctx, w.account, w.state, &e, tell)
		}
		skipRest(r.Refutations(w.account), len(w.proof.Hops)-told, why, tell)
		if i == 0 {
			legs[0].evidence = e
		}
	}
}

// skipRest tells the hops that were not reached.
func skipRest(names []string, told int, why string, tell func(Hop)) {
	if why == "" {
		return
	}
	for _, name := range names[min(len(names), told):] {
		tell(Hop{Name: name, Status: HopSkip, Text: why})
	}
}
