package render

import (
	"io"
	"time"

	"keymaker/reconcile"
)

// Events writes events as JSON, one object a line, as they come; apply --json and verify --json are made of it. Each object's type is one of
//
//	step_started, call_ended, waiting, step_ended   while a plan is applied, then report
//	hop, proof                                      while accounts are proven, then verdict
//
// and stays what it is; members may be added. It is used from one goroutine. After a write failed nothing more is written, and Close gives the error.
type Events struct {
	w   io.Writer
	err error
}

// NewEvents writes to w.
func NewEvents(w io.Writer) *Events { return &Events{w: w} }

// Observe writes one event.
func (e *Events) Observe(ev reconcile.Event) {
	switch ev := ev.(type) {
	case reconcile.Started:
		e.write(startedJSON{"step_started", ev.Addr.String(), actionWord(ev.Action), ev.Nth, ev.N})
	case reconcile.Called:
		e.write(calledJSON{"call_ended", ev.Addr.String(), ev.Op.String(), ev.Took.Milliseconds(), errorOf(ev.Err)})
	case reconcile.Waiting:
		if ev.Over() {
			break
		}
		out := waitingJSON{Type: "waiting", Reason: ev.Reason, Until: ev.Until.UTC().Format(time.RFC3339)}
		if !ev.Addr.IsZero() {
			out.Address = ev.Addr.String()
		}
		e.write(out)
	case reconcile.Finished:
		e.write(finishedJSON{"step_ended", resultOf(ev.Result)})
	case reconcile.Hopped:
		e.write(hoppedJSON{"hop", ev.Account.Addr.String(), hopOf(ev.Hop)})
	case reconcile.Proven:
		e.write(provenOf(ev.Proof))
	}
}

// Report writes the last line of an apply or destroy.
func (e *Events) Report(r reconcile.Report, verb Verb) { e.write(reportOf(r, verb)) }

// Verdict writes the last line of a verification.
func (e *Events) Verdict(v reconcile.Verification) {
	out := verdictJSON{Type: "verdict", Accounts: len(v.Proofs), Broken: []provenJSON{}}
	if len(v.Cost) > 0 {
		out.Cost = talliesOf(v.Cost)
	}
	for _, p := range v.Proofs {
		out.Hops += len(p.Hops)
		if _, is := p.Broken(); is {
			out.Broken = append(out.Broken, provenOf(p))
		}
	}
	out.Verified = len(v.Proofs) > 0 && len(out.Broken) == 0
	e.write(out)
}

// Close gives the first error of writing. The writer stays open: it is the caller's.
func (e *Events) Close() error { return e.err }

func (e *Events) write(v any) {
	if e.err != nil {
		return
	}
	text, err := jsonLine(v)
	if err == nil {
		_, err = e.w.Write(text)
	}
	e.err = err
}

type startedJSON struct {
	Type    string `json:"type"`
	Address string `json:"address"`
	Action  string `json:"action"`
	Nth     int    `json:"nth"`
	N       int    `json:"n"`
}

type calledJSON struct {
	Type    string     `json:"type"`
	Address string     `json:"address"`
	Call    string     `json:"call"`
	TookMS  int64      `json:"took_ms"`
	Error   *errorJSON `json:"error,omitempty"`
}

type waitingJSON struct {
	Type    string `json:"type"`
	Address string `json:"address,omitempty"`
	Reason  string `json:"reason"`
	Until   string `json:"until"` // RFC 3339, UTC
}

type finishedJSON struct {
	Type string `json:"type"`
	resultJSON
}

type hoppedJSON struct {
	Type    string `json:"type"`
	Address string `json:"address"`
	hopJSON
}

type hopJSON struct {
	Hop      string     `json:"hop"`
	On       string     `json:"on,omitempty"` // a named connection: neo4j.eu
	Status   string     `json:"status"`       // ok, FAIL, skip
	Text     string     `json:"text"`
	Expected string     `json:"expected,omitempty"`
	Came     string     `json:"came,omitempty"`
	Likely   []string   `json:"likely,omitempty"`
	See      string     `json:"see,omitempty"`
	Place    *placeJSON `json:"place,omitempty"`
}

func hopOf(h reconcile.Hop) hopJSON {
	return hopJSON{h.Name, h.On, string(h.Status), h.Text, h.Expected, h.Came, h.Likely, h.See, placeOf(h.Range)}
}

type provenJSON struct {
	Type     string `json:"type"`
	Address  string `json:"address"`
	Account  string `json:"account"`
	Proven   bool   `json:"proven"`
	BrokenAt string `json:"broken_at,omitempty"`
	Passed   int    `json:"passed"`
	Hops     int    `json:"hops"`
	Row      string `json:"row,omitempty"`
	Claims   any    `json:"claims,omitempty"` // what the token says, where that was asked for
}

func provenOf(p reconcile.Proof) provenJSON {
	out := provenJSON{Type: "proof", Address: p.Account.Addr.String(), Account: p.Account.Name, Proven: true, Passed: p.Passed(), Hops: len(p.Hops), Row: p.Row}
	if p.Claims != nil {
		out.Claims = facetsOf(reconcile.Map(p.Claims), false).known
	}
	if h, broken := p.Broken(); broken {
		out.Proven, out.BrokenAt = false, h.Name
	}
	return out
}

type verdictJSON struct {
	Type     string       `json:"type"`
	Verified bool         `json:"verified"`
	Accounts int          `json:"accounts"`
	Hops     int          `json:"hops"`
	Broken   []provenJSON `json:"broken"`
	Cost     []tallyJSON  `json:"cost,omitempty"`
}
